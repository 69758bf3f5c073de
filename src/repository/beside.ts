/**
 * Names of ours beside a directory that is being put in place.
 */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** A name of ours beside `path`, which shares its file system and so can be renamed to it. */
export function besidePath(path: string, what: 'restore' | 'restore.lock' | 'swap.json'): string {
  return join(dirname(path), `.${basename(path)}.chroma-maint-${what}`);
}

/** True where a swap at `target` was begun and neither finished nor undone (see swap.ts). */
export function isHalfSwapped(target: string): boolean {
  return existsSync(besidePath(target, 'swap.json'));
}
