/**
 * wal config --auto-purge in the working process: one row in one exclusive transaction.
 */
import { isDeepStrictEqual } from 'node:util';
import { writeAutoPurge } from '../../chroma/auto-purge.ts';
import { inExclusiveTransaction } from '../../sqlite/open.ts';
import type { Machine } from '../guard-context.ts';
import { verifyLocked } from '../guards.ts';
import type { AutoPurgeJob } from '../job.ts';
import type { Observer } from '../observer.ts';
import { executed } from '../prune.ts';
import { inNumbers, planUnderLock, withDirectory } from '../under-lock.ts';
import { autoPurgePlanning, autoPurgePlanOf, type AutoPurgeReport } from './plan.ts';

/** Plans, and writes the setting where it is another. */
export function autoPurgeUnderLock(
  { request, agreed }: AutoPurgeJob,
  machine: Machine,
  observer: Observer,
): Promise<AutoPurgeReport> {
  const planning = autoPurgePlanning(request, false, agreed);
  return withDirectory(planning, machine, observer, (db, preflight) =>
    inExclusiveTransaction(db, () => {
      const planned = planUnderLock(
        db,
        preflight,
        planning,
        ({ strategy }) => agreed === null || isDeepStrictEqual(strategy.step, agreed.step),
      );
      const plan = autoPurgePlanOf(request, planned);
      const { directory, step } = plan;
      observer.onPlanned(inNumbers(planned, directory.databaseBytes));
      if (step.text === null) return { plan, isDone: false };
      verifyLocked({ dir: directory.dir, db });
      writeAutoPurge(db, step.text, 'database');
      return { plan: { ...plan, directory: executed(directory) }, isDone: true };
    }),
  );
}
