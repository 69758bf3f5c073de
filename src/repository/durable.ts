/**
 * What was written, on the disk.
 */
import { join } from 'node:path';
import type { Host } from '../host/host.ts';

/** From so many files on the whole file system is synced instead: each file costs a flush of the disk's cache. */
const MANY_FILES = 100;

/** Makes files and directories below `root` survive a power loss, the root itself included. */
export function syncBelow(
  root: string,
  { files, directories }: { readonly files: readonly string[]; readonly directories: readonly string[] },
  host: Host,
): void {
  if (files.length >= MANY_FILES && host.syncFileSystem(root)) return;
  for (const path of [...files, ...directories]) host.sync(join(root, path));
  host.sync(root);
}
