import Database from 'better-sqlite3';
import { statSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  giveBackPages,
  pointerMapBytes,
  readAutoVacuum,
  setAutoVacuum,
  type AutoVacuum,
} from '../../src/sqlite/auto-vacuum.ts';
import { inImmediateTransaction, withReadOnly, withWritable } from '../../src/sqlite/open.ts';
import { readPageCounts } from '../../src/sqlite/pages.ts';
import { databaseOf } from '../support/damage.ts';
import { FIXTURES, unpacked } from '../support/fixtures.ts';
import { incrementalWithHoles, pagesOf, setTo } from '../support/incremental.ts';
import { rowsOf } from '../support/state.ts';

const SETTINGS: readonly AutoVacuum[] = ['none', 'full', 'incremental'];

describe('auto-vacuum', () => {
  it.each(FIXTURES.map(({ name }) => name))('is none in %s', async (name) => {
    expect(withReadOnly(databaseOf(await unpacked(name)), 0, readAutoVacuum)).toBe('none');
  });

  it.each(SETTINGS)('is read as %s where it was set to that', async (setting) => {
    const dir = await unpacked('0.5.5');
    setTo(dir, setting);
    expect(withReadOnly(databaseOf(dir), 0, readAutoVacuum)).toBe(setting);
  });

  it.each(SETTINGS)('is set to %s by the next VACUUM', async (setting) => {
    const dir = await unpacked('0.5.5');
    withWritable(databaseOf(dir), 0, (db) => {
      setAutoVacuum(db, setting);
      db.exec('VACUUM');
    });
    expect(withReadOnly(databaseOf(dir), 0, readAutoVacuum)).toBe(setting);
  });

  it('is read anew under a lock, whatever the connection has seen before', async () => {
    const dir = await incrementalWithHoles('0.5.5', 50);
    withWritable(databaseOf(dir), 0, (db) => {
      expect(readAutoVacuum(db)).toBe('incremental');
      setTo(dir, 'none');
      expect(inImmediateTransaction(db, () => readAutoVacuum(db))).toBe('none');
    });
  });

  it('takes as many bytes for its pointer map as are estimated, to a page or two', async () => {
    const dir = await incrementalWithHoles('0.5.5', 4_000);
    setTo(dir, 'none');
    const without = statSync(databaseOf(dir)).size;
    setTo(dir, 'incremental');
    const added = statSync(databaseOf(dir)).size - without;
    expect(Math.abs(pointerMapBytes(without, 4096) - added)).toBeLessThanOrEqual(2 * 4096);
  });
});

describe('pages', () => {
  it('are given back as many as are asked for, and not one for each call', async () => {
    const dir = await incrementalWithHoles('0.5.5', 400);
    const [before, rows] = [pagesOf(dir), rowsOf(dir)];
    const given = withWritable(databaseOf(dir), 0, (db) => inImmediateTransaction(db, () => giveBackPages(db, 250)));
    expect(given.pages).toBe(250);
    expect(given.bytes).toBeGreaterThanOrEqual(250 * 4096);
    const after = pagesOf(dir);
    expect(after).toMatchObject({ free: before.free - 250, integrity: 'ok' });
    expect((before.pages - after.pages) * 4096).toBe(given.bytes);
    expect(statSync(databaseOf(dir)).size).toBe(after.pages * 4096);
    expect(rowsOf(dir)).toEqual(rows);
  });

  it('are given back no further than there are free ones', async () => {
    const dir = await incrementalWithHoles('0.5.5', 100);
    const { free } = pagesOf(dir);
    const given = withWritable(databaseOf(dir), 0, (db) =>
      inImmediateTransaction(db, () => giveBackPages(db, 1_000_000)),
    );
    expect(given.pages).toBe(free);
    expect(pagesOf(dir)).toMatchObject({ free: 0, integrity: 'ok' });
  });

  it('are not given back where the transaction is rolled back', async () => {
    const dir = await incrementalWithHoles('0.5.5', 200);
    const [before, rows] = [pagesOf(dir), rowsOf(dir)];
    const failing = (): void =>
      withWritable(databaseOf(dir), 0, (db) =>
        inImmediateTransaction(db, () => {
          giveBackPages(db, 150);
          throw new Error('on purpose');
        }),
      );
    expect(failing).toThrow('on purpose');
    expect(pagesOf(dir)).toEqual(before);
    expect(rowsOf(dir)).toEqual(rows);
  });

  it.each(['none', 'full'] as const)('are left where they are in a file with auto-vacuum %s', async (setting) => {
    const dir = await incrementalWithHoles('0.5.5', 200);
    setTo(dir, setting);
    const before = pagesOf(dir);
    withWritable(databaseOf(dir), 0, (db) => {
      expect(inImmediateTransaction(db, () => giveBackPages(db, 100))).toEqual({ pages: 0, bytes: 0 });
    });
    expect(pagesOf(dir)).toEqual(before);
  });

  it('are given back beside a reader that has an older view, once that has ended', async () => {
    const dir = await incrementalWithHoles('0.5.5', 200);
    const reader = new Database(databaseOf(dir), { readonly: true });
    onTestFinished(() => void reader.close());
    reader.exec('BEGIN; SELECT COUNT(*) FROM sqlite_schema');
    reader.prepare('SELECT COUNT(*) FROM embeddings_queue').get();
    const { free } = withReadOnly(databaseOf(dir), 0, (db) => ({ free: readPageCounts(db).freePages }));
    const give = (): unknown =>
      withWritable(databaseOf(dir), 0, (db) => inImmediateTransaction(db, () => giveBackPages(db, 100)));
    expect(give).toThrow(expect.objectContaining({ code: 'IN_USE' }));
    expect(withReadOnly(databaseOf(dir), 0, readPageCounts).freePages).toBe(free);
    reader.exec('COMMIT');
    expect(give()).toMatchObject({ pages: 100 });
    expect(pagesOf(dir).integrity).toBe('ok');
  });
});
