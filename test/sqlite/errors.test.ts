import { chmodSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { MaintError, type ErrorCode } from '../../src/errors.ts';
import { translate, translated } from '../../src/sqlite/errors.ts';
import { withReadOnly, withWritable } from '../../src/sqlite/open.ts';
import { damagedPage, databaseOf, hotJournal, walMode } from '../support/damage.ts';
import { unpacked } from '../support/fixtures.ts';
import { bytesOf, rowsOf } from '../support/state.ts';

function failureOf(work: () => unknown): MaintError {
  try {
    work();
  } catch (error) {
    if (error instanceof MaintError) return error;
    throw error;
  }
  throw new Error('nothing failed');
}

function countAll(db: Database.Database): unknown {
  return db.prepare('SELECT SUM(length(id) + length(vector)) FROM embeddings_queue').get();
}

function failInTheMiddle(db: Database.Database): never {
  db.exec('BEGIN EXCLUSIVE');
  throw new Error('in the middle');
}

/** Holds an exclusive lock through a second connection while `work` runs. */
function whileLocked<T>(path: string, work: () => T): T {
  const other = new Database(path);
  try {
    other.exec('BEGIN EXCLUSIVE');
    return work();
  } finally {
    other.close();
  }
}

describe('a real failure of SQLite', () => {
  it('is IN_USE where another connection holds the lock, for readers and writers', async () => {
    const dir = await unpacked('0.5.5');
    const before = rowsOf(dir);
    const path = databaseOf(dir);
    const [reading, writing] = whileLocked(path, () => [
      failureOf(() => withReadOnly(path, 0, countAll)),
      failureOf(() => withWritable(path, 0, (db) => db.exec('DELETE FROM embeddings_queue'))),
    ]);
    for (const failure of [reading, writing]) {
      expect(failure).toMatchObject({
        code: 'IN_USE',
        exitCode: 11,
        message: expect.stringContaining(path) as string,
        details: [expect.stringContaining('SQLITE_BUSY') as string],
        changed: false,
      });
    }
    expect(rowsOf(dir)).toEqual(before);
  });

  it('is CORRUPT for a file that is no database', async () => {
    const path = databaseOf(await unpacked('0.5.5'));
    writeFileSync(path, 'no database at all '.repeat(1000));
    expect(failureOf(() => withReadOnly(path, 0, countAll))).toMatchObject({
      code: 'CORRUPT',
      details: [expect.stringContaining('SQLITE_NOTADB') as string],
    });
  });

  it('is CORRUPT for a damaged page, and names where', async () => {
    const dir = await unpacked('0.5.5');
    damagedPage(dir, 'embeddings_queue');
    expect(failureOf(() => withReadOnly(databaseOf(dir), 0, countAll))).toMatchObject({
      code: 'CORRUPT',
      message: expect.stringContaining(databaseOf(dir)) as string,
      details: [expect.stringContaining('SQLITE_CORRUPT') as string],
    });
  });

  it('is NOT_WRITABLE for a write through a read-only connection, and nothing is written', async () => {
    const dir = await unpacked('0.5.5');
    const before = bytesOf(dir);
    const failure = failureOf(() => withReadOnly(databaseOf(dir), 0, (db) => db.exec('DELETE FROM embeddings_queue')));
    expect(failure.code).toBe('NOT_WRITABLE');
    expect(bytesOf(dir)).toEqual(before);
  });

  it('is HOT_JOURNAL where a reader meets one, and the journal stays for the writer', async () => {
    const dir = await unpacked('0.5.5');
    hotJournal(dir);
    const before = bytesOf(dir);
    expect(failureOf(() => withReadOnly(databaseOf(dir), 0, countAll))).toMatchObject({
      code: 'HOT_JOURNAL',
      hint: expect.stringContaining('--recover-journal') as string,
    });
    expect(bytesOf(dir)).toEqual(before);
  });

  it('is NO_SPACE where the database may not grow', async () => {
    const dir = await unpacked('0.5.5');
    const before = rowsOf(dir);
    const failure = failureOf(() =>
      withWritable(databaseOf(dir), 0, (db) => {
        db.pragma(`max_page_count = ${String(db.pragma('page_count', { simple: true }))}`);
        db.exec('CREATE TABLE larger AS SELECT randomblob(1000000)');
      }),
    );
    expect([failure.code, failure.exitCode]).toEqual(['NO_SPACE', 15]);
    expect(rowsOf(dir)).toEqual(before);
  });

  it('is FAILED where the file cannot be opened, and none is created', async () => {
    const dir = await unpacked('0.5.5');
    rmSync(databaseOf(dir));
    const before = bytesOf(dir);
    for (const open of [withReadOnly, withWritable]) {
      expect(failureOf(() => open(databaseOf(dir), 0, countAll))).toMatchObject({
        code: 'FAILED',
        details: [expect.stringContaining('SQLITE_CANTOPEN') as string],
      });
    }
    expect(bytesOf(dir)).toEqual(before);
  });

  it('passes unchanged where it is a bug of ours, as wrong SQL or a broken constraint is', async () => {
    const path = databaseOf(await unpacked('0.5.5'));
    expect(() => withReadOnly(path, 0, (db) => db.prepare('SELECT nothing'))).toThrow(Database.SqliteError);
    const insert =
      "INSERT INTO embeddings_queue (seq_id, operation, topic, id) SELECT MAX(seq_id), 0, 't', 'i' FROM embeddings_queue";
    expect(() => withWritable(path, 0, (db) => db.exec(insert))).toThrow(Database.SqliteError);
  });
});

describe('the translation of failures', () => {
  it.each<readonly [string, ErrorCode]>([
    ['SQLITE_BUSY', 'IN_USE'],
    ['SQLITE_BUSY_SNAPSHOT', 'IN_USE'],
    ['SQLITE_BUSY_TIMEOUT', 'IN_USE'],
    ['SQLITE_LOCKED_SHAREDCACHE', 'IN_USE'],
    ['SQLITE_READONLY_ROLLBACK', 'HOT_JOURNAL'],
    ['SQLITE_READONLY_RECOVERY', 'HOT_JOURNAL'],
    ['SQLITE_READONLY', 'NOT_WRITABLE'],
    ['SQLITE_READONLY_DIRECTORY', 'NOT_WRITABLE'],
    ['SQLITE_READONLY_DBMOVED', 'NOT_WRITABLE'],
    ['SQLITE_CORRUPT_VTAB', 'CORRUPT'],
    ['SQLITE_NOTADB', 'CORRUPT'],
    ['SQLITE_FULL', 'NO_SPACE'],
    ['SQLITE_IOERR_FSYNC', 'FAILED'],
    ['SQLITE_CANTOPEN_ISDIR', 'FAILED'],
    ['SQLITE_NOMEM', 'FAILED'],
    ['SQLITE_PERM', 'NOT_WRITABLE'],
    ['ERR_DLOPEN_FAILED', 'NATIVE_BINDING'],
    ['MODULE_NOT_FOUND', 'NATIVE_BINDING'],
  ])('turns %s into %s, with a remedy and its cause', (code, expected) => {
    const cause = Object.assign(new Error('in its own words\nand a second line'), { code });
    const failure = translate('/where', cause);
    expect(failure).toBeInstanceOf(MaintError);
    expect(failure).toMatchObject({ code: expected, cause, state: 'nothing was changed' });
    expect((failure as MaintError).hint).not.toBe('');
  });

  it('leaves alone what is not SQLite’s: other errors, other codes, our own failures, no error at all', () => {
    const own = new MaintError('NO_SPACE', { message: 'm', hint: 'h' });
    const others = [new Error('x'), Object.assign(new Error('x'), { code: 'ENOENT' }), own, 'text', undefined, 7];
    for (const other of others) expect(translate('/where', other)).toBe(other);
  });

  it('returns what the work returns', () => {
    expect(translated('/where', () => 7)).toBe(7);
  });
});

describe('a connection', () => {
  it('that reads leaves no byte and no file changed, in a directory that cannot be written to as well', async () => {
    const dir = await unpacked('1.5.9-purge-off');
    chmodSync(dir, 0o555);
    const before = bytesOf(dir);
    withReadOnly(databaseOf(dir), 0, (db) => {
      db.exec('CREATE TEMP TABLE t AS SELECT * FROM embeddings_queue');
      return countAll(db);
    });
    expect(bytesOf(dir)).toEqual(before);
    chmodSync(dir, 0o755);
  });

  it('is closed after a failure too, so that the next one is not locked out', async () => {
    const path = databaseOf(await unpacked('0.5.5'));
    expect(() => withWritable(path, 0, failInTheMiddle)).toThrow('in the middle');
    expect(withWritable(path, 0, (db) => db.exec('BEGIN EXCLUSIVE; ROLLBACK')).open).toBe(false);
  });

  it('hands out 64-bit integers, and writes with foreign keys and secure deletion off', async () => {
    const path = databaseOf(await unpacked('0.5.5'));
    const settings = withWritable(path, 0, (db) => [
      db.prepare('SELECT 9223372036854775807').pluck().get(),
      db.pragma('foreign_keys', { simple: true }),
      db.pragma('secure_delete', { simple: true }),
    ]);
    expect(settings.map(String)).toEqual(['9223372036854775807', '0', '0']);
  });

  it('to a database in write-ahead mode with its files beside it sees what only the -wal file has', async () => {
    const dir = await unpacked('0.5.5');
    walMode(dir, 'files');
    const sql = "SELECT COUNT(*) FROM embeddings_queue WHERE metadata = 'in the -wal'";
    const changed = withWritable(databaseOf(dir), 0, (db) => db.prepare<[], bigint>(sql).pluck().get());
    expect(changed).toBe(706n);
  });

  it('survives an empty file, which SQLite takes for a new database: the header tells them apart before', async () => {
    const path = databaseOf(await unpacked('0.5.5'));
    truncateSync(path, 0);
    expect(() => withReadOnly(path, 0, countAll)).toThrow('no such table');
  });
});
