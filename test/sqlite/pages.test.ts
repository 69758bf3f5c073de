import { statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { withReadOnly } from '../../src/sqlite/open.ts';
import { readPageCounts, readTableBytes } from '../../src/sqlite/pages.ts';
import { quickCheck } from '../../src/sqlite/quick-check.ts';
import { damagedPage, databaseOf, emptiedQueue } from '../support/damage.ts';
import { FIXTURES, unpacked } from '../support/fixtures.ts';
import { bytesOf } from '../support/state.ts';

const NAMES = FIXTURES.map(({ name }) => name);
const ALL_BYTES = 'SELECT SUM(pgsize) FROM dbstat';

describe('the pages of a file', () => {
  it.each(NAMES)('are those of its tables, the free ones, and nothing else, in %s', async (name) => {
    const path = databaseOf(await unpacked(name));
    const { counts, tables, dbstat } = withReadOnly(path, 0, (db) => ({
      counts: readPageCounts(db),
      tables: readTableBytes(db, () => true),
      dbstat: Number(db.prepare<[], bigint>(ALL_BYTES).pluck().get()),
    }));
    const sum = [...tables.values()].reduce((total, bytes) => total + bytes, 0);
    expect(counts.pages * counts.pageSize).toBe(statSync(path).size);
    expect(sum).toBe(dbstat);
    expect(sum + counts.freePages * counts.pageSize).toBe(statSync(path).size);
  });

  it('of a table include its indexes, and a table can be left out', async () => {
    const path = databaseOf(await unpacked('0.6.3-purge-off'));
    const [all, without] = withReadOnly(path, 0, (db) => [
      readTableBytes(db, () => true),
      readTableBytes(db, (table) => table !== 'embeddings_queue'),
    ]);
    expect([...all.keys()].filter((name) => !without.has(name))).toEqual(['embeddings_queue']);
    expect([...all.keys()].filter((name) => name.includes('autoindex'))).toEqual([]);
  });

  it('become free where rows are deleted, and the file keeps its size', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const before = withReadOnly(databaseOf(dir), 0, readPageCounts);
    emptiedQueue(dir);
    const after = withReadOnly(databaseOf(dir), 0, readPageCounts);
    expect(after).toMatchObject({ pages: before.pages, pageSize: before.pageSize });
    expect(after.freePages).toBeGreaterThan(before.freePages + 50);
  });
});

describe('quick_check', () => {
  it.each(NAMES)('has nothing to say about %s, and changes nothing', async (name) => {
    const dir = await unpacked(name);
    const before = bytesOf(dir);
    expect(withReadOnly(databaseOf(dir), 0, quickCheck)).toEqual([]);
    expect(bytesOf(dir)).toEqual(before);
  });

  const damaged = ['embeddings_queue', 'embedding_metadata', 'embedding_fulltext_search_content'].flatMap((table) =>
    (['page', 'cells'] as const).map((what) => [what, table] as const),
  );
  it.each(damaged)('finds damaged %s of %s and names the table', async (what, table) => {
    const dir = await unpacked('0.6.3-purge-off');
    damagedPage(dir, table, what);
    const problems = withReadOnly(databaseOf(dir), 0, quickCheck);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.every((problem) => problem.startsWith(`${table}: `))).toBe(true);
  });
});
