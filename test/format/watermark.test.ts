import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Segment } from '../../src/chroma/model.ts';
import { seqId } from '../../src/chroma/seq-id.ts';
import { watermarkOf } from '../../src/chroma/watermark.ts';
import { anySegments, notRecorded, recorded, RUNS, segmentOf, shuffled, soundSegments } from './arbitraries.ts';

function positionsOf(segments: readonly Segment[], kind?: Segment['kind']): readonly bigint[] {
  return segments.flatMap((each) =>
    each.position.kind === 'recorded' && (kind === undefined || each.kind === kind) ? [each.position.seqId] : [],
  );
}

function isAhead(segments: readonly Segment[]): boolean {
  const metadata = positionsOf(segments, 'metadata');
  return positionsOf(segments, 'vector').some((vector) => metadata.some((each) => vector > each));
}

function minimum(values: readonly bigint[]): bigint | undefined {
  return values.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))[0];
}

function segment(kind: Segment['kind'], at: bigint): Segment {
  return {
    id: `${kind}-${at}`,
    kind,
    type: kind,
    position: { kind: 'recorded', seqId: seqId(at), source: 'max_seq_id' },
  };
}

const behindMetadata = soundSegments.filter((segments) => !isAhead(segments));

describe('the watermark', () => {
  it('is the minimum over all segments, and names the highest position too', () => {
    fc.assert(
      fc.property(behindMetadata, (segments) => {
        const all = positionsOf(segments);
        const watermark = watermarkOf(segments);
        expect(watermark).toMatchObject({ kind: 'at', seqId: minimum(all) });
        expect(watermark).toMatchObject({ highest: all.find((each) => all.every((other) => other <= each)) });
      }),
      RUNS,
    );
  });

  it('says what holds it back: the index where it lags, nothing where all stand together', () => {
    expect(watermarkOf([segment('metadata', 9n), segment('vector', 5n)])).toMatchObject({ heldBackBy: 'vector' });
    expect(watermarkOf([segment('metadata', 9n), segment('vector', 9n)])).toMatchObject({ heldBackBy: null });
    const behind = [segment('metadata', 9n), segment('metadata', 5n), segment('vector', 5n)];
    expect(watermarkOf(behind)).toMatchObject({ heldBackBy: 'metadata' });
  });

  it('does not depend on the order of the segments', () => {
    const pair = anySegments.chain((segments) => fc.tuple(fc.constant(segments), shuffled(segments)));
    fc.assert(
      fc.property(pair, ([segments, other]) => {
        const [a, b] = [watermarkOf(segments), watermarkOf(other)];
        expect(b.kind === 'at' ? b : 'none').toEqual(a.kind === 'at' ? a : 'none');
      }),
      RUNS,
    );
  });

  it('is none as soon as one segment has no position that can be read', () => {
    const broken = fc
      .tuple(behindMetadata, fc.constantFrom('metadata' as const, 'vector' as const))
      .chain(([sound, kind]) =>
        segmentOf(kind, notRecorded).chain((bad) => shuffled([...sound, bad]).map((segments) => ({ segments, bad }))),
      );
    fc.assert(
      fc.property(broken, ({ segments, bad }) => {
        const watermark = watermarkOf(segments);
        const { position, id } = bad;
        const expected = position.kind === 'unreadable' ? { because: position.because, segment: id } : {};
        expect(watermark).toMatchObject({ kind: 'none', ...expected });
      }),
      RUNS,
    );
  });

  it('is none where an index claims more than any metadata segment has, which a crash leaves', () => {
    fc.assert(
      fc.property(soundSegments.filter(isAhead), (segments) => {
        expect(watermarkOf(segments)).toMatchObject({ kind: 'none', because: 'vector-ahead-of-metadata' });
      }),
      RUNS,
    );
  });

  it('is none where the index was saved and the metadata never', () => {
    const never: Segment = { id: 'm', kind: 'metadata', type: 'metadata', position: { kind: 'never' } };
    const watermark = watermarkOf([never, segment('vector', 5n)]);
    expect(watermark).toMatchObject({ kind: 'none', because: 'vector-ahead-of-metadata' });
  });

  it('is none where the index was never saved, and names that segment', () => {
    const never: Segment = { id: 'v', kind: 'vector', type: 'vector', position: { kind: 'never' } };
    const watermark = watermarkOf([segment('metadata', 5n), segment('vector', 5n), never]);
    expect(watermark).toMatchObject({ kind: 'none', because: 'never-persisted', segment: 'v' });
  });

  it('is none where a segment of another type exists, however good the others look', () => {
    const withUnknown = behindMetadata.chain((sound) =>
      segmentOf('unknown', recorded).chain((unknown) => shuffled([...sound, unknown])),
    );
    fc.assert(
      fc.property(withUnknown, (segments) => {
        expect(watermarkOf(segments)).toMatchObject({ kind: 'none', because: 'unknown-segment-type' });
      }),
      RUNS,
    );
  });

  it.each(['metadata', 'vector'] as const)('is none where only a %s segment exists', (kind) => {
    expect(watermarkOf([segment(kind, 5n)])).toMatchObject({ kind: 'none', because: 'unknown-segment-type' });
  });

  it('is none without any segment', () => {
    expect(watermarkOf([])).toMatchObject({ kind: 'none', because: 'unknown-segment-type', segment: null });
  });
});
