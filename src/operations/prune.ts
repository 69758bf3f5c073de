/**
 * prune: delete the queue rows that every segment has persisted. The file keeps its size; Chroma fills the freed pages.
 */
import { totalBytes, totalRows } from '../chroma/prune-plan.ts';
import type { Host } from '../host/host.ts';
import type { Execution } from './child.ts';
import { executeJob } from './execute.ts';
import { planDirectory, type DirectoryPlan, type PlannedSizes } from './planning.ts';
import type { SpaceNeed } from './space.ts';
import type { Target } from './target.ts';

export interface PruneReport {
  readonly plan: DirectoryPlan;
  /** Rows deleted: all that were planned, or none. */
  readonly deleted: number;
}

/** Bytes that the rollback journal of the DELETE may take: it holds every page of the queue's b-tree that changes. */
export function pruneJournalNeed({ dir, prunableBytes }: PlannedSizes): SpaceNeed {
  return { directory: dir.path, bytes: prunableBytes, purpose: 'the rollback journal of the delete' };
}

/** Plans a prune. Reads only. */
export function planPrune(target: Target, host: Host, isDryRun: boolean): Promise<DirectoryPlan> {
  return planDirectory(target, host, {
    isDryRun,
    needs: (sizes) => ({
      needs: [pruneJournalNeed(sizes)],
      whenShort: 'free some space, or prune one collection at a time with --collection',
    }),
  });
}

/** Executes `plan` in a child process. Throws PLAN_STALE where the directory is no longer what was planned from. */
export async function executePrune(plan: DirectoryPlan, host: Host, execution: Execution): Promise<PruneReport> {
  if (totalRows(plan.prune) === 0) return { plan, deleted: 0 };
  const agreed = { target: plan.target, plan: plan.prune, isPruning: true };
  const { deleted } = await executeJob('prune', agreed, host, execution);
  return { plan, deleted };
}

/** Rows and bytes that `plan` deletes. */
export function pruneTotals({ prune }: DirectoryPlan): { readonly rows: number; readonly bytes: number } {
  return { rows: totalRows(prune), bytes: totalBytes(prune) };
}
