/**
 * Connections: how this program opens a database, and how it holds the lock on one.
 */
import { createRequire } from 'node:module';
import type SqliteDatabase from 'better-sqlite3';
import { translate, translated } from './errors.ts';

export type Database = SqliteDatabase.Database;

/**
 * Runs `work` on a read-only connection and closes it. Changes no byte and leaves no file behind, provided that the
 * database is not in WAL mode (see header.ts). Waits up to `waitMs` for a writer to finish its commit.
 */
export function withReadOnly<T>(path: string, waitMs: number, work: (db: Database) => T): T {
  return translated(path, () => {
    const db = connectedReadOnly(path, waitMs);
    try {
      return work(db);
    } finally {
      db.close();
    }
  });
}

/** The same for work that waits in between, for a disk or for the reader of a pipe. */
export async function whileReadOnly<T>(path: string, waitMs: number, work: (db: Database) => Promise<T>): Promise<T> {
  const db = translated(path, () => connectedReadOnly(path, waitMs));
  try {
    return await work(db);
  } catch (error) {
    throw translate(path, error);
  } finally {
    db.close();
  }
}

function connectedReadOnly(path: string, waitMs: number): Database {
  const db = connected(path, { readonly: true, fileMustExist: true, timeout: waitMs });
  // Temporary tables and sorters must not need disk: the reader may run because the disk is full.
  db.pragma('temp_store = MEMORY');
  return prepared(db);
}

/** Runs `work` on a writing connection and closes it. Opening one plays back a hot journal. */
export function withWritable<T>(path: string, waitMs: number, work: (db: Database) => T): T {
  return translated(path, () => {
    const db = connected(path, { fileMustExist: true, timeout: waitMs });
    try {
      // `segments.collection` references a table that does not exist: with foreign keys on, Chroma's own schema fails.
      db.pragma('foreign_keys = OFF');
      // Zeroing freed pages writes each of them twice; the same delete took 5 s instead of 0.3 s.
      db.pragma('secure_delete = OFF');
      return work(prepared(db));
    } finally {
      db.close();
    }
  });
}

/** SQLite's locks on a database file, by what they leave to others. They end with the process, however that ends. */
export type Lock =
  /** Others may read, and may begin a transaction, but not commit one. Needs no right to write. */
  | 'shared'
  /** Others may read. Had only when no transaction is under way that writes. */
  | 'reserved'
  /** Others may do nothing. */
  | 'exclusive';

/** Whoever else makes the same lock file is done with that in no time. */
const LOCK_FILE_WAIT_MS = 5_000;

const BEGIN: Readonly<Record<Lock, string>> = {
  shared: 'BEGIN; SELECT COUNT(*) FROM sqlite_schema',
  reserved: 'BEGIN IMMEDIATE',
  exclusive: 'BEGIN EXCLUSIVE',
};

/** Runs `work` under a lock on the database at `path`, waited for up to `waitMs`. Writes nothing itself. */
export async function withLock<T>(
  path: string,
  lock: Lock,
  waitMs: number,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  const db = translated(path, () =>
    connected(path, { readonly: lock === 'shared', fileMustExist: true, timeout: waitMs }),
  );
  try {
    translated(path, () => db.exec(BEGIN[lock]));
    return await work(prepared(db));
  } finally {
    db.close();
  }
}

/**
 * Makes a database at `path` that holds nothing and is there to be locked; leaves one that is there. Not an empty file:
 * SQLite begins one by writing its first page, and would put a journal beside it for as long as the lock is held.
 */
export function createLockFile(path: string): void {
  translated(path, () => {
    const db = connected(path, { timeout: LOCK_FILE_WAIT_MS });
    try {
      if (db.pragma('page_count', { simple: true }) === 0) db.pragma('user_version = 1');
    } finally {
      db.close();
    }
  });
}

/** Runs `work` inside one exclusive transaction: nobody else reads or writes meanwhile. What it throws rolls back. */
export function inExclusiveTransaction<T>(db: Database, work: () => T): T {
  return db.transaction(work).exclusive();
}

/** Runs `work` inside one transaction that keeps others from writing, and from reading only while it commits. */
export function inImmediateTransaction<T>(db: Database, work: () => T): T {
  return db.transaction(work).immediate();
}

/** How long a commit may wait for somebody who still reads: meanwhile nobody else can begin to read or to write. */
const COMMIT_WAIT_MS = 25;

/** {@link inImmediateTransaction} beside a server: its commit waits for a few milliseconds only. */
export function inShortTransaction<T>(db: Database, work: () => T): T {
  return inImmediateTransaction(db, () => {
    db.pragma(`busy_timeout = ${COMMIT_WAIT_MS}`);
    return work();
  });
}

/** Another one on the same connection means that somebody else has committed in between. */
export function readDataVersion(db: Database): bigint {
  return db.pragma('data_version', { simple: true }) as bigint;
}

/**
 * Called inside an exclusive transaction, keeps its lock beyond the end of it and through every commit until the
 * connection is closed. Writes nothing, and so leaves no journal at the database's path.
 */
export function keepLock(db: Database): void {
  db.pragma('main.locking_mode = EXCLUSIVE');
}

/**
 * Lets SQLite read this database, and those attached later, through memory maps (2 GiB of each at most): page after page
 * copied by `read` took 4.3 s instead of 3.0 s on 1.2 GB. Not on a network file system, and not for inspecting: a disk
 * that fails then ends the process with SIGBUS instead of an error.
 */
export function readThroughMaps(db: Database): void {
  db.pragma(`mmap_size = ${2 ** 31}`);
}

/** For work that tries again by itself: what is waited for in SQLite cannot be ended gently. */
export function waitBriefly(db: Database): void {
  db.pragma('busy_timeout = 25');
}

/** Runs `work` on one unchanging view of the database. Keeps writers from committing for as long as it runs. */
export function inReadTransaction<T>(db: Database, work: () => T): T {
  return db.transaction(work).deferred();
}

/**
 * Keeps one unchanging view of the database until the connection is closed. Nothing ends it before, unlike
 * {@link inReadTransaction}, whose COMMIT fails where a statement in it has met a damaged page.
 */
export function keepView(db: Database): void {
  db.exec('BEGIN');
}

/** Version of the SQLite that is compiled into better-sqlite3. */
export function readSqliteVersion(db: Database): string {
  return db.prepare<[], string>('SELECT sqlite_version()').pluck().get() ?? 'unknown';
}

// Loaded here and not by an import, so that a missing package or compiled part is translated like any other failure.
function connected(path: string, options: SqliteDatabase.Options): Database {
  const Engine = createRequire(import.meta.url)('better-sqlite3') as typeof SqliteDatabase;
  return new Engine(path, options);
}

function prepared(db: Database): Database {
  // seq_ids are 64 bits wide; a rounded one would delete the wrong rows.
  db.defaultSafeIntegers(true);
  return db;
}
