/**
 * vacuum --incremental --while-running: prunes as prune --while-running does, then gives free pages back in transactions
 * as short, between which the server that has the directory open goes on. What that rests on: docs/DECISIONS.md,
 * "Giving pages back beside a server".
 */
import { statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { MaintError } from '../../errors.ts';
import { translate } from '../../sqlite/errors.ts';
import { withReadOnly } from '../../sqlite/open.ts';
import { readPageCounts } from '../../sqlite/pages.ts';
import { READ_WAIT_MS, type GuardContext, type Machine } from '../guard-context.ts';
import { nextPages, nothingGiven, withStep, type Given } from '../incremental/given.ts';
import { giveBackStep } from '../incremental/step.ts';
import type { VacuumJob } from '../job.ts';
import type { Observer } from '../observer.ts';
import { withPreflight } from '../preflight.ts';
import { cutShort } from '../state-left.ts';
import { inNumbers } from '../under-lock.ts';
import { vacuumPlanning, vacuumPlanOf, type VacuumReport, type VacuumStrategy } from '../vacuum.ts';
import { pauseAfter, type OnlineLimits } from './pace.ts';
import { pruneFrom } from './prune.ts';
import { readRound, type Round } from './round.ts';
import { besideServer, inTimedTransaction, noLocks } from './transaction.ts';

/** Plans, prunes and gives pages back beside a server. What is thrown says how much of it was done by then. */
export function vacuumWhileRunning(
  job: VacuumJob,
  limits: OnlineLimits,
  machine: Machine,
  observer: Observer,
): Promise<VacuumReport> {
  const { request, agreed } = job;
  observer.onStage('checking');
  const planning = vacuumPlanning(request, machine.host, false, agreed);
  return withPreflight(planning, machine, async (preflight) => {
    const { context } = preflight;
    const read = (): Promise<Round<VacuumStrategy>> => readRound(preflight, planning);
    const first = await read();
    const plan = vacuumPlanOf(request, first.planned);
    observer.onPlanned(inNumbers(first.planned, plan.expectedBytes));
    const isPruned = plan.isWorthwhile && !request.withoutPrune;
    const pruned = isPruned ? await pruneFrom(first, { preflight, read, agreed, limits, observer }) : null;
    const { deleted, online } = pruned ?? { deleted: 0, online: null };
    const given = plan.isWorthwhile ? await giveBack(context, deleted, limits, observer) : null;
    return {
      plan: pruned === null ? plan : { ...plan, directory: pruned.plan },
      clean: null,
      deleted,
      isDone: plan.isWorthwhile,
      databaseBytesAfter: statSync(context.dir.databasePath).size,
      given,
      online,
    };
  });
}

/** Gives back what is free when it begins, in steps. `deleted` WAL rows have gone before. */
async function giveBack(
  context: GuardContext,
  deleted: number,
  limits: OnlineLimits,
  { onStage, onBytes }: Observer,
): Promise<Given> {
  let bytes = 0;
  const times = noLocks();
  try {
    onStage('shrinking');
    const { freePages, pageSize } = withReadOnly(context.dir.databasePath, READ_WAIT_MS, readPageCounts);
    let giving = nothingGiven(freePages);
    for (let pages = nextPages(giving); pages > 0; pages = nextPages(giving)) {
      const most = pages;
      const step = await besideServer(context, { limits, times }, (db, dir) =>
        giveBackStep(db, dir, most, (work) => inTimedTransaction(db, times, work)),
      );
      giving = withStep(giving, step);
      bytes = giving.bytes;
      onBytes(giving.pages * pageSize, freePages * pageSize);
      await delay(pauseAfter(limits, times.lastMs));
    }
    return { ...giving, longestLockMs: times.longestMs };
  } catch (error) {
    const failure = translate(context.dir.databasePath, error);
    throw failure instanceof MaintError ? failure.withState(cutShort(deleted, bytes)) : failure;
  }
}
