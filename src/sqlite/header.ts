/**
 * The first 100 bytes of a database file, and the journals beside it, read without SQLite: even a read-only open of a
 * WAL-mode database would create a `-shm` file and leave it behind.
 *
 * Closing any descriptor of the database file drops every POSIX lock that SQLite holds on it in this process
 * (sqlite.org/howtocorrupt.html §2.2). So nothing here may run while a connection to the same file is open, and no
 * file outside this folder opens it at all.
 */
import { closeSync, openSync, readSync, statSync, type BigIntStats } from 'node:fs';

const MAGIC = 'SQLite format 3\0';
const HEADER_BYTES = 100;
const WAL_VERSION = 2;

export type DatabaseHeader =
  | { readonly kind: 'empty' }
  | { readonly kind: 'not-a-database' }
  | {
      readonly kind: 'database';
      readonly pageSize: number;
      readonly walMode: boolean;
      /** Counts the write transactions of rollback mode: a change here is a change of content. */
      readonly changeCounter: number;
      /** Pages the file must have, or null where an old SQLite left the field stale. */
      readonly pageCount: number | null;
    };

/** State of the rollback journal: `hot` journals hold pages that must be rolled back before anyone may read. */
export type JournalState = 'none' | 'cold' | 'hot';

/** Reads the header of `path`. Throws what the operating system throws. */
export function readHeader(path: string): DatabaseHeader {
  const header = readStart(path, HEADER_BYTES);
  if (header.length === 0) return { kind: 'empty' };
  if (header.length < HEADER_BYTES || header.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    return { kind: 'not-a-database' };
  }
  const pageSize = header.readUInt16BE(16);
  const changeCounter = header.readUInt32BE(24);
  const pageCount = header.readUInt32BE(28);
  return {
    kind: 'database',
    pageSize: pageSize === 1 ? 65_536 : pageSize,
    walMode: header[18] === WAL_VERSION || header[19] === WAL_VERSION,
    changeCounter,
    // The count is valid only while "version-valid-for" (byte 92) equals the change counter.
    pageCount: pageCount > 0 && header.readUInt32BE(92) === changeCounter ? pageCount : null,
  };
}

/**
 * Looks at `<path>-journal`. Its header is written as zeros and filled in at the first sync, and zeroed again when a
 * transaction ends without deleting it: only a first byte other than 0 makes it hot (SQLite pager.c `hasHotJournal`).
 */
export function readJournalState(path: string): JournalState {
  try {
    const [first] = readStart(`${path}-journal`, 1);
    return first === undefined || first === 0 ? 'cold' : 'hot';
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'none';
    throw error;
  }
}

/** Names of the write-ahead files that stand beside `path`: `-wal`, `-shm`. */
export function walFilesBeside(path: string): readonly string[] {
  return ['-wal', '-shm'].filter((suffix) => stat(path + suffix) !== undefined);
}

function stat(path: string): BigIntStats | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false });
}

function readStart(path: string, length: number): Buffer {
  const descriptor = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(length);
    return buffer.subarray(0, readSync(descriptor, buffer, 0, length, 0));
  } finally {
    closeSync(descriptor);
  }
}
