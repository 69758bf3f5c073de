/**
 * The transaction that deletes. Runs in the working process, on one connection that holds the exclusive lock.
 */
import { deleteBelow, readLastSeqId } from '../chroma/embeddings-queue.ts';
import { totalRows } from '../chroma/prune-plan.ts';
import { inExclusiveTransaction, type Database } from '../sqlite/open.ts';
import { verifyLocked } from './guards.ts';
import type { PruneJob } from './job.ts';
import type { Observer } from './observer.ts';
import type { Machine } from './guard-context.ts';
import type { PlannedWork, Strategy } from './planning.ts';
import { executed, prunePlanning, type PruneReport } from './prune.ts';
import { consentToPrune, inNumbers, planUnderLock, syncIndexes, withDirectory } from './under-lock.ts';

/**
 * Plans and deletes in one exclusive transaction. Whatever is thrown before the commit leaves every row in place.
 */
export function pruneUnderLock(
  { request, agreed }: PruneJob,
  machine: Machine,
  observer: Observer,
): Promise<PruneReport> {
  const planning = prunePlanning(request, false, agreed);
  return withDirectory(planning, machine, observer, (db, preflight) =>
    inExclusiveTransaction(db, () => {
      const planned = planUnderLock(db, preflight, planning, consentToPrune(agreed?.prune ?? null));
      const { plan } = planned;
      observer.onPlanned(inNumbers(planned, plan.databaseBytes));
      if (totalRows(plan.prune) === 0) return { plan, deleted: 0, online: null };
      return { plan: executed(plan), deleted: deletePlanned(db, planned, observer), online: null };
    }),
  );
}

/** Deletes what was planned, inside the exclusive transaction in which it was, and returns how many rows went. */
export function deletePlanned(db: Database, planned: PlannedWork<Strategy>, { onStage }: Observer): number {
  const { plan, reading, context } = planned;
  verifyLocked({ dir: context.dir, db });
  const expected = totalRows(plan.prune);
  if (expected === 0) return 0;
  onStage('pruning');
  syncIndexes(planned);
  const deleted = deleteBelow(db, plan.prune.steps);
  const lastSeqId = readLastSeqId(db);
  if (deleted !== expected || lastSeqId !== reading.lastSeqId) {
    throw new Error(
      `deleted ${deleted} of ${expected} rows, last seq_id ${lastSeqId} of ${reading.lastSeqId}; rolled back`,
    );
  }
  return deleted;
}
