/**
 * The watermark of a collection: how far **every** segment has persisted the queue. Rows below it are in the metadata
 * tables and in the index; rows at or above it may exist nowhere else.
 */
import type { RecordedPosition, Segment, SegmentId, Watermark } from './model.ts';
import { largest, smallest, type SeqId } from './seq-id.ts';

interface Recorded {
  readonly segment: Segment;
  readonly seqId: SeqId;
}

/**
 * Returns the minimum of the recorded positions of all segments, or why there is none. A missing position means that
 * nothing may go; a vector segment ahead of the metadata segment is the trace of a crash inside Chroma's submit
 * transaction (≤ 0.5.5), after which the queue holds the only copy of vectors that look persisted.
 */
export function watermarkOf(segments: readonly Segment[]): Watermark {
  const metadata = segments.filter(({ kind }) => kind === 'metadata');
  const vector = segments.filter(({ kind }) => kind === 'vector');

  const unknown = segments.find(({ kind }) => kind === 'unknown');
  if (unknown) return none('unknown-segment-type', `it has a segment of type ${unknown.type}`, unknown.id);
  if (metadata.length === 0) return none('unknown-segment-type', 'it has no metadata segment');
  if (vector.length === 0) return none('unknown-segment-type', 'it has no vector segment');

  for (const { id, position } of [...vector, ...metadata]) {
    if (position.kind === 'unreadable') return none(position.because, position.detail, id);
  }

  const savedVectors = vector.flatMap(recorded);
  const savedMetadata = metadata.flatMap(recorded);
  const [firstVector, ...otherVectors] = savedVectors;
  if (firstVector === undefined || savedVectors.length < vector.length) {
    const segment = vector.find(({ position }) => position.kind === 'never');
    return none('never-persisted', 'its index was never saved: the WAL is the only copy of its vectors', segment?.id);
  }

  const highestVector = largest(firstVector.seqId, ...otherVectors.map(({ seqId }) => seqId));
  const [firstMetadata, ...otherMetadata] = savedMetadata;
  const lowestMetadata = firstMetadata && smallest(firstMetadata.seqId, ...otherMetadata.map(({ seqId }) => seqId));
  if (lowestMetadata === undefined || savedMetadata.length < metadata.length || highestVector > lowestMetadata) {
    const reached = lowestMetadata === undefined ? 'has saved nothing' : `stands at ${lowestMetadata}`;
    return none(
      'vector-ahead-of-metadata',
      `its index claims to be at ${highestVector} while its metadata ${reached}: the trace of a crash`,
      firstVector.segment.id,
    );
  }
  return at([...savedMetadata, ...savedVectors], firstVector);
}

function at(all: readonly Recorded[], first: Recorded): Watermark {
  const positions = all.map(({ seqId }) => seqId);
  const seqId = smallest(first.seqId, ...positions);
  const highest = largest(first.seqId, ...positions);
  const holding = all.find((each) => each.seqId === seqId) ?? first;
  const kind = holding.segment.kind === 'metadata' ? 'metadata' : 'vector';
  return { kind: 'at', seqId, highest, heldBackBy: seqId === highest ? null : kind };
}

function recorded(segment: Segment): readonly Recorded[] {
  const position: RecordedPosition = segment.position;
  return position.kind === 'recorded' ? [{ segment, seqId: position.seqId }] : [];
}

function none(
  because: Extract<Watermark, { kind: 'none' }>['because'],
  detail: string,
  segment?: SegmentId,
): Watermark {
  return { kind: 'none', because, detail, segment: segment ?? null };
}
