/**
 * Prune and vacuum as one plan under one lock, in the working process.
 */
import { statSync } from 'node:fs';
import { totalRows } from '../chroma/prune-plan.ts';
import { MaintError } from '../errors.ts';
import { translate } from '../sqlite/errors.ts';
import { inExclusiveTransaction, keepLock, type Database } from '../sqlite/open.ts';
import type { VacuumJob } from './job.ts';
import type { Observer } from './observer.ts';
import { deletePlanned } from './locked-prune.ts';
import type { Machine } from './guard-context.ts';
import type { PlannedWork } from './planning.ts';
import { executed } from './prune.ts';
import { rebuild } from './rebuild.ts';
import { prunedOnly } from './state-left.ts';
import { consentToPrune, inNumbers, planUnderLock, withDirectory } from './under-lock.ts';
import { vacuumInPlace } from './vacuum-in-place.ts';
import { vacuumPlanning, vacuumPlanOf, type VacuumPlan, type VacuumReport, type VacuumStrategy } from './vacuum.ts';

interface Begun {
  readonly planned: PlannedWork<VacuumStrategy>;
  readonly plan: VacuumPlan;
}

/**
 * Plans, then writes a new file and puts it in place, or deletes and rewrites the old one. Does nothing where too little
 * would be given back.
 */
export function vacuumUnderLock(job: VacuumJob, machine: Machine, observer: Observer): Promise<VacuumReport> {
  const { request, agreed } = job;
  const planning = vacuumPlanning(request, machine.host, false, agreed);
  return withDirectory(planning, machine, observer, (db, preflight) => {
    const { planned, plan } = inExclusiveTransaction(db, () => {
      const work = planUnderLock(db, preflight, planning, consentToPrune(agreed?.prune ?? null));
      return begin(db, { planned: work, plan: vacuumPlanOf(request, work) }, observer);
    });
    const { directory, mode, isWorthwhile } = plan;
    if (!isWorthwhile) return { plan, deleted: 0, isDone: false, databaseBytesAfter: directory.databaseBytes };
    if (mode.kind === 'rebuild') rebuild(db, planned, { observer, isFull: request.isFullyVerified });
    else rewrite(db, plan, observer);
    return {
      plan: { ...plan, directory: executed(directory) },
      deleted: totalRows(directory.prune),
      isDone: true,
      databaseBytesAfter: statSync(directory.dir.databasePath).size,
    };
  });
}

/** Inside the transaction of the plan: deletes, or keeps the lock for a rebuild. */
function begin(db: Database, begun: Begun, observer: Observer): Begun {
  const { planned, plan } = begun;
  observer.onPlanned(inNumbers(planned, plan.expectedBytes));
  if (!plan.isWorthwhile) return begun;
  if (plan.mode.kind === 'rebuild') keepLock(db);
  else deletePlanned(db, planned, observer);
  return begun;
}

/** VACUUM after the commit of the delete: what fails in it must not claim that nothing was changed. */
function rewrite(db: Database, { directory: { dir, prune } }: VacuumPlan, { onStage }: Observer): void {
  try {
    onStage('vacuuming');
    vacuumInPlace(db);
  } catch (error) {
    const deleted = totalRows(prune);
    const translated = translate(dir.databasePath, error);
    if (!(translated instanceof MaintError) || deleted === 0) throw translated;
    throw translated.withState(prunedOnly(deleted));
  }
}
