/**
 * How far a file has grown that the working process writes: SQLite itself does not say how far it is.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { DATABASE_NAME } from '../chroma/persist-dir.ts';
import type { Host } from '../host/host.ts';
import { rebuiltBytes } from '../sqlite/rebuilt-file.ts';
import type { Stage } from './observer.ts';

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
export function growthOf(
  stage: Stage,
  persistDir: string,
  { host, pid, expectedBytes }: { readonly host: Host; readonly pid: number; readonly expectedBytes: number },
): Growth | null {
  const databasePath = join(persistDir, DATABASE_NAME);
  if (stage === 'rebuilding') {
    const written = rebuiltBytes(databasePath);
    return written === null ? null : { written, expected: expectedBytes };
  }
  if (stage !== 'vacuuming') return null;
  const copied = host.unnamedFileBytes(pid);
  // VACUUM fills a temporary file, then a rollback journal of what it overwrites with it.
  return copied === null ? null : { written: copied + bytesOf(`${databasePath}-journal`), expected: 2 * expectedBytes };
}

function bytesOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
