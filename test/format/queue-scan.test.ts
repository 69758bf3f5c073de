import { describe, expect, it } from 'vitest';
import { deleteBelow, readLastSeqId } from '../../src/chroma/embeddings-queue.ts';
import type { CollectionCutoff } from '../../src/chroma/prune-plan.ts';
import { seqId } from '../../src/chroma/seq-id.ts';
import { withReadOnly, withWritable } from '../../src/sqlite/open.ts';
import { readPageCounts } from '../../src/sqlite/pages.ts';
import { databaseOf, emptiedQueue } from '../support/damage.ts';
import { fixture, FIXTURES, unpacked } from '../support/fixtures.ts';
import { countBelow, countMissing, expectedCutoffs, tempTables, usageOf } from '../support/scan.ts';
import { bytesOf, seqIdsOf, withDatabase } from '../support/state.ts';

const NAMES = FIXTURES.map(({ name }) => name);

const TOPICS = 'SELECT topic, COUNT(*) AS n, MAX(seq_id) AS last FROM embeddings_queue GROUP BY topic ORDER BY topic';

// Root and inner pages belong to nobody's rows, so they are not counted.
const TRUE_BYTES = "SELECT SUM(pgsize) FROM dbstat WHERE name = 'embeddings_queue' AND pagetype <> 'internal'";

/** Estimated bytes of the whole queue, divided by what SQLite itself counts. */
function estimateOf(dir: string): number {
  return withReadOnly(databaseOf(dir), 0, (db) => {
    const { pageSize } = readPageCounts(db);
    const estimated = usageOf(db, pageSize).reduce((sum, { bytes }) => sum + bytes, 0);
    return estimated / Number(db.prepare<[], bigint>(TRUE_BYTES).pluck().get());
  });
}

/** Adds records as Chroma writes them, `dimensions` floats each, to the topic of the first row. */
function enlarge(dir: string, rows: number, dimensions: number, document: (at: number) => string): void {
  withDatabase(dir, (db) => {
    const topic = db.prepare<[], string>('SELECT topic FROM embeddings_queue').pluck().get();
    const insert = db.prepare(
      'INSERT INTO embeddings_queue (operation, topic, id, vector, encoding, metadata) VALUES (0, ?, ?, ?, ?, ?)',
    );
    db.transaction(() => {
      for (let at = 0; at < rows; at += 1) {
        const metadata = JSON.stringify({ 'chroma:document': document(at) });
        insert.run(topic, `record-${at}`, Buffer.alloc(dimensions * 4, at), 'FLOAT32', metadata);
      }
    })();
  });
}

describe('the usage of the queue', () => {
  it.each(NAMES)('counts the rows and the newest row of every topic as plain SQL does, in %s', async (name) => {
    const dir = await unpacked(name);
    const before = bytesOf(dir);
    const expected = withReadOnly(databaseOf(dir), 0, (db) =>
      db.prepare<[], { topic: string; n: bigint; last: bigint }>(TOPICS).all(),
    );
    withReadOnly(databaseOf(dir), 0, (db) => {
      const usage = usageOf(db);
      expect(usage.map(({ topic, rows, lastSeqId }) => ({ topic, n: BigInt(rows), last: lastSeqId }))).toEqual(
        expected,
      );
      expect(String(readLastSeqId(db))).toBe(fixture(name).expected.lastSeqId);
      expect(usage.reduce((sum, { rows }) => sum + rows, 0)).toBe(fixture(name).expected.totalRows);
      expect(usage.every(({ bytes, leafBytes }) => bytes >= leafBytes && leafBytes > 0)).toBe(true);
    });
    expect(bytesOf(dir)).toEqual(before);
  });

  it('is nothing, and the last seq_id 0, where the queue is empty', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    emptiedQueue(dir);
    withReadOnly(databaseOf(dir), 0, (db) => {
      expect([usageOf(db), readLastSeqId(db)]).toEqual([[], 0n]);
    });
  });

  it('holds seq_ids beyond 2^53 without rounding', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const huge = 2n ** 53n + 1n;
    withDatabase(dir, (db) => db.prepare('UPDATE embeddings_queue SET seq_id = ? WHERE seq_id = 1').run(huge));
    expect(withReadOnly(databaseOf(dir), 0, readLastSeqId)).toBe(huge);
    withWritable(databaseOf(dir), 0, (db) => {
      const topic =
        db.prepare<[], string>('SELECT topic FROM embeddings_queue ORDER BY seq_id DESC').pluck().get() ?? '';
      deleteBelow(db, [{ topic, below: seqId(huge) }]);
    });
    expect(seqIdsOf(dir).at(-1)).toBe(huge);
  });
});

describe('the estimate of bytes', () => {
  it.each(FIXTURES.filter(({ expected }) => expected.totalRows > 500).map(({ name }) => name))(
    'differs from what SQLite counts by less than a twentieth, in %s',
    async (name) => {
      const estimate = estimateOf(await unpacked(name));
      expect(estimate).toBeGreaterThan(0.95);
      expect(estimate).toBeLessThan(1.05);
    },
  );

  it.each([
    ['1536 dimensions and no document', 1536, () => ''],
    ['1536 dimensions and documents of 1 KiB', 1536, () => 'x'.repeat(1024)],
    ['1536 dimensions and documents of all lengths', 1536, (at: number) => 'x'.repeat((at * 37) % 9000)],
    ['384 dimensions and documents of all lengths', 384, (at: number) => 'x'.repeat((at * 37) % 3000)],
    ['768 dimensions and documents of 900 bytes', 768, () => 'x'.repeat(900)],
  ] as const)(
    'differs from what SQLite counts by less than a twentieth for 3,000 rows of %s',
    async (_, dimensions, document) => {
      const dir = await unpacked('0.5.5');
      enlarge(dir, 3000, dimensions, document);
      const estimate = estimateOf(dir);
      expect(estimate).toBeGreaterThan(0.95);
      expect(estimate).toBeLessThan(1.05);
    },
  );
});

describe('counting below cutoffs', () => {
  it.each(NAMES)('finds what the independent reference finds, in %s', async (name) => {
    const dir = await unpacked(name);
    const before = bytesOf(dir);
    const [counted, leftovers] = withReadOnly(databaseOf(dir), 0, (db) => [
      countBelow(db, expectedCutoffs(name)),
      tempTables(db),
    ]);
    const expected = fixture(name).expected.collections.filter(({ prunable }) => prunable > 0);
    expect(new Map([...counted].map(([topic, { rows }]) => [topic, rows]))).toEqual(
      new Map(expected.map(({ topic, prunable }) => [topic, prunable])),
    );
    expect(leftovers).toEqual([]);
    expect(bytesOf(dir)).toEqual(before);
  });

  it('is strict, and adds up to the usage where the cutoff is above everything', async () => {
    const dir = await unpacked('0.5.5');
    withReadOnly(databaseOf(dir), 0, (db) => {
      for (const { topic, rows, bytes, lastSeqId } of usageOf(db)) {
        const at = (below: bigint): CollectionCutoff => ({
          collectionId: 'c',
          topic,
          below: seqId(below),
          indexed: seqId(below),
        });
        expect(countBelow(db, [at(lastSeqId)]).get(topic)?.rows ?? 0).toBe(rows - 1);
        expect(countBelow(db, [at(lastSeqId + 1n)]).get(topic)).toEqual({ rows, bytes });
        expect(countBelow(db, [at(1n)])).toEqual(new Map());
      }
    });
  });
});

const TOPIC = 'persistent://default/default/t';

function missing(dir: string, known: readonly string[], indexed: bigint): number {
  const cutoff = { collectionId: 't', topic: TOPIC, below: seqId(1n), indexed: seqId(indexed) };
  return withReadOnly(databaseOf(dir), 0, (db) => {
    const counts = [undefined, 1, 2].map((atOnce) => countMissing(db, [cutoff], (_, id) => known.includes(id), atOnce));
    // However many ids are held in memory at once.
    const [first = 0, ...others] = counts.map((each) => each.get(TOPIC) ?? 0);
    for (const other of others) expect(other).toBe(first);
    return first;
  });
}

const OPERATIONS = { add: 0, update: 1, upsert: 2, delete: 3 } as const;

/** A directory whose queue holds these operations on these ids and nothing else, from seq_id 1 on. */
async function directoryWith(...rows: readonly (readonly [keyof typeof OPERATIONS, string])[]): Promise<string> {
  const dir = await unpacked('0.5.5');
  emptiedQueue(dir);
  withDatabase(dir, (db) => {
    const insert = db.prepare('INSERT INTO embeddings_queue (operation, topic, id) VALUES (?, ?, ?)');
    for (const [operation, id] of rows) insert.run(OPERATIONS[operation], TOPIC, id);
  });
  return dir;
}

describe('asking the index for the ids of the queue', () => {
  it('counts added ids that it does not know', async () => {
    const dir = await directoryWith(['add', 'A'], ['upsert', 'B'], ['add', 'C']);
    expect(missing(dir, ['A', 'C'], 3n)).toBe(1);
    expect(missing(dir, ['A', 'B', 'C'], 3n)).toBe(0);
  });

  it('looks no further than the position of the index, and up to it', async () => {
    const dir = await directoryWith(['add', 'A'], ['upsert', 'B'], ['add', 'C']);
    expect([1n, 2n, 3n].map((indexed) => missing(dir, [], indexed))).toEqual([1, 2, 3]);
  });

  it('excuses an id whose last operation is a DELETE, and not one that was added again after it', async () => {
    const dir = await directoryWith(['add', 'A'], ['delete', 'A'], ['add', 'B'], ['delete', 'B'], ['add', 'B']);
    expect(missing(dir, [], 5n)).toBe(1);
    expect(missing(dir, [], 4n)).toBe(0);
  });

  it('asks for nothing on behalf of an UPDATE, which does not create a record', async () => {
    const dir = await directoryWith(['add', 'A'], ['delete', 'A'], ['update', 'A']);
    expect(missing(dir, [], 3n)).toBe(0);
  });
});
