/**
 * What a prune beside a server rests on: one reading of everything, made without a lock, and the stamps by which each
 * transaction can tell that the index files are still those that were read.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { liveSegments, readCatalog } from '../../chroma/catalog.ts';
import { isInFuture, isQuiet, isSettled, readIndexStamp, type IndexStamp } from '../../chroma/index-stamp.ts';
import type { Collection, CollectionId, PruneStep, Segment, SegmentId } from '../../chroma/model.ts';
import type { PersistDir } from '../../chroma/persist-dir.ts';
import { needsAttention, planCutoffs, type CollectionCutoff, type PrunePlan } from '../../chroma/prune-plan.ts';
import { readSchema } from '../../chroma/schema.ts';
import { smallest, type SeqId } from '../../chroma/seq-id.ts';
import { MaintError } from '../../errors.ts';
import { withReadOnly, type Database } from '../../sqlite/open.ts';
import { collectionPlans } from '../collections.ts';
import { READ_WAIT_MS, type Machine } from '../guard-context.ts';
import { verifySequence } from '../guards.ts';
import { planOn, type PlannedWork, type Planning, type Strategy } from '../planning.ts';
import { withPreflight, type Preflight } from '../preflight.ts';
import { readPositions, type IndexReading } from '../positions.ts';
import { collectionsWith } from '../reading.ts';
import { syncIndexes } from '../under-lock.ts';

export type Stamps = ReadonlyMap<SegmentId, IndexStamp>;

export interface Round<S extends Strategy = Strategy> {
  /** What was planned, of indexes that lay still when they were read. */
  readonly planned: PlannedWork<S>;
  /** What is still to go of it. */
  readonly steps: readonly PruneStep[];
  /** Collections whose index was being saved: their turn comes in a later round. */
  readonly unsettled: ReadonlySet<CollectionId>;
  readonly stamps: Stamps;
}

/** In the place of what may have changed since it was read. */
const NOT_READ: IndexReading = {
  metadata: { kind: 'unreadable', detail: 'it was saved meanwhile' },
  hnsw: { kind: 'absent' },
};

/** The collections of a plan whose index was being saved when it was made. */
export function beingSaved({ skipped }: PrunePlan): readonly CollectionId[] {
  return skipped.filter(({ reason }) => reason === 'being-saved').map(({ collectionId }) => collectionId);
}

const BEING_SAVED = 'its index is being saved at this moment';
const IN_FUTURE = 'its index files are dated in the future, so whether it is being saved cannot be told';

/** Plans what could be deleted beside a server at this moment. Reads only. */
export function planWhileRunning<S extends Strategy>(planning: Planning<S>, machine: Machine): Promise<PlannedWork<S>> {
  return withPreflight(planning, machine, async (preflight) => (await readRound(preflight, planning)).planned);
}

/** A Chroma up to 0.5.5 saves an index inside the transaction that adds its rows, so it is ahead of them until the commit. */
const LOOKS = 10;
const LOOK_AGAIN_MS = 250;

/**
 * Reads and plans, in short reads. What looks damaged is looked at again, beside a server it may be half of a commit; and
 * everything is read again only once the positions are plausible.
 */
export async function readRound<S extends Strategy>(preflight: Preflight, planning: Planning<S>): Promise<Round<S>> {
  const { dir } = preflight.context;
  for (let looks = 0; ;) {
    try {
      return withReadOnly(dir.databasePath, READ_WAIT_MS, (db) => roundOn(db, preflight, planning));
    } catch (error) {
      do {
        looks += 1;
        if (!isCorrupt(error) || looks === LOOKS) throw error;
        await delay(LOOK_AGAIN_MS);
      } while (!isPlausible(dir));
    }
  }
}

function isCorrupt(error: unknown): boolean {
  return error instanceof MaintError && error.code === 'CORRUPT';
}

/** True where no recorded position is ahead of the queue. */
function isPlausible(dir: PersistDir): boolean {
  try {
    withReadOnly(dir.databasePath, READ_WAIT_MS, (db) => {
      const positions = readPositions(db, dir);
      verifySequence({ dir, reading: { collections: collectionsWith([], positions), lastSeqId: positions.lastSeqId } });
    });
    return true;
  } catch (error) {
    if (isCorrupt(error)) return false;
    throw error;
  }
}

function roundOn<S extends Strategy>(db: Database, preflight: Preflight, planning: Planning<S>): Round<S> {
  const { dir, host } = preflight.context;
  const stampedAt = host.now();
  const stamps = readStamps(db, dir);
  const planned = planOn(db, preflight, planning);
  const { plan, reading } = planned;
  const odd = new Set(
    plan.prune.skipped.filter(({ reason }) => needsAttention(reason)).map(({ collectionId }) => collectionId),
  );
  const isTelling = new Set([...plan.prune.steps.map(({ collectionId }) => collectionId), ...odd]);
  const isUnsettled = ({ id, segments }: Collection): boolean =>
    isTelling.has(id) &&
    segments.some((each) => !isStill(each, dir, stamps, odd.has(id) ? isQuiet : isSettled, stampedAt));
  const unsettled = new Set(reading.collections.filter(isUnsettled).map(({ id }) => id));
  const inFuture = new Set(
    reading.collections
      .filter(({ segments }) => segments.some(({ id }) => isInFuture(stamps.get(id), stampedAt)))
      .map(({ id }) => id),
  );
  const prune = withoutUnsettled(plan.prune, unsettled, inFuture);
  const settled = { ...plan, prune, collections: collectionPlans(reading, prune) };
  return { planned: { ...planned, plan: settled }, steps: prune.steps, unsettled, stamps };
}

/** Taken before the files are read: what is written between the two shows later. */
function readStamps(db: Database, dir: PersistDir): Stamps {
  const catalog = readCatalog(db, readSchema(db, dir.databasePath));
  const live = liveSegments(catalog);
  const vector = catalog.segments.filter(({ id, kind }) => kind === 'vector' && live.has(id));
  return new Map(vector.map(({ id }) => [id, readIndexStamp(join(dir.path, id))]));
}

/** True where the files of a segment did not change while everything was read. */
function isStill(
  { id, kind }: Segment,
  { path }: PersistDir,
  stamps: Stamps,
  isOldEnough: typeof isSettled,
  stampedAt: Date,
): boolean {
  if (kind !== 'vector') return true;
  const before = stamps.get(id);
  return (
    before !== undefined && isOldEnough(before, stampedAt) && readIndexStamp(join(path, id)).files === before.files
  );
}

function withoutUnsettled(
  prune: PrunePlan,
  unsettled: ReadonlySet<CollectionId>,
  inFuture: ReadonlySet<CollectionId>,
): PrunePlan {
  const isSettledOne = ({ collectionId }: { readonly collectionId: CollectionId }): boolean =>
    !unsettled.has(collectionId);
  return {
    ...prune,
    steps: prune.steps.filter(isSettledOne),
    skipped: [
      ...prune.skipped.filter(isSettledOne),
      ...[...unsettled].map((collectionId) => ({
        collectionId,
        reason: 'being-saved' as const,
        message: inFuture.has(collectionId) ? IN_FUTURE : BEING_SAVED,
      })),
    ],
  };
}

/**
 * Has the index files on the disk that the steps rest on: what their stamps prove unchanged is there later, too. An index
 * whose collection the server has deleted meanwhile has another stamp, and none.
 */
export function syncRound({ planned, steps }: Round): void {
  const { plan } = planned;
  syncIndexes({ ...planned, plan: { ...plan, prune: { ...plan.prune, steps } } }, () => undefined);
}

/** What may go at this moment, and which collections of the round may lose nothing now. */
export interface BatchPlan {
  readonly cutoffs: readonly CollectionCutoff[];
  readonly changed: ReadonlySet<CollectionId>;
  readonly lastSeqId: SeqId;
}

/**
 * Plans the steps of a round again: the catalogue, every recorded position and the end of the queue as they are now, and
 * of the index files what was read of them; {@link withoutChanged} says whether that still holds. Throws CORRUPT where a
 * position is ahead of the queue.
 */
export function planBatch(db: Database, dir: PersistDir, { planned: { reading }, steps }: Round): BatchPlan {
  // What an index had saved then it has saved now: of one that was saved since it is a lower bound.
  const positions = readPositions(db, dir, (id) => reading.index.get(id) ?? NOT_READ);
  const collections = collectionsWith([...reading.usage.keys()], positions);
  const { lastSeqId } = positions;
  verifySequence({ dir, reading: { collections, lastSeqId } });
  const all = steps.map(({ collectionId }) => collectionId);
  // A collection was deleted, and numbers are given anew: nothing of the round is believed any more.
  if (lastSeqId < reading.lastSeqId) return { cutoffs: [], changed: new Set(all), lastSeqId };
  const decided = planCutoffs(collections, lastSeqId, reading.excluded).cutoffs;
  const allowed = new Map(decided.map((cutoff) => [cutoff.collectionId, cutoff]));
  const cutoffs = steps.flatMap((step): readonly CollectionCutoff[] => {
    const now = allowed.get(step.collectionId);
    return now?.topic !== step.topic ? [] : [{ ...now, below: smallest(now.below, step.below) }];
  });
  return { cutoffs, changed: without(all, cutoffs), lastSeqId };
}

/** The plan without the collections of which a file of the index is not the one that was read. */
export function withoutChanged(
  { path }: PersistDir,
  { planned: { reading }, stamps }: Round,
  plan: BatchPlan,
): BatchPlan {
  const segments = new Map(reading.collections.map((each) => [each.id, each.segments]));
  const isUnchanged = ({ id, kind }: Segment): boolean =>
    kind !== 'vector' || stamps.get(id)?.files === readIndexStamp(join(path, id)).files;
  const cutoffs = plan.cutoffs.filter(({ collectionId }) => (segments.get(collectionId) ?? []).every(isUnchanged));
  const dropped = without(
    plan.cutoffs.map(({ collectionId }) => collectionId),
    cutoffs,
  );
  return { ...plan, cutoffs, changed: new Set([...plan.changed, ...dropped]) };
}

/** Those of `ids` that have no cut-off. */
function without(ids: readonly CollectionId[], cutoffs: readonly CollectionCutoff[]): ReadonlySet<CollectionId> {
  const kept = new Set(cutoffs.map(({ collectionId }) => collectionId));
  return new Set(ids.filter((id) => !kept.has(id)));
}
