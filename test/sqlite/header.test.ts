import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readHeader, readJournalState, walFilesBeside } from '../../src/sqlite/header.ts';
import { withReadOnly, withWritable } from '../../src/sqlite/open.ts';
import { coldJournal, databaseOf, hotJournal, tornDatabase, walMode, zeroByteDatabase } from '../support/damage.ts';
import { FIXTURES, temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { bytesOf, rowsOf, withDatabase } from '../support/state.ts';

describe('the header of a database', () => {
  it.each(FIXTURES.map(({ name }) => name))('says what SQLite itself says, in %s', async (name) => {
    const path = databaseOf(await unpacked(name));
    const [pageSize, pageCount] = withReadOnly(path, 0, (db) =>
      ['page_size', 'page_count'].map((each) => Number(db.pragma(each, { simple: true }))),
    );
    expect(readHeader(path)).toMatchObject({ kind: 'database', pageSize, pageCount, walMode: false });
  });

  it('counts changes: every write transaction, and no reading', async () => {
    const dir = await unpacked('0.5.5');
    const counterOf = (): number => {
      const header = readHeader(databaseOf(dir));
      return header.kind === 'database' ? header.changeCounter : NaN;
    };
    const before = counterOf();
    withReadOnly(databaseOf(dir), 0, (db) => db.prepare('SELECT COUNT(*) FROM embeddings').get());
    expect(counterOf()).toBe(before);
    withDatabase(dir, (db) => db.exec('DELETE FROM embeddings_queue WHERE seq_id = 1'));
    expect(counterOf()).toBe(before + 1);
  });

  it('knows pages of 64 KiB, which its two bytes cannot hold', () => {
    const path = join(temporaryDirectory(), 'large-pages');
    writeFileSync(path, '');
    withWritable(path, 0, (db) => db.exec('PRAGMA page_size = 65536; CREATE TABLE t (a)'));
    expect(readHeader(path)).toMatchObject({ pageSize: 65_536, pageCount: 2 });
  });

  it('promises more pages than there are where the file is cut short', async () => {
    const dir = await unpacked('0.5.5');
    tornDatabase(dir);
    const header = readHeader(databaseOf(dir));
    const promised = header.kind === 'database' ? (header.pageCount ?? 0) * header.pageSize : 0;
    expect(promised).toBeGreaterThan(statSync(databaseOf(dir)).size);
  });

  it('is empty, or no database’s, and reading it never throws whatever the bytes', async () => {
    const dir = await unpacked('0.5.5');
    const whole = readFileSync(databaseOf(dir)).subarray(0, 100);
    zeroByteDatabase(dir);
    expect(readHeader(databaseOf(dir))).toEqual({ kind: 'empty' });
    writeFileSync(databaseOf(dir), whole.subarray(0, 99));
    expect(readHeader(databaseOf(dir))).toEqual({ kind: 'not-a-database' });
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 120 }), (bytes) => {
        writeFileSync(databaseOf(dir), bytes);
        expect(readHeader(databaseOf(dir))).toEqual({ kind: 'not-a-database' });
      }),
      { numRuns: 200 },
    );
  });

  it('does not believe a page count that an old SQLite left stale', async () => {
    const path = databaseOf(await unpacked('0.5.5'));
    const bytes = readFileSync(path);
    bytes.writeUInt32BE(bytes.readUInt32BE(92) - 1, 92);
    writeFileSync(path, bytes);
    expect(readHeader(path)).toMatchObject({ kind: 'database', pageCount: null });
  });

  it.each(['header', 'files'] as const)(
    'tells write-ahead mode (%s), and reading it leaves no file behind',
    async (how) => {
      const dir = await unpacked('0.5.5');
      walMode(dir, how);
      const before = bytesOf(dir);
      expect(readHeader(databaseOf(dir))).toMatchObject({ walMode: true });
      expect(walFilesBeside(databaseOf(dir))).toEqual(how === 'files' ? ['-wal', '-shm'] : []);
      expect(bytesOf(dir)).toEqual(before);
    },
  );

  it.each([18, 19])('tells write-ahead mode by byte %i alone', async (at) => {
    const path = databaseOf(await unpacked('0.5.5'));
    const bytes = readFileSync(path);
    bytes[at] = 2;
    writeFileSync(path, bytes);
    expect(readHeader(path)).toMatchObject({ walMode: true });
  });
});

describe('the rollback journal', () => {
  it('is none, cold or hot', async () => {
    const dir = await unpacked('0.5.5');
    expect(readJournalState(databaseOf(dir))).toBe('none');
    coldJournal(dir);
    expect(readJournalState(databaseOf(dir))).toBe('cold');
    truncateSync(`${databaseOf(dir)}-journal`, 0);
    expect(readJournalState(databaseOf(dir))).toBe('cold');
    hotJournal(dir);
    expect(readJournalState(databaseOf(dir))).toBe('hot');
  });

  it('that is hot is what SQLite plays back, to exactly the rows from before', async () => {
    const dir = await unpacked('0.5.5');
    const before = rowsOf(dir);
    hotJournal(dir);
    withWritable(databaseOf(dir), 0, (db) => db.prepare('SELECT COUNT(*) FROM embeddings_queue').get());
    expect(readJournalState(databaseOf(dir))).toBe('none');
    expect(rowsOf(dir)).toEqual(before);
  });

  it('that is cold changes nothing for a reader, and stays where it is', async () => {
    const dir = await unpacked('0.5.5');
    const rows = rowsOf(dir);
    coldJournal(dir);
    const before = bytesOf(dir);
    withReadOnly(databaseOf(dir), 0, (db) => db.prepare('SELECT COUNT(*) FROM embeddings_queue').get());
    expect(bytesOf(dir)).toEqual(before);
    expect(rowsOf(dir)).toEqual(rows);
  });
});
