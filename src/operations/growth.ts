/**
 * How far a file has grown that the working process writes: SQLite itself does not say how far it is.
 */
import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DATABASE_NAME } from '../chroma/persist-dir.ts';
import { rebuiltBytes } from '../sqlite/rebuilt-file.ts';
import type { Stage } from './job.ts';

/** Bytes of a file that is being written. */
export interface Growth {
  readonly written: number;
  /** An estimate, which may be passed. */
  readonly expected: number;
}

/**
 * What process `pid` has written in `stage`, of a database that is expected to have `expectedBytes` afterwards; null
 * where nothing is known of it.
 */
export function growthOf(stage: Stage, persistDir: string, pid: number, expectedBytes: number): Growth | null {
  const databasePath = join(persistDir, DATABASE_NAME);
  if (stage === 'rebuilding') {
    const written = rebuiltBytes(databasePath);
    return written === null ? null : { written, expected: expectedBytes };
  }
  if (stage !== 'vacuuming') return null;
  const copied = temporaryBytes(pid);
  // VACUUM fills a temporary file, then a rollback journal of what it overwrites with it.
  return copied === null ? null : { written: copied + bytesOf(`${databasePath}-journal`), expected: 2 * expectedBytes };
}

/** Bytes of the files without a name that `pid` has open: SQLite unlinks its temporary files at once. */
function temporaryBytes(pid: number): number | null {
  try {
    const paths = readdirSync(`/proc/${pid}/fd`).map((descriptor) => `/proc/${pid}/fd/${descriptor}`);
    return paths.filter((path) => linkOf(path).endsWith(' (deleted)')).reduce((sum, path) => sum + bytesOf(path), 0);
  } catch {
    return null;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function bytesOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
