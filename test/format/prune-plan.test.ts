import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Collection, RecordedPosition, Segment, Topic } from '../../src/chroma/model.ts';
import {
  isAnchorMissing,
  isSamePlan,
  needsAttention,
  planCutoffs,
  planPrune,
  sequenceRegressions,
  totalBytes,
  totalRows,
  type CountedCutoff,
  type PrunePlan,
} from '../../src/chroma/prune-plan.ts';
import { NO_ROW, seqId, type SeqId } from '../../src/chroma/seq-id.ts';
import { positions, RUNS, shuffled, worlds, type Row, type World } from './arbitraries.ts';

const NOBODY: ReadonlySet<string> = new Set();
const NOTHING_MISSING: ReadonlyMap<Topic, number> = new Map();

function lastOf(rows: readonly Row[]): SeqId {
  return rows.at(-1)?.seqId ?? NO_ROW;
}

/** Plans as the program does, counting the rows of a list instead of a table's. */
function plan({ collections, rows }: World, excluded = NOBODY, missing = NOTHING_MISSING): PrunePlan {
  const decision = planCutoffs(collections, lastOf(rows), excluded);
  const counted = new Map(
    decision.cutoffs.map(({ topic, below }): [Topic, CountedCutoff] => {
      const count = rows.filter((row) => row.topic === topic && row.seqId < below).length;
      return [topic, { rows: count, bytes: count * 100 }];
    }),
  );
  return planPrune(decision, counted, missing, lastOf(rows));
}

function after({ steps }: PrunePlan, rows: readonly Row[]): readonly Row[] {
  return rows.filter((row) => !steps.some((step) => step.topic === row.topic && row.seqId < step.below));
}

/** The rule in the words of the format: everything is recorded, the index not ahead, the topic beyond doubt. */
function isPersisted({ segments, topics }: Collection, row: Row): boolean {
  const positionsOf = (kind: string): readonly bigint[] =>
    segments
      .filter((each) => each.kind === kind)
      .map(({ position }) => (position.kind === 'recorded' ? position.seqId : 0n));
  const [metadata, vector] = [positionsOf('metadata'), positionsOf('vector')];
  const all = [...metadata, ...vector];
  const isSound = metadata.length > 0 && vector.length > 0 && all.length === segments.length;
  const isAhead = vector.some((each) => metadata.some((other) => each > other));
  return isSound && !isAhead && topics.length === 1 && all.every((each) => each > row.seqId);
}

describe('a plan', () => {
  it('deletes exactly the rows below the watermark of their own topic, the newest row of all excepted (I1, I2, I3)', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const kept = after(plan(world), world.rows);
        const expected = world.rows.filter((row) => {
          const owner = world.collections.find(({ topics }) => topics.includes(row.topic));
          return row.seqId === lastOf(world.rows) || owner === undefined || !isPersisted(owner, row);
        });
        expect(kept).toEqual(expected);
      }),
      RUNS,
    );
  });

  it('keeps the row with the highest seq_id even where every watermark is damaged upwards (I2)', () => {
    const damaged = worlds.map(({ collections, rows }): World => {
      const position = { kind: 'recorded', seqId: seqId(0x1111_1111_3131_3530n), source: 'max_seq_id' } as const;
      const poisoned = collections.map((each) => ({
        ...each,
        segments: each.segments.map((segment) => ({ ...segment, position })),
      }));
      return { collections: poisoned, rows };
    });
    fc.assert(
      fc.property(damaged, (world) => {
        const kept = after(plan(world), world.rows);
        expect(kept.at(-1)).toEqual(world.rows.at(-1));
      }),
      RUNS,
    );
  });

  it('leaves rows alone whose topic is no collection’s (I4)', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const known = new Set(world.collections.flatMap(({ topics }) => topics));
        const strange = (rows: readonly Row[]): readonly Row[] => rows.filter(({ topic }) => !known.has(topic));
        expect(strange(after(plan(world), world.rows))).toEqual(strange(world.rows));
      }),
      RUNS,
    );
  });

  it('leaves nothing for a second run (I5)', () => {
    fc.assert(
      fc.property(worlds, ({ collections, rows }) => {
        const again = plan({ collections, rows: after(plan({ collections, rows }), rows) });
        expect(again.steps).toEqual([]);
      }),
      RUNS,
    );
  });

  it('names every collection exactly once, as a step or as a skip', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const { steps, skipped } = plan(world);
        const named = [...steps, ...skipped].map(({ collectionId }) => collectionId);
        expect(named.toSorted()).toEqual(world.collections.map(({ id }) => id).toSorted());
        expect(steps.every(({ rows }) => rows > 0)).toBe(true);
      }),
      RUNS,
    );
  });

  it('does nothing to a collection that was left out, and the same as ever to the others', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const [all, some] = [plan(world), plan(world, new Set(['c0']))];
        expect(some.steps).toEqual(all.steps.filter(({ collectionId }) => collectionId !== 'c0'));
        const reasons = some.skipped.filter(({ collectionId }) => collectionId === 'c0').map(({ reason }) => reason);
        expect(reasons).toEqual(world.collections.length > 0 ? ['excluded'] : []);
      }),
      RUNS,
    );
  });

  it('skips a collection whose index lacks a record, and no other', () => {
    fc.assert(
      fc.property(worlds, fc.integer({ min: 1, max: 3 }), (world, missing) => {
        const all = plan(world);
        const [first, ...others] = all.steps;
        fc.pre(first !== undefined);
        const some = plan(world, NOBODY, new Map([[first.topic, missing]]));
        expect(some.steps).toEqual(others);
        expect(some.skipped).toContainEqual({
          collectionId: first.collectionId,
          reason: 'vectors-missing-from-index',
          message: expect.stringContaining(missing === 1 ? '1 record that' : `${missing} records that`) as string,
        });
      }),
      RUNS,
    );
  });

  it('asks the index up to the highest position of a vector segment, which is at or above the cutoff', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        for (const cutoff of planCutoffs(world.collections, lastOf(world.rows), NOBODY).cutoffs) {
          const { segments = [] } = world.collections.find(({ id }) => id === cutoff.collectionId) ?? {};
          const vector = segments.flatMap(({ kind, position }) =>
            kind === 'vector' && position.kind === 'recorded' ? [position.seqId] : [],
          );
          expect(vector).toContain(cutoff.indexed);
          expect(vector.every((each) => each <= cutoff.indexed) && cutoff.below <= cutoff.indexed).toBe(true);
        }
      }),
      RUNS,
    );
  });

  it('adds up what its steps delete', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const made = plan(world);
        const deleted = world.rows.length - after(made, world.rows).length;
        expect([totalRows(made), totalBytes(made)]).toEqual([deleted, deleted * 100]);
      }),
      RUNS,
    );
  });
});

function at(seq: bigint): RecordedPosition {
  return { kind: 'recorded', seqId: seqId(seq), source: 'max_seq_id' };
}

/** A collection whose metadata stands at 9. */
function collection(vector: RecordedPosition, topics: readonly Topic[]): Collection {
  const metadata: Segment = { id: 'm', kind: 'metadata', type: 'm', position: at(9n) };
  const segments: readonly Segment[] = [metadata, { id: 'v', kind: 'vector', type: 'v', position: vector }];
  return { id: 'c', name: 'c', tenant: null, database: null, topics, segments };
}

function reasonOf(each: Collection): string | undefined {
  return planCutoffs([each], seqId(9n), NOBODY).skipped[0]?.reason;
}

describe('a collection without an own row in the log', () => {
  it('has nothing to prune, saved or not', () => {
    expect(reasonOf(collection(at(9n), []))).toBe('nothing-to-prune');
    expect(reasonOf(collection({ kind: 'never' }, []))).toBe('nothing-to-prune');
    expect(reasonOf(collection({ kind: 'never' }, ['t/c']))).toBe('never-persisted');
  });

  it('is still called damaged where it is', () => {
    const damaged = { kind: 'unreadable', because: 'pickle-missing', detail: 'gone' } as const;
    expect(reasonOf(collection(damaged, []))).toBe('pickle-missing');
  });

  it('is left alone where its rows stand under two topics', () => {
    expect(reasonOf(collection(at(9n), ['a/c', 'b/c']))).toBe('ambiguous-topic');
  });
});

describe('skips', () => {
  it('want a person unless they are part of a healthy life', () => {
    const healthy = (['never-persisted', 'excluded', 'nothing-to-prune'] as const).map(needsAttention);
    const others = [
      'vector-ahead-of-metadata',
      'unknown-segment-type',
      'watermark-invalid',
      'pickle-missing',
      'pickle-unreadable',
      'index-files-damaged',
      'ambiguous-topic',
      'vectors-missing-from-index',
    ] as const;
    expect(healthy).toEqual([false, false, false]);
    expect(others.map(needsAttention)).toEqual(others.map(() => true));
  });
});

describe('two plans', () => {
  it('are the same whatever the order of their steps and whatever they skip', () => {
    const pair = worlds
      .map((world) => plan(world))
      .chain((made) => shuffled(made.steps).map((steps) => [made, { ...made, steps, skipped: [] }] as const));
    fc.assert(
      fc.property(pair, ([made, other]) => {
        expect(isSamePlan(made, other)).toBe(true);
      }),
      RUNS,
    );
  });

  it('differ as soon as one step deletes up to elsewhere, another number of rows, another topic, or is not there', () => {
    fc.assert(
      fc.property(worlds, fc.nat(3), (world, which) => {
        const made = plan(world);
        const step = made.steps[which % Math.max(made.steps.length, 1)];
        fc.pre(step !== undefined);
        const others = [
          [{ ...step, below: seqId(step.below + 1n) }],
          [{ ...step, rows: step.rows + 1 }],
          [{ ...step, topic: `${step.topic}x` }],
          [],
          [step, step],
        ];
        for (const instead of others) {
          const steps = made.steps.flatMap((each) => (each === step ? instead : [each]));
          expect(isSamePlan(made, { ...made, steps })).toBe(false);
        }
      }),
      RUNS,
    );
  });
});

describe('a sequence regression', () => {
  it('is every recorded position above the newest row, the worst first', () => {
    fc.assert(
      fc.property(worlds, ({ collections, rows }) => {
        const found = sequenceRegressions(collections, lastOf(rows));
        const expected = collections
          .flatMap(({ segments }) => segments)
          .flatMap(({ id, position }) =>
            position.kind === 'recorded' && position.seqId > lastOf(rows) ? [`${position.seqId} ${id}`] : [],
          );
        expect(found.map((each) => `${each.seqId} ${each.segmentId}`).toSorted()).toEqual(expected.toSorted());
        for (const [index, each] of found.entries())
          expect(found[index + 1]?.seqId ?? 0n).toBeLessThanOrEqual(each.seqId);
      }),
      RUNS,
    );
  });

  it('is none where the newest row is exactly at the watermark', () => {
    const saved = [collection(at(7n), [])];
    expect(sequenceRegressions(saved, seqId(9n))).toEqual([]);
    expect(sequenceRegressions(saved, seqId(8n))).toMatchObject([{ collectionId: 'c', segmentId: 'm', seqId: 9n }]);
    expect(sequenceRegressions(saved, seqId(6n)).map(({ seqId: each }) => each)).toEqual([9n, 7n]);
  });
});

describe('the anchor of a topic', () => {
  it('is missing where the topic’s own rows end below the highest position, and only there', () => {
    fc.assert(
      fc.property(positions, positions, positions, (low, high, last) => {
        const watermark = { kind: 'at', seqId: low, highest: high, heldBackBy: null } as const;
        const usage = { topic: 't', rows: 1, bytes: 1, leafBytes: 1, lastSeqId: last };
        expect(isAnchorMissing(watermark, usage)).toBe(last < high);
        expect(isAnchorMissing(watermark, undefined)).toBe(true);
      }),
      RUNS,
    );
    const none = { kind: 'none', because: 'never-persisted', detail: '', segment: null } as const;
    expect(isAnchorMissing(none, undefined)).toBe(false);
  });
});
