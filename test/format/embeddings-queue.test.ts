import { describe, expect, it } from 'vitest';
import { deleteBelow } from '../../src/chroma/embeddings-queue.ts';
import { seqId } from '../../src/chroma/seq-id.ts';
import { withReadOnly, withWritable } from '../../src/sqlite/open.ts';
import { databaseOf } from '../support/damage.ts';
import { fixture, FIXTURES, seqIdsIn, unpacked } from '../support/fixtures.ts';
import { expectedCutoffs, tempTables, usageOf } from '../support/scan.ts';
import { rowsOf, seqIdsOf } from '../support/state.ts';

const NAMES = FIXTURES.map(({ name }) => name);

describe('deleting below cutoffs', () => {
  it.each(NAMES)(
    'deletes exactly the rows that the reference expects, and no other row anywhere, in %s',
    async (name) => {
      const dir = await unpacked(name);
      const [before, others] = [seqIdsOf(dir), rowsOf(dir, ['embeddings_queue'])];
      const gone = new Set(seqIdsIn(fixture(name).expected.deletedSeqIds));
      const deleted = withWritable(databaseOf(dir), 0, (db) => deleteBelow(db, expectedCutoffs(name)));
      expect(deleted).toBe(gone.size);
      expect(seqIdsOf(dir)).toEqual(before.filter((each) => !gone.has(each)));
      expect(rowsOf(dir, ['embeddings_queue'])).toEqual(others);
    },
  );

  it('finds nothing the second time, nor without a cutoff, nor for a topic that has no rows', async () => {
    const dir = await unpacked('0.5.5');
    withWritable(databaseOf(dir), 0, (db) => {
      expect(deleteBelow(db, [])).toBe(0);
      expect(deleteBelow(db, [{ topic: 'persistent://default/default/nobody', below: seqId(10_000n) }])).toBe(0);
      expect(deleteBelow(db, expectedCutoffs('0.5.5'))).toBeGreaterThan(0);
      expect(deleteBelow(db, expectedCutoffs('0.5.5'))).toBe(0);
    });
  });

  it('touches no topic that only looks alike: no pattern, no other case, nothing longer', async () => {
    const dir = await unpacked('0.5.5');
    const before = seqIdsOf(dir);
    const [topic = ''] = withReadOnly(databaseOf(dir), 0, (db) => usageOf(db).map((each) => each.topic));
    const alike = [
      topic.toUpperCase(),
      `${topic} `,
      `${topic}%`,
      topic.replace(/[0-9a-f]$/, '_'),
      topic.slice(0, -1),
      '%',
    ];
    const cutoffs = alike.map((each) => ({ topic: each, below: seqId(10_000n) }));
    expect(withWritable(databaseOf(dir), 0, (db) => deleteBelow(db, cutoffs))).toBe(0);
    expect(seqIdsOf(dir)).toEqual(before);
  });

  it('is undone whole by a rollback, and leaves no temporary table behind', async () => {
    const dir = await unpacked('1.5.9-purge-off');
    const before = rowsOf(dir);
    withWritable(databaseOf(dir), 0, (db) => {
      db.exec('BEGIN EXCLUSIVE');
      expect(deleteBelow(db, expectedCutoffs('1.5.9-purge-off'))).toBeGreaterThan(0);
      db.exec('ROLLBACK');
      expect(tempTables(db)).toEqual([]);
    });
    expect(rowsOf(dir)).toEqual(before);
  });
});
