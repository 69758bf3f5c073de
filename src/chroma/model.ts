/**
 * The words of Chroma's persist directory as types; no code. docs/GLOSSARY.md defines each word.
 */
import type { SeqId } from './seq-id.ts';

export type CollectionId = string;
export type SegmentId = string;
/** Value of `embeddings_queue.topic`, for example `persistent://default/default/<collection id>`. */
export type Topic = string;

/** Eras of the on-disk format, decided by the `migrations` table alone (docs/FORMAT.md, "Generations"). */
export type Generation = 'A0' | 'A' | 'B' | 'C' | 'D' | 'E' | 'F';

/** What the `migrations` table says about a directory whose every migration is known. */
export interface Schema {
  readonly generation: Generation;
  /** The releases that leave exactly these migrations, for people: `0.5.4 or 0.5.5`. */
  readonly writtenBy: string;
  readonly versions: MigrationVersions;
  /** True where Rust Chroma (1.0.0 and later) has opened the directory: it creates `acquire_write`. */
  readonly openedByRust: boolean;
}

/** Highest applied migration of each of Chroma's three migration folders. */
export interface MigrationVersions {
  readonly embeddingsQueue: number;
  readonly sysdb: number;
  readonly metadb: number;
}

/** How far a segment has persisted the queue. */
export type RecordedPosition =
  | { readonly kind: 'recorded'; readonly seqId: SeqId; readonly source: PositionSource }
  /** Nothing was ever recorded: Chroma's own `COALESCE(…, -1)`. */
  | { readonly kind: 'never' }
  /** Something is there and cannot be trusted. Never guessed. */
  | { readonly kind: 'unreadable'; readonly because: UnreadableBecause; readonly detail: string };

export type PositionSource = 'max_seq_id' | 'index_metadata.pickle';
export type UnreadableBecause = 'watermark-invalid' | 'pickle-missing' | 'pickle-unreadable' | 'index-files-damaged';

/** Only these two kinds are written by a local persistent Chroma, in every version (Rust 1.5.9 `Executor::Local`). */
export type SegmentKind = 'metadata' | 'vector' | 'unknown';

export interface Segment {
  readonly id: SegmentId;
  readonly kind: SegmentKind;
  /** `segments.type` as stored. */
  readonly type: string;
  readonly position: RecordedPosition;
}

export interface Collection {
  readonly id: CollectionId;
  readonly name: string;
  /** Null where the database row is gone: unreachable through Chroma, but live all the same. */
  readonly tenant: string | null;
  readonly database: string | null;
  /** The topics whose rows belong to it: the stored one up to 0.4.24, those that end in its id after. */
  readonly topics: readonly Topic[];
  readonly segments: readonly Segment[];
}

/** Minimum of the recorded positions of **all** segments of a collection. */
export type Watermark =
  | {
      readonly kind: 'at';
      readonly seqId: SeqId;
      /** The segment kind that holds it back, or null where all segments stand at the same position. */
      readonly heldBackBy: 'metadata' | 'vector' | null;
      /** Highest recorded position of the collection's segments. */
      readonly highest: SeqId;
    }
  | {
      readonly kind: 'none';
      readonly because: NoWatermark;
      readonly detail: string;
      readonly segment: SegmentId | null;
    };

export type NoWatermark = 'never-persisted' | 'vector-ahead-of-metadata' | 'unknown-segment-type' | UnreadableBecause;

/** Why a collection is left alone. */
export type SkipReason =
  | NoWatermark
  | 'excluded'
  | 'kept-on-request'
  | 'nothing-to-prune'
  /** Chroma is saving its index, seen only by a prune beside a running server. */
  | 'being-saved'
  | 'ambiguous-topic'
  | 'vectors-missing-from-index';

export interface Skip {
  readonly reason: SkipReason;
  /** The reason in words, for this collection. */
  readonly message: string;
}

/** Rows and bytes of one topic of the queue. */
export interface TopicUsage {
  readonly topic: Topic;
  readonly rows: number;
  /** Estimated bytes of the pages these rows occupy, from lengths alone. */
  readonly bytes: number;
  /** The part of `bytes` on the leaf pages of the b-tree; the rest are overflow pages. */
  readonly leafBytes: number;
  readonly lastSeqId: SeqId;
}

/** Delete the rows of `topic` whose seq_id is strictly below `below`. */
export interface Cutoff {
  readonly topic: Topic;
  readonly below: SeqId;
}

export interface PruneStep extends Cutoff {
  readonly collectionId: CollectionId;
  readonly rows: number;
  readonly bytes: number;
}
