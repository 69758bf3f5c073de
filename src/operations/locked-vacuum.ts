/**
 * Prune and vacuum as one plan under one lock, in the working process.
 */
import { statSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { writeAutoPurge } from '../chroma/auto-purge.ts';
import { totalRows } from '../chroma/prune-plan.ts';
import { readSchema } from '../chroma/schema.ts';
import { MaintError, NOTHING_CHANGED } from '../errors.ts';
import { readAutoVacuum, setAutoVacuum } from '../sqlite/auto-vacuum.ts';
import { translate } from '../sqlite/errors.ts';
import { inExclusiveTransaction, keepLock, type Database } from '../sqlite/open.ts';
import type { VacuumJob } from './job.ts';
import type { Observer } from './observer.ts';
import type { VacuumAgreement } from './agreement.ts';
import { autoPurgeDone, isSwitching, planAutoPurgeStep } from './auto-purge/step.ts';
import { changesAtOnce, isChanging } from './auto-vacuum.ts';
import { verifyLocked } from './guards.ts';
import { deletePlanned } from './locked-prune.ts';
import type { Machine } from './guard-context.ts';
import { cleanOn, type CleanReport } from './clean/execute.ts';
import { totalsOf } from './clean/plan.ts';
import type { Given } from './incremental/given.ts';
import { giveBackStopped } from './incremental/stopped.ts';
import type { PlannedWork, Planning } from './planning.ts';
import type { Preflight } from './preflight.ts';
import { executed } from './prune.ts';
import { rebuild } from './rebuild.ts';
import { cutShort, ROWS_CLEANED } from './state-left.ts';
import { consentToPrune, inNumbers, planUnderLock, withDirectory, type Consent } from './under-lock.ts';
import { vacuumInPlace } from './vacuum-in-place.ts';
import { verifyIncremental } from './vacuum-mode.ts';
import { vacuumPlanning, vacuumPlanOf, type VacuumPlan, type VacuumReport, type VacuumStrategy } from './vacuum.ts';

interface Begun {
  readonly planned: PlannedWork<VacuumStrategy>;
  readonly plan: VacuumPlan;
}

/**
 * Plans, then writes a new file and puts it in place, or deletes and rewrites the old one. Does nothing where too little
 * would be given back. Cleans up first where that was asked for, whatever a vacuum is worth then.
 */
export function vacuumUnderLock(job: VacuumJob, machine: Machine, observer: Observer): Promise<VacuumReport> {
  const { request, agreed } = job;
  const planning = vacuumPlanning(request, machine.host, false, agreed);
  return withDirectory(planning, machine, observer, (db, preflight) => {
    const { dir } = preflight.context;
    // Refused before a clean-up has changed anything.
    if (request.mode === 'incremental') verifyIncremental({ dir, autoVacuum: readAutoVacuum(db) });
    if (request.autoPurge !== null) planAutoPurgeStep(db, readSchema(db, dir.databasePath), request.autoPurge, dir);
    const clean = cleanFirst(db, preflight, { job, machine, observer });
    const done = clean?.isDone === true ? ROWS_CLEANED : null;
    const run = (): VacuumReport => vacuumOn(db, preflight, { job, planning, observer, clean });
    try {
      return run();
    } catch (error) {
      const failure = translate(dir.databasePath, error);
      throw done === null || !(failure instanceof MaintError) ? failure : statingDone(failure, done);
    }
  });
}

interface Vacuuming {
  readonly job: VacuumJob;
  readonly planning: Planning<VacuumStrategy>;
  readonly observer: Observer;
  readonly clean: CleanReport | null;
}

function vacuumOn(db: Database, preflight: Preflight, { job, planning, observer, clean }: Vacuuming): VacuumReport {
  const { request, agreed } = job;
  const { planned, plan } = inExclusiveTransaction(db, () => {
    const work = planUnderLock(db, preflight, planning, consentToVacuum(agreed), commitsOf(clean));
    return begin(db, { planned: work, plan: vacuumPlanOf(request, work) }, observer, clean);
  });
  const { directory, isWorthwhile } = plan;
  // The plan that was carried out, not what it has left.
  const shown = { ...plan, clean: clean?.plan ?? null };
  const databaseBytesAfter = (): number => statSync(directory.dir.databasePath).size;
  const nothing = { clean, deleted: 0, isDone: false, given: null, online: null };
  if (!isWorthwhile) return { plan: shown, ...nothing, databaseBytesAfter: databaseBytesAfter() };
  const given = madeSmaller(db, { planned, plan }, observer);
  return {
    plan: { ...shown, directory: executed(directory) },
    clean,
    deleted: totalRows(directory.prune),
    isDone: true,
    databaseBytesAfter: databaseBytesAfter(),
    given,
    online: null,
  };
}

/** Goes the way that was planned. Returns what was given back step by step, null for the other ways. */
function madeSmaller(db: Database, { planned, plan }: Begun, observer: Observer): Given | null {
  const { mode, request, autoPurge, autoVacuum, directory } = plan;
  switch (mode.kind) {
    case 'rebuild': {
      const settings = { autoPurgeText: autoPurge?.text ?? null, autoVacuum: autoVacuum.after, scrubbing: null };
      rebuild(db, planned, { observer, isFull: request.isFullyVerified, ...settings });
      return null;
    }
    case 'in-place':
      rewrite(db, plan, observer);
      return null;
    case 'incremental':
      return giveBackStopped(db, directory.dir, observer, (bytes) => stateAfter(plan, bytes));
  }
}

/** Consent to a vacuum: the same rows go, and the same becomes of Chroma's own purge and of the file's auto-vacuum. */
function consentToVacuum(agreed: VacuumAgreement | null): Consent<VacuumStrategy> {
  const isSamePrune = consentToPrune(agreed?.prune ?? null);
  return (planned) =>
    agreed === null ||
    (isSamePrune(planned) &&
      isDeepStrictEqual(planned.strategy.autoPurge, agreed.autoPurge) &&
      isDeepStrictEqual(planned.strategy.autoVacuum, agreed.autoVacuum));
}

interface Cleaning {
  readonly job: VacuumJob;
  readonly machine: Machine;
  readonly observer: Observer;
}

/** A transaction of its own: a rebuild must not find a journal of this connection beside the database. */
function cleanFirst(db: Database, preflight: Preflight, { job, machine, observer }: Cleaning): CleanReport | null {
  const { request, agreed } = job;
  if (request.clean === null) return null;
  const steps = agreed?.clean ?? null;
  const consent = agreed === null || steps === null ? null : { ...agreed, steps };
  return cleanOn(db, preflight, { kind: 'clean', request: request.clean, agreed: consent }, machine, observer);
}

/** How many transactions a clean-up was: directories alone are put aside without one that writes. */
function commitsOf(clean: CleanReport | null): number {
  return clean?.isDone === true && totalsOf(clean.plan.steps).rows > 0 ? 1 : 0;
}

/** What the clean-up before it has done stays done, whatever a vacuum fails of. */
function statingDone(failure: MaintError, done: string): MaintError {
  const rest = failure.changed ? failure.state : 'nothing else was changed';
  const { code, message, details, hint } = failure;
  return new MaintError(code, { message, details, state: `${done}; ${rest}`, hint, cause: failure });
}

/** Inside the transaction of the plan: deletes and sets, or keeps the lock for a rebuild. */
function begin(db: Database, begun: Begun, observer: Observer, clean: CleanReport | null): Begun {
  const { planned, plan } = begun;
  const { autoPurge, isWorthwhile, mode } = plan;
  const alreadyDone = clean?.isDone === true ? ROWS_CLEANED : null;
  observer.onPlanned(inNumbers(planned, plan.expectedBytes, { alreadyDone, besides: settingsDone(plan) }));
  if (isWorthwhile && mode.kind === 'rebuild') {
    keepLock(db);
    return begun;
  }
  if (isWorthwhile) deletePlanned(db, planned, observer);
  else if (isSwitching(autoPurge)) verifyLocked({ dir: planned.context.dir, db });
  if (autoPurge !== null && autoPurge.text !== null) writeAutoPurge(db, autoPurge.text, 'database');
  if (isSetAtOnce(plan)) setAutoVacuum(db, plan.autoVacuum.after);
  return begun;
}

/** True where the auto-vacuum changes with the deletion, and not with the VACUUM after it. */
function isSetAtOnce({ isWorthwhile, mode, autoVacuum }: VacuumPlan): boolean {
  return isWorthwhile && mode.kind === 'in-place' && changesAtOnce(autoVacuum);
}

/** What the commit does besides the deletion, in words; null where that is nothing. */
function settingsDone(plan: VacuumPlan): string | null {
  const { autoPurge, autoVacuum } = plan;
  const done = [
    ...(autoPurge !== null && isSwitching(autoPurge) ? [autoPurgeDone(autoPurge)] : []),
    ...(isSetAtOnce(plan) ? [`auto-vacuum was set to ${autoVacuum.after}`] : []),
  ];
  return done.length === 0 ? null : done.join('; ');
}

/** VACUUM after the commit of the delete: what fails in it must not claim that nothing was changed. */
function rewrite(db: Database, plan: VacuumPlan, { onStage }: Observer): void {
  const { directory, autoVacuum } = plan;
  try {
    onStage('vacuuming');
    vacuumInPlace(db, isChanging(autoVacuum) ? autoVacuum.after : null);
  } catch (error) {
    const failure = translate(directory.dir.databasePath, error);
    throw failure instanceof MaintError ? failure.withState(stateAfter(plan, 0)) : failure;
  }
}

/** The state that is left once the delete was committed and so many bytes of the file were given back. */
function stateAfter(plan: VacuumPlan, givenBytes: number): string {
  const done = [settingsDone(plan), cutShort(totalRows(plan.directory.prune), givenBytes)];
  const facts = done.filter((each) => each !== null && each !== NOTHING_CHANGED);
  return facts.length === 0 ? NOTHING_CHANGED : facts.join('; ');
}
