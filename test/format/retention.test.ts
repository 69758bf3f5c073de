/**
 * What retention keeps of the rows that a prune could delete: the rule by itself, and on random queues beside an
 * oracle that knows the times as numbers.
 */
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { deleteBelow, readLastSeqId } from '../../src/chroma/embeddings-queue.ts';
import { planPrune, totalHeld, totalRows, type CollectionCutoff, type PrunePlan } from '../../src/chroma/prune-plan.ts';
import { isYoung, readRetained, type Retention } from '../../src/chroma/retention.ts';
import { seqId } from '../../src/chroma/seq-id.ts';
import { withReadOnly, withWritable, type Database } from '../../src/sqlite/open.ts';
import { databaseOf } from '../support/damage.ts';
import { unpacked } from '../support/fixtures.ts';
import { countBelow, usageOf } from '../support/scan.ts';
import { bytesOf, withDatabase } from '../support/state.ts';

const NOON = Date.parse('2026-11-21T12:00:00Z');

function last(keepLast: number): Retention {
  return { keepLast, keepWithin: null };
}

function from(fromMs: number): Retention {
  return { keepLast: null, keepWithin: { spanMs: 0, fromMs } };
}

describe('a row that counts as young', () => {
  it.each([
    ['2026-11-21 11:59:59', NOON, false],
    ['2026-11-21 12:00:00', NOON, true],
    ['2026-11-21 12:00:01', NOON, true],
    // Written in that second, perhaps after the horizon.
    ['2026-11-21 12:00:00', NOON + 999, true],
    ['2026-11-21 12:00:00', NOON + 1000, false],
    ['2027-01-01 00:00:00', NOON, true],
    ['1999-12-31 23:59:59', NOON, false],
    ['2024-02-29 00:00:00', NOON, false],
  ])('created at %s with the horizon at %i: %s', (createdAt, horizon, isKept) => {
    expect(isYoung(createdAt, { spanMs: 0, fromMs: horizon })).toBe(isKept);
  });

  const unreadable = [
    null,
    '',
    'yesterday',
    '1999-01-01',
    '1999-01-01T00:00:00',
    '1999-01-01 00:00:00.000',
    '1999-01-01 00:00:00 ',
    ' 1999-01-01 00:00:00',
    '1999-02-30 00:00:00',
    '1999-13-01 00:00:00',
    '1999-01-01 24:00:00',
    '1999-01-01 00:00:60',
    915_148_800n,
    1.5,
    Buffer.from('1999-01-01 00:00:00'),
  ];
  it.each(unreadable.map((each) => [typeof each, String(each), each] as const))(
    'is one whose time cannot be read: %s %s',
    (_, __, createdAt) => {
      expect(isYoung(createdAt, { spanMs: 0, fromMs: NOON })).toBe(true);
    },
  );

  it('goes by UTC, whatever the time zone of the machine', () => {
    const zone = process.env['TZ'];
    onTestFinished(() => {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    });
    process.env['TZ'] = 'Asia/Kolkata';
    expect(new Date(NOON).getHours()).toBe(17);
    for (const [createdAt, isKept] of [
      ['2026-11-21 11:59:59', false],
      ['2026-11-21 12:00:00', true],
    ] as const) {
      expect(isYoung(createdAt, { spanMs: 0, fromMs: NOON })).toBe(isKept);
    }
  });
});

const TOPICS = ['a', 'b', 'c'].map((name) => `persistent://default/default/${name}`);
/** Times are seconds after this. */
const BEGIN_MS = Date.parse('2026-01-01T00:00:00Z');

interface Written {
  readonly topic: number;
  /** Numbers that are left out before it. */
  readonly gap: number;
  /** What the clock has gone on by, or back; null for a time that cannot be read. */
  readonly ticks: number | null;
  readonly bytes: number;
}

interface History {
  readonly writes: readonly Written[];
  /** For each topic how many rows of the whole queue lie below its watermark, or null where it has none. */
  readonly marks: readonly (number | null)[];
  readonly keepLast: number | null;
  /** Seconds after the beginning. */
  readonly keepFrom: number | null;
}

const histories: fc.Arbitrary<History> = fc.record({
  writes: fc.array(
    fc.record({
      topic: fc.constantFrom(0, 0, 1, 2),
      gap: fc.constantFrom(0, 0, 0, 1, 7),
      ticks: fc.oneof(
        { weight: 12, arbitrary: fc.integer({ min: 0, max: 20 }) },
        { weight: 3, arbitrary: fc.integer({ min: -150, max: -1 }) },
        { weight: 1, arbitrary: fc.constant(null) },
      ),
      bytes: fc.constantFrom(0, 10, 9000),
    }),
    { minLength: 1, maxLength: 40, size: 'max' },
  ),
  marks: fc.array(fc.option(fc.nat({ max: 41 }), { freq: 6 }), { minLength: 3, maxLength: 3 }),
  keepLast: fc.option(fc.integer({ min: 1, max: 12 })),
  keepFrom: fc.option(fc.integer({ min: -10, max: 300 })),
});

interface ModelRow {
  readonly seq: bigint;
  readonly topic: string;
  /** Null where it cannot be read. */
  readonly second: number | null;
}

/** Fills the queue of `db` with the history and returns what stands in it. */
function filled(db: Database, { writes }: History): readonly ModelRow[] {
  db.exec('DELETE FROM embeddings_queue');
  const insert = db.prepare(
    'INSERT INTO embeddings_queue (seq_id, created_at, operation, topic, id, vector) VALUES (?, ?, 0, ?, ?, ?)',
  );
  let [seq, clock] = [0n, 0];
  return writes.map(({ topic: at, gap, ticks, bytes }, index) => {
    seq += BigInt(gap) + 1n;
    clock += ticks ?? 0;
    const topic = TOPICS[at] ?? '';
    const written = new Date(BEGIN_MS + clock * 1000).toISOString().slice(0, 19).replace('T', ' ');
    insert.run(seq, ticks === null ? 'unknown' : written, topic, `id-${index}`, Buffer.alloc(bytes));
    return { seq, topic, second: ticks === null ? null : clock };
  });
}

function cutoffsOf({ marks }: History, rows: readonly ModelRow[]): readonly CollectionCutoff[] {
  const end = rows.at(-1)?.seq ?? 0n;
  return marks.flatMap((mark, at) => {
    if (mark === null) return [];
    const below = seqId(rows[mark]?.seq ?? end);
    const topic = TOPICS[at] ?? '';
    return [{ collectionId: topic, topic, below, indexed: below }];
  });
}

function planned(db: Database, cutoffs: readonly CollectionCutoff[], retention: Retention | null): PrunePlan {
  const counted = countBelow(db, cutoffs);
  const plain = new Map(
    cutoffs.flatMap(({ topic, below }) => {
      const rows = counted.get(topic);
      return rows === undefined ? [] : [[topic, { ...rows, below }] as const];
    }),
  );
  const retained = retention === null ? new Map() : readRetained(db, 4096, plain, retention);
  return planPrune({ cutoffs, skipped: [] }, counted, new Map(), readLastSeqId(db), retained);
}

function retentionOf({ keepLast, keepFrom }: History): Retention | null {
  if (keepLast === null && keepFrom === null) return null;
  return { keepLast, keepWithin: keepFrom === null ? null : { spanMs: 0, fromMs: BEGIN_MS + keepFrom * 1000 } };
}

/** What goes, by hand: of each topic's rows below its mark those before the first that is young or among the newest. */
function expectedGone(
  { keepLast, keepFrom }: History,
  cutoffs: readonly CollectionCutoff[],
  rows: readonly ModelRow[],
): readonly bigint[] {
  const gone = cutoffs.flatMap(({ topic, below }) => {
    const deletable = rows.filter((row) => row.topic === topic && row.seq < below);
    const newest = keepLast === null ? [] : deletable.slice(-keepLast);
    const young =
      keepFrom === null ? [] : deletable.filter(({ second }) => second === null || second >= keepFrom).slice(0, 1);
    const stop = [...newest, ...young].reduce((least, { seq }) => (seq < least ? seq : least), below as bigint);
    return deletable.filter(({ seq }) => seq < stop).map(({ seq }) => seq);
  });
  return gone.toSorted((a, b) => Number(a - b));
}

function seqIdsIn(db: Database): readonly bigint[] {
  return db.prepare<[], bigint>('SELECT seq_id FROM embeddings_queue ORDER BY seq_id').pluck().all();
}

describe('a prune with retention', () => {
  it('deletes one prefix of each topic, keeps what was to stay, and never deletes more than a plain one', async () => {
    const path = join(await unpacked('1.5.9-purge-off'), 'chroma.sqlite3');
    withWritable(path, 0, (db) => {
      fc.assert(
        fc.property(histories, (history) => {
          db.exec('BEGIN');
          try {
            const rows = filled(db, history);
            const cutoffs = cutoffsOf(history, rows);
            const retention = retentionOf(history);
            const plain = planned(db, cutoffs, null);
            const plan = planned(db, cutoffs, retention);
            const bytesBefore = usageOf(db).reduce((sum, { bytes }) => sum + bytes, 0);
            const deleted = deleteBelow(db, plan.steps);
            const left = seqIdsIn(db);
            const gone = rows.map(({ seq }) => seq).filter((seq) => !left.includes(seq));
            expect(gone).toEqual(expectedGone(history, cutoffs, rows));
            expect(deleted).toBe(gone.length);
            expect(totalRows(plan)).toBe(gone.length);
            expect(totalRows(plan) + totalHeld(plan)).toBe(totalRows(plain));
            const freed = plan.steps.reduce((sum, { bytes }) => sum + bytes, 0);
            expect(bytesBefore - usageOf(db).reduce((sum, { bytes }) => sum + bytes, 0)).toBe(freed);
            expect(prefixesIn(rows, left)).toEqual([]);
            const again = planned(db, cutoffs, retention);
            expect({ steps: again.steps, held: again.held }).toEqual({ steps: [], held: plan.held });
          } finally {
            db.exec('ROLLBACK');
          }
        }),
        { numRuns: 1500 },
      );
    });
  }, 240_000);
});

/** Rows that are gone although an older one of their topic is left: there must be none. */
function prefixesIn(rows: readonly ModelRow[], left: readonly bigint[]): readonly ModelRow[] {
  return rows.filter(
    ({ seq, topic }) =>
      !left.includes(seq) && rows.some((older) => older.topic === topic && older.seq < seq && left.includes(older.seq)),
  );
}

describe('the second reading of the queue', () => {
  it('changes no byte, and needs no cut-off', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const before = bytesOf(dir);
    withReadOnly(databaseOf(dir), 0, (db) => {
      const { topic, rows, bytes, lastSeqId } = usageOf(db)[0] ?? {
        topic: '',
        rows: 0,
        bytes: 0,
        lastSeqId: seqId(0n),
      };
      const plain = new Map([[topic, { below: lastSeqId, rows: rows - 1, bytes }]]);
      const [, going] = [...readRetained(db, 4096, plain, last(1))][0] ?? [];
      expect(going?.rows).toBe(rows - 2);
      expect(readRetained(db, 4096, new Map(), last(1))).toEqual(new Map());
    });
    expect(bytesOf(dir)).toEqual(before);
  });

  it('keeps the newest rows although many have gone since they were counted', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    withDatabase(dir, (db) => {
      const { topic, lastSeqId } = usageOf(db).find(({ rows }) => rows > 200) ?? { topic: '', lastSeqId: seqId(0n) };
      const rows = db
        .prepare<[string, bigint], bigint>(
          'SELECT seq_id FROM embeddings_queue WHERE topic = ? AND seq_id < ? ORDER BY seq_id',
        )
        .pluck();
      const plain = new Map([[topic, { below: lastSeqId, rows: rows.all(topic, lastSeqId).length, bytes: 0 }]]);
      for (const left of [150, 50, 20, 1]) {
        const stays = rows.all(topic, lastSeqId).slice(-left);
        db.prepare('DELETE FROM embeddings_queue WHERE topic = ? AND seq_id < ?').run(topic, stays[0]);
        const going = readRetained(db, 4096, plain, last(60)).get(topic);
        expect(going).toMatchObject({ below: stays.slice(-60)[0], rows: Math.max(left - 60, 0) });
      }
    });
  });

  it('takes a time of another type for young', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    withDatabase(dir, (db) => db.exec('UPDATE embeddings_queue SET created_at = 915148800 WHERE seq_id % 7 = 0'));
    withReadOnly(databaseOf(dir), 0, (db) => {
      const [first] = usageOf(db);
      const topic = first?.topic ?? '';
      const plain = new Map([
        [topic, { below: first?.lastSeqId ?? seqId(0n), rows: (first?.rows ?? 0) - 1, bytes: 0 }],
      ]);
      const below = readRetained(db, 4096, plain, from(Date.parse('2100-01-01'))).get(topic)?.below;
      const firstOdd = db
        .prepare<[string], bigint>('SELECT MIN(seq_id) FROM embeddings_queue WHERE topic = ? AND seq_id % 7 = 0')
        .pluck()
        .get(topic);
      expect(below).toBe(firstOdd);
    });
  });
});
