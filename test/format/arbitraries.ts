/** Random collections, segments and queues for the pure core. */
import * as fc from 'fast-check';
import type { Collection, RecordedPosition, Segment } from '../../src/chroma/model.ts';
import { seqId, type SeqId } from '../../src/chroma/seq-id.ts';

export const RUNS = { numRuns: 1000 };
export const LARGEST = 2n ** 63n - 1n;

/** Close together, so that positions meet rows and each other; now and then enormous, as damaged ones are. */
export const positions: fc.Arbitrary<SeqId> = fc
  .oneof({ weight: 8, arbitrary: fc.bigInt(1n, 40n) }, { weight: 1, arbitrary: fc.bigInt(1n, LARGEST) })
  .map(seqId);

export const recorded: fc.Arbitrary<RecordedPosition> = fc.record({
  kind: fc.constant('recorded' as const),
  seqId: positions,
  source: fc.constantFrom('max_seq_id' as const, 'index_metadata.pickle' as const),
});

export const notRecorded: fc.Arbitrary<RecordedPosition> = fc.oneof(
  fc.constant({ kind: 'never' as const }),
  fc.record({
    kind: fc.constant('unreadable' as const),
    because: fc.constantFrom(
      'watermark-invalid' as const,
      'pickle-missing' as const,
      'pickle-unreadable' as const,
      'index-files-damaged' as const,
    ),
    detail: fc.constant('it is damaged'),
  }),
);

export function segmentOf(kind: Segment['kind'], position: fc.Arbitrary<RecordedPosition>): fc.Arbitrary<Segment> {
  return fc.record({ id: fc.uuid(), kind: fc.constant(kind), type: fc.constant(`urn:${kind}`), position });
}

/** One or two segments of each kind with a position, in any order: what a healthy collection has, and a little more. */
export const soundSegments: fc.Arbitrary<readonly Segment[]> = fc
  .tuple(
    fc.array(segmentOf('metadata', recorded), { minLength: 1, maxLength: 2 }),
    fc.array(segmentOf('vector', recorded), { minLength: 1, maxLength: 2 }),
  )
  .chain(([metadata, vector]) => shuffled([...metadata, ...vector]));

/** Anything a database can hold. */
export const anySegments: fc.Arbitrary<readonly Segment[]> = fc.oneof(
  { weight: 3, arbitrary: soundSegments },
  {
    weight: 1,
    arbitrary: fc.array(
      fc
        .constantFrom('metadata' as const, 'vector' as const, 'unknown' as const)
        .chain((kind) => segmentOf(kind, fc.oneof(recorded, notRecorded))),
      { maxLength: 4 },
    ),
  },
);

export function shuffled<T>(items: readonly T[]): fc.Arbitrary<readonly T[]> {
  return fc.shuffledSubarray([...items], { minLength: items.length, maxLength: items.length });
}

export interface Row {
  readonly seqId: SeqId;
  readonly topic: string;
}

export interface World {
  readonly collections: readonly Collection[];
  /** Rows of the collections' topics and of topics that belong to nobody. */
  readonly rows: readonly Row[];
}

export const worlds: fc.Arbitrary<World> = fc
  .array(fc.record({ segments: anySegments, topics: fc.constantFrom(0, 1, 1, 1, 1, 2) }), { maxLength: 4 })
  .chain((specs) => {
    const collections = specs.map(({ segments, topics }, at): Collection => {
      const names = ['default', 'acme'].slice(0, topics);
      return {
        id: `c${at}`,
        name: `collection ${at}`,
        tenant: 'default_tenant',
        database: 'default_database',
        topics: names.map((name) => `persistent://${name}/default/c${at}`),
        segments,
      };
    });
    const topics = [...collections.flatMap((each) => each.topics), 'persistent://default/default/gone', ''];
    const rows = fc
      .uniqueArray(fc.record({ seqId: fc.bigInt(1n, 45n).map(seqId), topic: fc.constantFrom(...topics) }), {
        selector: (row) => row.seqId,
        maxLength: 45,
        size: 'max',
      })
      .map((all) => all.toSorted((a, b) => Number(a.seqId - b.seqId)));
    return fc.record({ collections: fc.constant(collections), rows });
  });
