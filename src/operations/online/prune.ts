/**
 * prune --while-running: the rows that every segment has saved, a few at a time, between which the server that has the
 * directory open goes on. Why that is sound: docs/DECISIONS.md, "Pruning beside a server".
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { CollectionId } from '../../chroma/model.ts';
import { totalBytes, totalRows } from '../../chroma/prune-plan.ts';
import { NO_ROW, smallest, type SeqId } from '../../chroma/seq-id.ts';
import { MaintError } from '../../errors.ts';
import { counted } from '../../units.ts';
import type { Machine } from '../guard-context.ts';
import type { PruneJob } from '../job.ts';
import type { Observer } from '../observer.ts';
import type { DirectoryPlan } from '../planning.ts';
import { withPreflight, type Preflight } from '../preflight.ts';
import { prunePlanning, type OnlineReport, type PruneReport } from '../prune.ts';
import { inNumbers } from '../under-lock.ts';
import { deleteBatch, type Batch } from './batch.ts';
import { nextBatchRows, pauseAfter, type OnlineLimits } from './pace.ts';
import { readRound, syncRound, type Round } from './round.ts';
import { besideServer } from './transaction.ts';

/** How often, and how long apart, an index is looked at again that is being saved. */
const LOOKS = 10;
const LOOK_AGAIN_MS = 500;

/** How far the rows of each collection are to go, null for as far as they may. */
type Goal = ReadonlyMap<CollectionId, SeqId | null>;

/** What has been done so far. */
interface Tally {
  deleted: number;
  transactions: number;
  longestLockMs: number;
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
    const goal = goalOf(
      first,
      agreed?.prune.steps.map(({ collectionId, below }) => [collectionId, below]),
    );
    const tally: Tally = { deleted: 0, transactions: 0, longestLockMs: 0, byCollection: new Map() };
    observer.onPlanned(inNumbers(first.planned, first.planned.plan.databaseBytes));
    const { left, last } = await stating(tally, () =>
      untilReached(goal, first, { preflight, read, limits, tally, observer }),
    );
    const { deleted, transactions, longestLockMs, byCollection } = tally;
    const online: OnlineReport = { transactions, longestLockMs, deleted: byCollection, left };
    return { plan: withNewSkips(first.planned.plan, last.planned.plan), deleted, online };
  });
}

/** The first plan, with what came to want a person while it was carried out. */
function withNewSkips(first: DirectoryPlan, last: DirectoryPlan): DirectoryPlan {
  const now = new Map(last.collections.map(({ id, skip }) => [id, skip]));
  const collections = first.collections.map((each) => {
    const skip = now.get(each.id);
    return skip?.needsAttention === true ? { ...each, skip } : each;
  });
  return { ...first, collections };
}

interface Course {
  readonly preflight: Preflight;
  readonly read: () => Promise<Round>;
  readonly limits: OnlineLimits;
  readonly tally: Tally;
  readonly observer: Observer;
}

/** As far as was agreed to, or as the first round says where nobody was asked. */
function goalOf({ planned, unsettled }: Round, agreed: readonly (readonly [CollectionId, SeqId])[] | undefined): Goal {
  if (agreed !== undefined) return new Map(agreed);
  return new Map<CollectionId, SeqId | null>([
    ...planned.plan.prune.steps.map(({ collectionId, below }) => [collectionId, below] as const),
    ...[...unsettled].map((id) => [id, null] as const),
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
    return [below === null ? step : { ...step, below: smallest(below, step.below) }];
  });
  return { ...round, steps };
}

/** Deletes the rows of a round, and returns the collections that had to be left because something of them changed. */
async function workThrough(whole: Round, course: Course): Promise<ReadonlySet<CollectionId>> {
  const { preflight, limits, tally, observer } = course;
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
    const batch = await besideServer(preflight.context, (db, dir) => deleteBatch(db, dir, current, from, rows));
    if (batch === null) break;
    note(tally, round, batch);
    observer.onBytes(Math.round((all * Math.min(tally.deleted, expected)) / Math.max(expected, 1)), all);
    for (const id of batch.changed) changed.add(id);
    round = { ...round, steps: round.steps.filter(({ collectionId }) => !changed.has(collectionId)) };
    after = batch.last;
    last = { rows, lockMs: batch.lockMs };
    await delay(pauseAfter(limits, batch.lockMs));
  }
  return changed;
}

function note(tally: Tally, { steps }: Round, { deleted, lockMs }: Batch): void {
  tally.transactions += 1;
  tally.longestLockMs = Math.max(tally.longestLockMs, lockMs);
  for (const { topic, collectionId } of steps) {
    const rows = deleted.get(topic) ?? 0;
    tally.deleted += rows;
    tally.byCollection.set(collectionId, (tally.byCollection.get(collectionId) ?? 0) + rows);
  }
}

/** Runs `work`; where it fails, the error says what had been done by then. */
async function stating<T>(tally: Tally, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MaintError) || tally.deleted === 0) throw error;
    const rows = counted(tally.deleted, 'WAL row was', 'WAL rows were');
    throw error.withState(`${rows} deleted, which is safe; nothing else was changed`);
  }
}
