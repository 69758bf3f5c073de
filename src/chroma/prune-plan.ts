/**
 * What a prune deletes, decided without touching anything. The rules and the reason for each: docs/FORMAT.md,
 * "What may be deleted".
 */
import type {
  Collection,
  CollectionId,
  Cutoff,
  PruneStep,
  Segment,
  SegmentId,
  Skip,
  SkipReason,
  Topic,
  TopicUsage,
  Watermark,
} from './model.ts';
import { smallest, type SeqId } from './seq-id.ts';
import { watermarkOf } from './watermark.ts';

/** The part of a collection's queue that every segment has persisted, before its rows are counted. */
export interface CollectionCutoff extends Cutoff {
  readonly collectionId: CollectionId;
  /** Highest recorded position of its vector segments: up to here the index must hold every id (the index check). */
  readonly indexed: SeqId;
}

/** How far a topic's rows may go, and how far its index must hold their ids; null where that is not asked. */
export interface TopicMark {
  readonly below: SeqId;
  readonly indexed: SeqId | null;
}

export interface Skipped extends Skip {
  readonly collectionId: CollectionId;
}

export interface CutoffDecision {
  readonly cutoffs: readonly CollectionCutoff[];
  readonly skipped: readonly Skipped[];
}

export interface PrunePlan {
  readonly steps: readonly PruneStep[];
  readonly skipped: readonly Skipped[];
  /** How many rows of a collection could go and stay on request; no entry where there are none. */
  readonly held: ReadonlyMap<CollectionId, number>;
  /** `MAX(seq_id)` of the whole queue, which no prune may lower. */
  readonly lastSeqId: SeqId;
}

/** A live watermark above `MAX(seq_id)`: Chroma is losing new writes, or the watermark is damaged. */
export interface SequenceRegression {
  readonly collectionId: CollectionId;
  readonly segmentId: SegmentId;
  readonly seqId: SeqId;
}

/** Skips that are part of a healthy directory's life; every other skip wants a person. */
const HEALTHY: readonly SkipReason[] = [
  'never-persisted',
  'excluded',
  'kept-on-request',
  'nothing-to-prune',
  'being-saved',
];

export function needsAttention(reason: SkipReason): boolean {
  return !HEALTHY.includes(reason);
}

/**
 * Decides for each collection how far its queue may be deleted, or why not at all. `excluded` collections are left out
 * by the operator. `below` never exceeds `lastSeqId`, so the row with `MAX(seq_id)` survives even a damaged watermark
 * (invariants I1–I4).
 */
export function planCutoffs(
  collections: readonly Collection[],
  lastSeqId: SeqId,
  excluded: ReadonlySet<CollectionId>,
): CutoffDecision {
  const cutoffs: CollectionCutoff[] = [];
  const skipped: Skipped[] = [];
  const owners = countOwners(collections);
  for (const collection of collections) {
    const collectionId = collection.id;
    const decision = excluded.has(collectionId)
      ? skip('excluded', 'left out on request')
      : cutoffOf(collection, lastSeqId, owners);
    if ('reason' in decision) skipped.push({ collectionId, ...decision });
    else cutoffs.push({ collectionId, ...decision });
  }
  return { cutoffs, skipped };
}

function cutoffOf(
  collection: Collection,
  lastSeqId: SeqId,
  owners: ReadonlyMap<Topic, number>,
): Omit<CollectionCutoff, 'collectionId'> | Skip {
  const watermark = watermarkOf(collection.segments);
  if (watermark.kind === 'none') return noWatermark(watermark, collection);
  const [topic, ...others] = collection.topics;
  if (topic === undefined) return skip('nothing-to-prune', 'the WAL has no row of it');
  if (others.length > 0) {
    return skip(
      'ambiguous-topic',
      `its rows stand under ${others.length + 1} topics, and Chroma reads only one of them`,
    );
  }
  if ((owners.get(topic) ?? 0) > 1) {
    return skip('ambiguous-topic', 'another collection claims the same topic, so its rows cannot be told apart');
  }
  return { topic, ...markAt(collection.segments, watermark.seqId, lastSeqId) };
}

/** What the queue is asked about a collection with these segments before it is known to have a plan; null for nothing. */
export function markOf(segments: readonly Segment[], lastSeqId: SeqId): TopicMark | null {
  const watermark = watermarkOf(segments);
  return watermark.kind === 'none' ? null : markAt(segments, watermark.seqId, lastSeqId);
}

function markAt(
  segments: readonly Segment[],
  watermark: SeqId,
  lastSeqId: SeqId,
): Omit<CollectionCutoff, 'topic' | 'collectionId'> {
  return { below: smallest(watermark, lastSeqId), indexed: indexedUpTo(segments, watermark) };
}

/** How many collections claim each topic: one, unless somebody edited the stored topics (up to 0.4.24). */
function countOwners(collections: readonly Collection[]): ReadonlyMap<Topic, number> {
  const owners = new Map<Topic, number>();
  for (const topic of collections.flatMap(({ topics }) => topics)) owners.set(topic, (owners.get(topic) ?? 0) + 1);
  return owners;
}

function noWatermark(watermark: Extract<Watermark, { kind: 'none' }>, { topics }: Collection): Skip {
  if (watermark.because === 'never-persisted' && topics.length === 0) {
    return skip('nothing-to-prune', 'the WAL has no row of it');
  }
  return skip(watermark.because, watermark.detail);
}

function indexedUpTo(segments: readonly Segment[], watermark: SeqId): SeqId {
  let highest = watermark;
  for (const { kind, position } of segments) {
    if (kind === 'vector' && position.kind === 'recorded' && position.seqId > highest) highest = position.seqId;
  }
  return highest;
}

/** What counting the queue told about a cutoff. */
export interface CountedCutoff {
  readonly rows: number;
  readonly bytes: number;
}

/** The rows of a topic that lie strictly below a seq_id. */
export interface TopicCutoff extends CountedCutoff {
  readonly below: SeqId;
}

/**
 * Turns decided cutoffs into steps. A collection of which `missingFromIndex` knows records is skipped whole: its
 * watermark says that they are in the index, the index says that they are not. `retained` has what of a cutoff goes
 * where some of its rows stay on request (retention.ts); topics without an entry go as decided.
 */
export function planPrune(
  decision: CutoffDecision,
  counted: ReadonlyMap<Topic, CountedCutoff>,
  missingFromIndex: ReadonlyMap<Topic, number>,
  lastSeqId: SeqId,
  retained: ReadonlyMap<Topic, TopicCutoff> = new Map(),
): PrunePlan {
  const steps: PruneStep[] = [];
  const skipped: Skipped[] = [...decision.skipped];
  const held = new Map<CollectionId, number>();
  for (const { collectionId, topic, below } of decision.cutoffs) {
    const { rows, bytes } = counted.get(topic) ?? { rows: 0, bytes: 0 };
    const missing = missingFromIndex.get(topic) ?? 0;
    if (missing > 0) {
      const records =
        missing === 1 ? '1 record that its index should hold is' : `${missing} records that its index should hold are`;
      skipped.push({
        collectionId,
        ...skip('vectors-missing-from-index', `${records} not there; the WAL may be the only copy`),
      });
    } else if (rows === 0) {
      skipped.push({ collectionId, ...skip('nothing-to-prune', `no row lies below ${below}`) });
    } else {
      const going = retained.get(topic) ?? { below, rows, bytes };
      if (going.rows < rows) held.set(collectionId, rows - going.rows);
      if (going.rows > 0) steps.push({ collectionId, topic, ...going });
      else skipped.push({ collectionId, ...skip('kept-on-request', `all rows below ${below} are kept on request`) });
    }
  }
  return { steps, skipped, held, lastSeqId };
}

/** Live watermarks above `MAX(seq_id)`, worst first. Any one of them means: write nothing here. */
export function sequenceRegressions(
  collections: readonly Collection[],
  lastSeqId: SeqId,
): readonly SequenceRegression[] {
  const found = collections.flatMap(({ id, segments }) =>
    segments.flatMap(({ id: segmentId, position }) =>
      position.kind === 'recorded' && position.seqId > lastSeqId
        ? [{ collectionId: id, segmentId, seqId: position.seqId }]
        : [],
    ),
  );
  return found.toSorted((a, b) => (a.seqId > b.seqId ? -1 : 1));
}

/** True where the topic's own rows end below its watermark: only other collections' rows keep seq_ids growing. */
export function isAnchorMissing(watermark: Watermark, usage: TopicUsage | undefined): boolean {
  return watermark.kind === 'at' && (usage === undefined || usage.lastSeqId < watermark.highest);
}

export function totalRows(plan: PrunePlan): number {
  return plan.steps.reduce((sum, { rows }) => sum + rows, 0);
}

/** Rows that could go and stay on request. */
export function totalHeld({ held }: PrunePlan): number {
  return [...held.values()].reduce((sum, rows) => sum + rows, 0);
}

export function totalBytes(plan: PrunePlan): number {
  return plan.steps.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** True where both plans delete the same rows. Skips do not count: they delete nothing. */
export function isSamePlan(a: PrunePlan, b: PrunePlan): boolean {
  const [left, right] = [keys(a), keys(b)];
  return left.length === right.length && left.every((each, at) => each === right[at]);
}

function keys({ steps }: PrunePlan): readonly string[] {
  return steps.map(({ topic, below, rows }) => `${topic} ${below} ${rows}`).toSorted();
}

function skip(reason: SkipReason, message: string): Skip {
  return { reason, message };
}
