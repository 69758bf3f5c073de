/**
 * prune --while-running: the rows that every segment has saved, a few at a time, between which the server that has the
 * directory open goes on. Why that is sound: docs/DECISIONS.md, "Pruning beside a server".
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { CollectionId } from '../../chroma/model.ts';
import { totalBytes, totalRows } from '../../chroma/prune-plan.ts';
import { NO_ROW, smallest, type SeqId } from '../../chroma/seq-id.ts';
import { MaintError } from '../../errors.ts';
import { translate } from '../../sqlite/errors.ts';
import { counted } from '../../units.ts';
import type { Agreement } from '../agreement.ts';
import type { Machine } from '../guard-context.ts';
import type { PruneJob } from '../job.ts';
import type { Observer } from '../observer.ts';
import type { DirectoryPlan } from '../planning.ts';
import { withPreflight, type Preflight } from '../preflight.ts';
import { prunePlanning, type OnlineReport, type PruneReport } from '../prune.ts';
import { inNumbers } from '../under-lock.ts';
import { deleteBatch, type Batch } from './batch.ts';
import { nextBatchRows, pauseAfter, type OnlineLimits } from './pace.ts';
import { beingSaved, readRound, syncRound, type Round } from './round.ts';
import { besideServer, noLocks, type LockTimes } from './transaction.ts';

/** How often, and how long apart, an index is looked at again that is being saved. */
const LOOKS = 10;
const LOOK_AGAIN_MS = 500;

/** How far the rows of each collection are to go at the most. */
type Goal = ReadonlyMap<CollectionId, SeqId>;

/** What has been done so far. */
interface Tally {
  deleted: number;
  transactions: number;
  readonly times: LockTimes;
  readonly byCollection: Map<CollectionId, number>;
}

/** Plans and deletes beside a server. What is thrown says how many rows had gone by then. */
export function pruneWhileRunning(
  { request, agreed }: PruneJob,
  limits: OnlineLimits,
  machine: Machine,
  observer: Observer,
): Promise<PruneReport> {
  observer.onStage('checking');
  const planning = prunePlanning(request, false, agreed);
  return withPreflight(planning, machine, async (preflight) => {
    const read = (): Promise<Round> => readRound(preflight, planning);
    const first = await read();
    observer.onPlanned(inNumbers(first.planned, first.planned.plan.databaseBytes));
    return pruneFrom(first, { preflight, read, agreed, limits, observer });
  });
}

interface Wish {
  readonly preflight: Preflight;
  /** Reads and plans anew. */
  readonly read: () => Promise<Round>;
  /** What a person has said yes to; null where nobody was asked. */
  readonly agreed: Agreement | null;
  readonly limits: OnlineLimits;
  readonly observer: Observer;
}

/** Deletes what `first` has planned, and what it has found being saved meanwhile. */
export async function pruneFrom(first: Round, { agreed, ...wish }: Wish): Promise<PruneReport> {
  const tally: Tally = { deleted: 0, transactions: 0, times: noLocks(), byCollection: new Map() };
  const course = { ...wish, tally };
  const { databasePath } = wish.preflight.context.dir;
  const reached = await stating(databasePath, tally, () => untilReached(goalOf(first, agreed), first, course));
  const { deleted, transactions, times, byCollection } = tally;
  // What was being saved when it was agreed to is not in the goal.
  const left = new Set([...reached.left, ...(agreed === null ? [] : beingSaved(agreed.prune))]);
  const online: OnlineReport = { transactions, longestLockMs: times.longestMs, deleted: byCollection, left: [...left] };
  const plan = asItTurnedOut(first.planned.plan, reached.last.planned.plan, online);
  return { plan, deleted, online };
}

/**
 * The first plan, with what came to want a person while it was carried out, of which no more could go than had gone by
 * then; and without what was being saved at first and could go later.
 */
function asItTurnedOut(first: DirectoryPlan, last: DirectoryPlan, { deleted, left }: OnlineReport): DirectoryPlan {
  const now = new Map(last.collections.map(({ id, skip }) => [id, skip]));
  const collections = first.collections.map((each) => {
    const skip = now.get(each.id);
    const gone = deleted.get(each.id) ?? 0;
    if (skip?.needsAttention === true) return { ...each, skip, prunable: gone };
    const isDone = each.skip?.reason === 'being-saved' && !left.includes(each.id);
    return { ...each, skip: isDone ? null : each.skip, prunable: Math.max(each.prunable, gone) };
  });
  return { ...first, collections };
}

interface Course extends Omit<Wish, 'agreed'> {
  readonly tally: Tally;
}

/** As far as was agreed to, or as the first round says where nobody was asked: nothing that a server adds later. */
function goalOf({ planned, unsettled }: Round, agreed: Agreement | null): Goal {
  const { steps } = (agreed ?? planned.plan).prune;
  const { lastSeqId } = planned.reading;
  return new Map([
    ...steps.map(({ collectionId, below }) => [collectionId, below] as const),
    ...(agreed === null ? [...unsettled].map((id) => [id, lastSeqId] as const) : []),
  ]);
}

/** Works through rounds until every collection has reached the goal, or has not after many looks. */
async function untilReached(
  goal: Goal,
  first: Round,
  course: Course,
): Promise<{ readonly left: readonly CollectionId[]; readonly last: Round }> {
  let open = goal;
  let round = first;
  for (let look = 0; open.size > 0;) {
    const before = course.tally.deleted;
    const changed = await workThrough(limited(round, open), course);
    const again = new Set([...changed, ...round.unsettled]);
    open = new Map([...open].filter(([id]) => again.has(id)));
    if (open.size === 0) break;
    look = course.tally.deleted > before ? 0 : look + 1;
    if (look === LOOKS) break;
    await delay(LOOK_AGAIN_MS);
    round = await course.read();
  }
  return { left: [...open.keys()], last: round };
}

/** The steps of a round that are still to be taken, none further than the goal. */
function limited(round: Round, goal: Goal): Round {
  const steps = round.steps.flatMap((step) => {
    const below = goal.get(step.collectionId);
    if (below === undefined) return [];
    return [{ ...step, below: smallest(below, step.below) }];
  });
  return { ...round, steps };
}

/** Deletes the rows of a round, and returns the collections that had to be left because something of them changed. */
async function workThrough(whole: Round, course: Course): Promise<ReadonlySet<CollectionId>> {
  const { preflight, limits, tally, observer } = course;
  const { times } = tally;
  const changed = new Set<CollectionId>();
  const all = totalBytes(whole.planned.plan.prune);
  const expected = totalRows(whole.planned.plan.prune);
  let round = whole;
  let after = NO_ROW;
  let last: { rows: number; lockMs: number } | null = null;
  if (round.steps.length > 0) observer.onStage('pruning');
  syncRound(round);
  while (round.steps.length > 0) {
    const rows = nextBatchRows(limits, last);
    const [from, current] = [after, round];
    const batch = await besideServer(preflight.context, { limits, times }, (db, dir) =>
      deleteBatch(db, dir, current, { after: from, rows, times }),
    );
    if (batch === null) break;
    note(tally, round, batch);
    observer.onBytes(Math.round((all * Math.min(tally.deleted, expected)) / Math.max(expected, 1)), all);
    for (const id of batch.changed) changed.add(id);
    round = { ...round, steps: round.steps.filter(({ collectionId }) => !changed.has(collectionId)) };
    after = batch.last;
    last = { rows, lockMs: times.lastMs };
    await delay(pauseAfter(limits, times.lastMs));
  }
  return changed;
}

function note(tally: Tally, { steps }: Round, { deleted }: Batch): void {
  tally.transactions += 1;
  for (const { topic, collectionId } of steps) {
    const rows = deleted.get(topic) ?? 0;
    tally.deleted += rows;
    tally.byCollection.set(collectionId, (tally.byCollection.get(collectionId) ?? 0) + rows);
  }
}

/** Runs `work`; where it fails, the error says what had been done by then. */
async function stating<T>(databasePath: string, tally: Tally, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const error = translate(databasePath, thrown);
    if (!(error instanceof MaintError) || tally.deleted === 0) throw error;
    const rows = counted(tally.deleted, 'WAL row was', 'WAL rows were');
    throw error.withState(`${rows} deleted, which is safe; nothing else was changed`);
  }
}
