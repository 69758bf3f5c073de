/**
 * How far a row of the queue has come, decided from the recorded positions of its collection's segments alone.
 */
import type { Segment } from './model.ts';
import { smallest, type SeqId } from './seq-id.ts';
import { watermarkOf } from './watermark.ts';

export type RowState =
  /** Every segment of the collection has recorded a position at or above it. */
  | 'committed'
  /** It lies above the position of the metadata segment. Whether the index waits for it as well is not said. */
  | 'waiting-for-metadata'
  /** The metadata segment has it, the index not yet: the queue holds the only copy of its vector. */
  | 'waiting-for-index'
  /** Its topic belongs to no collection. */
  | 'orphan'
  /** A position that would decide it is missing where it should be, damaged, or contradicted by another. */
  | 'unknown';

/** What the positions of a collection say about its rows. */
export interface Standing {
  /** Rows above wait for the metadata segment; null where that is not known. */
  readonly metadata: bigint | null;
  /** Of the others, rows above wait for the index; null where that is not known. */
  readonly index: bigint | null;
  /** Rows strictly below are what a prune deletes by position; 0 where it deletes none. */
  readonly below: bigint;
  /** Why something is not known; null where everything is. */
  readonly doubt: string | null;
}

const NOTHING_SAVED = 0n;

/**
 * The standing of a collection with these segments, in a queue that ends at `lastSeqId`. A position beyond that end is not
 * believed: rows with the numbers in between would be taken for saved, and Chroma ignores them. Nor is an index ahead of
 * its metadata, the trace of a crash after which the queue holds the only copy of vectors that look saved.
 */
export function standingOf(segments: readonly Segment[], lastSeqId: SeqId): Standing {
  const watermark = watermarkOf(segments);
  const metadata = savedBy(segments, 'metadata');
  const ahead = positionsOf(segments).find((seqId) => seqId > lastSeqId);
  if (ahead !== undefined) {
    const doubt = `its recorded position ${ahead} lies beyond the end of the WAL, ${lastSeqId}`;
    return { metadata: metadata !== null && metadata > lastSeqId ? null : metadata, index: null, below: 0n, doubt };
  }
  if (watermark.kind === 'at') {
    const below = smallest(watermark.seqId, lastSeqId);
    return { metadata, index: savedBy(segments, 'vector'), below, doubt: null };
  }
  if (watermark.because === 'never-persisted') return { metadata, index: NOTHING_SAVED, below: 0n, doubt: null };
  return { metadata, index: null, below: 0n, doubt: watermark.detail };
}

/** The state of the row at `seqId` of a collection with this standing. */
export function stateOf(seqId: bigint, { metadata, index }: Standing): RowState {
  if (metadata !== null && seqId > metadata) return 'waiting-for-metadata';
  if (metadata === null || index === null) return 'unknown';
  return seqId > index ? 'waiting-for-index' : 'committed';
}

/** Where the slowest segment of a kind stands; null where one cannot be read, or there is none. */
function savedBy(segments: readonly Segment[], kind: Segment['kind']): bigint | null {
  const positions = segments.filter((each) => each.kind === kind).map(({ position }) => position);
  if (positions.length === 0 || positions.some((position) => position.kind === 'unreadable')) return null;
  return positions
    .map((position) => (position.kind === 'recorded' ? position.seqId : NOTHING_SAVED))
    .reduce((least, each) => (each < least ? each : least));
}

function positionsOf(segments: readonly Segment[]): readonly SeqId[] {
  return segments.flatMap(({ position }) => (position.kind === 'recorded' ? [position.seqId] : []));
}
