import { accessSync, constants } from 'node:fs';

/** True where this user may write to the file or directory. */
export function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
