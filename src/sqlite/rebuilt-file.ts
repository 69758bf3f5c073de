/**
 * The new database file, until it has the old one's name.
 */
import { closeSync, existsSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { overwrite } from './descriptor.ts';

/** Nothing else writes a file of such a name, and no other file is ever removed beside a database. */
const SUFFIX = '.chroma-maint-rebuild';

/** True for the name of such a file. */
export function isRebuiltFile(name: string): boolean {
  return name.endsWith(SUFFIX);
}

/** Where the new file of the database at `databasePath` is written. */
export function rebuiltPath(databasePath: string): string {
  return `${databasePath}${SUFFIX}`;
}

/** Creates the empty file beside the database, readable by nobody else for now, and returns its path. */
export function createRebuiltFile(databasePath: string): string {
  const path = rebuiltPath(databasePath);
  closeSync(openSync(path, 'wx', 0o600));
  return path;
}

/** Gives the new file the name of the old one: the moment in which a rebuild is done. */
export function putInPlace(databasePath: string): void {
  renameSync(rebuiltPath(databasePath), databasePath);
}

/** Removes what a rebuild that was killed has left. Only for the holder of the lock under which such a file is made. */
export function removeLeftover(databasePath: string): void {
  rmSync(rebuiltPath(databasePath), { force: true });
}

/**
 * Writes zeros over what a rebuild that was killed has left: rows of it may have been deleted since. Only for the holder
 * of the lock under which such a file is made.
 */
export function overwriteLeftover(databasePath: string): void {
  const path = rebuiltPath(databasePath);
  if (!existsSync(path)) return;
  const descriptor = openSync(path, 'r+');
  try {
    overwrite(descriptor, () => undefined);
  } finally {
    closeSync(descriptor);
  }
}

/** Bytes that the new file has so far; null where there is none. */
export function rebuiltBytes(databasePath: string): number | null {
  return statSync(rebuiltPath(databasePath), { throwIfNoEntry: false })?.size ?? null;
}
