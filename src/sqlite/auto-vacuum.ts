/**
 * How a file gives pages back that nothing is on: in a VACUUM only (`none`, as every Chroma creates it), at every commit
 * (`full`), or when it is told to (`incremental`). For the last two SQLite keeps pointer-map pages, which say of every
 * page which other one points to it (sqlite.org/fileformat2, "Pointer Map or Ptrmap Pages").
 */
import type { Database } from './open.ts';
import { readPageCounts } from './pages.ts';

export type AutoVacuum = 'none' | 'full' | 'incremental';

/** What was given back, and what is still free. */
export interface GivenBack {
  /** Pages that were free and are no longer in the file. */
  readonly pages: number;
  /** Bytes that the file is smaller, pointer-map pages included. */
  readonly bytes: number;
}

/** In the order of SQLite's numbers for them. */
const SETTINGS: readonly AutoVacuum[] = ['none', 'full', 'incremental'];

/** Bytes of an entry of the pointer map. */
const POINTER_BYTES = 5;

/**
 * The setting of a database. SQLite looks at the file when it takes a lock, so outside of a transaction it is what held
 * when the connection last had one.
 */
export function readAutoVacuum(db: Database, schema = 'main'): AutoVacuum {
  const value = Number(db.pragma(`${schema}.auto_vacuum`, { simple: true }));
  return SETTINGS[value] ?? 'none';
}

/**
 * Makes a setting that of an empty database, or of the file that the next VACUUM of this connection writes. From `full`
 * to `incremental`, and back, it changes at once.
 */
export function setAutoVacuum(db: Database, setting: AutoVacuum, schema = 'main'): void {
  db.pragma(`${schema}.auto_vacuum = ${SETTINGS.indexOf(setting)}`);
}

/** Bytes of the pointer-map pages of a file with `bytes` of other pages. */
export function pointerMapBytes(bytes: number, pageSize: number): number {
  return Math.ceil(bytes / pageSize / (pageSize / POINTER_BYTES)) * pageSize;
}

/**
 * Gives up to `most` free pages back to the file system, inside the caller's transaction and only in a file that is
 * `incremental`: what is on the last page is moved to a free one, and the file ends before it.
 */
export function giveBackPages(db: Database, most: number): GivenBack {
  const before = readPageCounts(db);
  // SQLite gives back one page for each step of this statement, and only exec() goes on to the end of one.
  db.exec(`PRAGMA main.incremental_vacuum(${most})`);
  const after = readPageCounts(db);
  return {
    pages: before.freePages - after.freePages,
    bytes: (before.pages - after.pages) * before.pageSize,
  };
}
