import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordedPosition, Segment } from '../../src/chroma/model.ts';
import { standingOf, stateOf } from '../../src/chroma/row-state.ts';
import { seqId } from '../../src/chroma/seq-id.ts';
import { watermarkOf } from '../../src/chroma/watermark.ts';
import { anySegments, positions, RUNS } from './arbitraries.ts';

const row = fc.bigInt(0n, 45n);

function segment(kind: Segment['kind'], position: RecordedPosition): Segment {
  return { id: kind, kind, type: kind, position };
}

function at(seqIdOf: bigint): RecordedPosition {
  return { kind: 'recorded', seqId: seqId(seqIdOf), source: 'max_seq_id' };
}

const NEVER: RecordedPosition = { kind: 'never' };
const UNREADABLE: RecordedPosition = { kind: 'unreadable', because: 'pickle-missing', detail: 'it is gone' };

function states(segments: readonly Segment[], last: bigint, rows: readonly bigint[]): readonly string[] {
  const standing = standingOf(segments, seqId(last));
  return rows.map((each) => stateOf(each, standing));
}

describe('the state of a row', () => {
  it('is committed only where every segment has recorded a position at or above it, within the queue', () => {
    fc.assert(
      fc.property(anySegments, positions, row, (segments, last, seq) => {
        const recorded = segments.map(({ position }) => (position.kind === 'recorded' ? position.seqId : -1n));
        const isSaved = recorded.every((each) => seq <= each && each <= last);
        expect(isSaved || stateOf(seq, standingOf(segments, last)) !== 'committed').toBe(true);
      }),
      RUNS,
    );
  });

  it('is prunable only strictly below the watermark, and committed then', () => {
    fc.assert(
      fc.property(anySegments, positions, row, (segments, last, seq) => {
        const standing = standingOf(segments, last);
        const watermark = watermarkOf(segments);
        const isBelow = watermark.kind === 'at' && seq < watermark.seqId && seq < last;
        expect(seq >= standing.below || (isBelow && stateOf(seq, standing) === 'committed')).toBe(true);
      }),
      RUNS,
    );
  });

  it('is unknown only where there is a doubt, which is said', () => {
    fc.assert(
      fc.property(anySegments, positions, row, (segments, last, seq) => {
        const standing = standingOf(segments, last);
        expect(stateOf(seq, standing) !== 'unknown' || standing.doubt !== null).toBe(true);
      }),
      RUNS,
    );
  });

  it('is decided at the position itself: the row there is saved, the next one waits', () => {
    const segments = [segment('metadata', at(20n)), segment('vector', at(10n))];
    expect(states(segments, 30n, [9n, 10n, 11n, 20n, 21n])).toEqual([
      'committed',
      'committed',
      'waiting-for-index',
      'waiting-for-index',
      'waiting-for-metadata',
    ]);
    expect(standingOf(segments, seqId(30n)).below).toBe(10n);
    expect(standingOf([segment('metadata', at(20n)), segment('vector', at(20n))], seqId(20n)).below).toBe(20n);
  });

  it.each([
    ['an index that was never saved', [segment('metadata', at(20n)), segment('vector', NEVER)], 'waiting-for-index'],
    ['nothing saved', [segment('metadata', NEVER), segment('vector', NEVER)], 'waiting-for-metadata'],
    ['an index that cannot be read', [segment('metadata', at(20n)), segment('vector', UNREADABLE)], 'unknown'],
    ['metadata that cannot be read', [segment('metadata', UNREADABLE), segment('vector', at(10n))], 'unknown'],
    ['an index ahead of its metadata', [segment('metadata', at(20n)), segment('vector', at(25n))], 'unknown'],
    ['a position beyond the queue', [segment('metadata', at(31n)), segment('vector', at(10n))], 'unknown'],
    ['an index beyond the queue', [segment('metadata', at(20n)), segment('vector', at(31n))], 'unknown'],
    ['no index', [segment('metadata', at(20n))], 'unknown'],
    ['no segment', [], 'unknown'],
    [
      'a segment of another type',
      [segment('metadata', at(20n)), segment('vector', at(20n)), segment('unknown', NEVER)],
      'unknown',
    ],
  ] as const)('of a collection with %s', (_, segments, state) => {
    expect(states(segments, 30n, [5n])).toEqual([state]);
    expect(standingOf(segments, seqId(30n)).below).toBe(0n);
  });

  it('is that a row waits for the metadata also where the index cannot be read', () => {
    const segments = [segment('metadata', at(20n)), segment('vector', UNREADABLE)];
    expect(states(segments, 30n, [20n, 21n])).toEqual(['unknown', 'waiting-for-metadata']);
  });
});
