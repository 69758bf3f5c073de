/**
 * Recorded positions: how far each segment says that it has persisted the queue.
 */
import type { Database } from '../sqlite/open.ts';
import type { IndexMetadataReading } from './index-metadata.ts';
import type { RecordedPosition, SegmentId } from './model.ts';
import { decodeSeqId, type DecodedSeqId } from './seq-id.ts';

const RECORDED = 'SELECT segment_id, seq_id FROM max_seq_id';

/** What the vector segment's directory says. */
export interface VectorFiles {
  readonly indexMetadata: IndexMetadataReading;
  /** Why the HNSW files cannot hold what the pickle lists, null where they can. */
  readonly damage: string | null;
}

/** Reads table `max_seq_id`, orphan rows included, each value decoded by its stored type. */
export function readMaxSeqIds(db: Database): ReadonlyMap<SegmentId, DecodedSeqId> {
  const rows = db.prepare<[], { segment_id: string; seq_id: unknown }>(RECORDED).all();
  return new Map(rows.map(({ segment_id, seq_id }) => [segment_id, decodeSeqId(seq_id)]));
}

/** Position of a metadata segment: always the table, since 0.4.0. */
export function metadataPosition(row: DecodedSeqId | undefined): RecordedPosition {
  if (row === undefined) return { kind: 'never' };
  if (row.kind === 'invalid') return invalid(`the recorded position of its metadata is ${row.detail}`);
  return { kind: 'recorded', seqId: row.seqId, source: 'max_seq_id' };
}

/**
 * Position of a vector segment. The table row wins over the pickle, always (Python `if result:` first, Rust
 * `do_nothing`); but no row is believed without a pickle that can be read to its end, because Rust starts from 0
 * whatever the table says when the pickle is gone (1.5.9 local_hnsw.rs `UninitializedSegment`).
 */
export function vectorPosition(
  row: DecodedSeqId | undefined,
  { indexMetadata, damage }: VectorFiles,
): RecordedPosition {
  if (row?.kind === 'invalid') return invalid(`the recorded position of its index is ${row.detail}`);
  if (indexMetadata.kind === 'unreadable') {
    return {
      kind: 'unreadable',
      because: 'pickle-unreadable',
      detail: `its index file index_metadata.pickle is not usable: ${indexMetadata.detail}`,
    };
  }
  if (indexMetadata.kind === 'absent') {
    if (row === undefined) return { kind: 'never' };
    const detail = `its index file index_metadata.pickle is missing, though the index was saved up to ${row.seqId}`;
    return { kind: 'unreadable', because: 'pickle-missing', detail };
  }
  if (damage !== null) {
    return { kind: 'unreadable', because: 'index-files-damaged', detail: `its index files are not whole: ${damage}` };
  }
  if (row !== undefined) return { kind: 'recorded', seqId: row.seqId, source: 'max_seq_id' };
  const { maxSeqId } = indexMetadata.metadata;
  if (maxSeqId !== null) return { kind: 'recorded', seqId: maxSeqId, source: 'index_metadata.pickle' };
  return invalid('its index was saved, but not how far: the trace of a crash while it was being saved');
}

function invalid(detail: string): RecordedPosition {
  return { kind: 'unreadable', because: 'watermark-invalid', detail };
}
