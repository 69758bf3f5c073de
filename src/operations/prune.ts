/**
 * prune: delete the queue rows that every segment has persisted. The file keeps its size; Chroma fills the freed pages.
 */
import type { CollectionId } from '../chroma/model.ts';
import type { Host } from '../host/host.ts';
import { shellWord } from '../shell-word.ts';
import type { Agreement } from './agreement.ts';
import type { Alternative, SpaceNeed } from './guard-context.ts';
import type { Check } from './guards.ts';
import { LEAST_BATCH_ROWS, LEAST_ROOM_OPTIONS } from './least-room.ts';
import type { OnlineLimits } from './online/pace.ts';
import { planDirectory, type DirectoryPlan, type PlannedSizes, type Planning, type Strategy } from './planning.ts';
import { retentionOptions, type Target } from './target.ts';

export interface PruneRequest {
  readonly target: Target;
  /** How to go about it beside a running server; null where Chroma is stopped. */
  readonly online: OnlineLimits | null;
}

export interface PruneReport {
  readonly plan: DirectoryPlan;
  /** Rows deleted: all that were planned, or none; beside a server as many as there was a moment for. */
  readonly deleted: number;
  readonly online: OnlineReport | null;
}

/** What a prune beside a server did. */
export interface OnlineReport {
  readonly transactions: number;
  /** How long the server was kept from writing at the most, in milliseconds. */
  readonly longestLockMs: number;
  /** Rows deleted of each collection. */
  readonly deleted: ReadonlyMap<CollectionId, number>;
  /** Collections that could not be done, because their index was being saved each time. */
  readonly left: readonly CollectionId[];
}

/** Pages that one page of SQLite's list of free pages can name: (4096 - 8) / 4. */
export const FREED_PER_LISTED_PAGE = 1022;
/** Leaf pages below one interior page of the queue's b-tree, at the least. */
const LEAVES_PER_INTERIOR_PAGE = 200;
/** Header, schema, rounding. */
const JOURNAL_MARGIN = 128 * 1024;

/**
 * Upper estimate of the DELETE's rollback journal. A page that becomes free is not journalled; what is: the leaf pages
 * that keep rows and a neighbour of each, the interior pages, and the pages that come to list the free ones. Measured:
 * 1.7 MB where 100,592 of 100,665 rows went (781 MiB), 183 MB of 275 MB where every third row stayed.
 */
export function pruneJournalNeed(sizes: PlannedSizes): SpaceNeed {
  const { dir, prunableRows, keptRows, queueBytes, queueLeafBytes, pageSize } = sizes;
  const leaves = Math.min(queueLeafBytes, 2 * keptRows * pageSize);
  const lists = (queueBytes - queueLeafBytes) / FREED_PER_LISTED_PAGE;
  const interior = queueLeafBytes / LEAVES_PER_INTERIOR_PAGE;
  const bytes = prunableRows === 0 ? 0 : Math.ceil(leaves + lists + interior) + JOURNAL_MARGIN;
  return { directory: dir.path, bytes, purpose: 'the rollback journal of the delete' };
}

/** The same for one transaction of a prune beside a server: two leaf pages for each row, and the pages that list free ones. */
export function batchJournalNeed(
  { dir, prunableRows, pageSize }: PlannedSizes,
  { batchRows }: OnlineLimits,
): SpaceNeed {
  const bytes = 2 * Math.min(batchRows, prunableRows) * pageSize + JOURNAL_MARGIN;
  return { directory: dir.path, bytes, purpose: 'the rollback journal of one transaction' };
}

/** What to do where there is no room for a prune in one transaction: the fewer rows one has, the smaller its journal. */
export function pruneInSteps(sizes: PlannedSizes, { only, exclude, retention }: Target): Alternative {
  const command = [
    'chroma-maint prune',
    shellWord(sizes.dir.given),
    ...only.flatMap((name) => ['--collection', shellWord(name)]),
    ...exclude.flatMap((name) => ['--exclude', shellWord(name)]),
    ...retentionOptions(retention),
    ...LEAST_ROOM_OPTIONS,
  ].join(' ');
  return {
    title: 'a prune in small transactions',
    needs: [batchJournalNeed(sizes, { batchRows: LEAST_BATCH_ROWS, pauseMs: 0 })],
    offer: `${command} stops the growth, with Chroma stopped too`,
  };
}

/** What a prune plans. */
export function prunePlanning(
  { target, online }: PruneRequest,
  isDryRun: boolean,
  agreed: Agreement | null,
): Planning<Strategy> {
  return {
    target,
    isDryRun,
    isJournalRecovered: agreed?.isJournalRecovered ?? false,
    withoutPrune: false,
    writesTo: [],
    strategy: (sizes) => ({
      needs: [online === null ? pruneJournalNeed(sizes) : batchJournalNeed(sizes, online)],
      alternatives: online === null ? [pruneInSteps(sizes, target)] : [],
      whenShort:
        online === null ? 'free some space' : `free some space, or take fewer rows: --batch-rows ${LEAST_BATCH_ROWS}`,
    }),
  };
}

/** Plans a prune. Reads only. */
export async function planPrune(request: PruneRequest, host: Host, isDryRun: boolean): Promise<DirectoryPlan> {
  const planning = prunePlanning(request, isDryRun, null);
  if (request.online !== null) {
    const { planWhileRunning } = await import('./online/round.ts');
    const { plan } = await planWhileRunning(planning, { host, ownProcesses: [process.pid] });
    return plan;
  }
  const { plan } = await planDirectory(planning, host);
  return plan;
}

/** The plan once it has been executed: the guards that had to wait for the lock have passed too. */
export function executed(plan: DirectoryPlan): DirectoryPlan {
  const checks = plan.checks.map((check): Check =>
    check.status === 'later' ? { title: check.title, status: 'passed', note: null } : check,
  );
  return { ...plan, checks };
}
