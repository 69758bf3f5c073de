/**
 * What becomes of directories that a clean-up has put aside: taken back, or deleted for good. Neither opens the
 * database: they are for the day when it cannot be opened, too.
 */
import { locatePersistDir, type PersistDir } from '../../chroma/persist-dir.ts';
import { MaintError } from '../../errors.ts';
import { inWords } from '../../repository/failures.ts';
import { finishPurges, purge } from '../../repository/quarantine-purge.ts';
import { listQuarantines, putBack, type Quarantine } from '../../repository/quarantine.ts';
import type { GuardContext, Machine } from '../guard-context.ts';
import { verifyDirectory, type Check } from '../guards.ts';
import type { QuarantineJob } from '../job.ts';
import type { Observer } from '../observer.ts';
import type { Target } from '../target.ts';

export interface QuarantineRequest {
  readonly target: Target;
  readonly wish: Wish;
}

export type Wish =
  | { readonly kind: 'restore'; readonly id: string }
  /** Those that are at least so old. */
  | { readonly kind: 'purge'; readonly olderThanMs: number };

export interface QuarantinePlan {
  readonly request: QuarantineRequest;
  readonly isDryRun: boolean;
  readonly dir: PersistDir;
  readonly checks: readonly Check[];
  readonly quarantines: readonly QuarantineStep[];
}

export interface QuarantineStep extends Quarantine {
  readonly action: 'restore' | 'purge' | 'keep';
}

export interface QuarantineReport {
  readonly plan: QuarantinePlan;
  readonly isDone: boolean;
}

/** Plans what becomes of the quarantines of a directory. Reads only. */
export async function planQuarantine(
  request: QuarantineRequest,
  { host, ownProcesses }: Machine,
  isDryRun: boolean,
): Promise<QuarantinePlan> {
  const { target, wish } = request;
  const dir = locatePersistDir(target.path);
  const waitMs = isDryRun ? 0 : target.waitMs;
  const context: GuardContext = { dir, host, allow: target.allow, waitMs, ownProcesses };
  const checks = await verifyDirectory(context, isDryRun);
  const now = host.now().getTime();
  const quarantines = listQuarantines(dir.path).map((each) => ({ ...each, action: actionFor(each, wish, now) }));
  if (wish.kind === 'restore' && !quarantines.some(({ action }) => action === 'restore')) throw unknown(dir, wish.id);
  return { request, isDryRun, dir, checks, quarantines };
}

function actionFor({ id, time }: Quarantine, wish: Wish, nowMs: number): QuarantineStep['action'] {
  if (wish.kind === 'restore') return id === wish.id ? 'restore' : 'keep';
  return nowMs - Date.parse(time) >= wish.olderThanMs ? 'purge' : 'keep';
}

/** Plans again and does it. Throws PLAN_STALE where other quarantines would be touched than those agreed to. */
export async function tendQuarantine(
  { request, agreed }: QuarantineJob,
  machine: Machine,
  { onStage }: Observer,
): Promise<QuarantineReport> {
  onStage('checking');
  const plan = await planQuarantine(request, machine, false);
  const chosen = chosenIn(plan);
  if (agreed !== null && agreed.join() !== chosen.map(({ id }) => id).join()) throw stale(plan.dir);
  onStage(request.wish.kind === 'purge' ? 'removing' : 'swapping');
  await inWords(plan.dir.path, () => {
    if (request.wish.kind === 'purge') finishPurges(plan.dir.path);
    for (const each of chosen) {
      if (each.action === 'purge') purge(plan.dir.path, each);
      else putBack(plan.dir.path, each, machine.host);
    }
  });
  return { plan, isDone: chosen.length > 0 };
}

/** The quarantines that something is done with. */
export function chosenIn({ quarantines }: QuarantinePlan): readonly QuarantineStep[] {
  return quarantines.filter(({ action }) => action !== 'keep');
}

function unknown(dir: PersistDir, id: string): MaintError {
  const known = listQuarantines(dir.path).map((each) => each.id);
  return new MaintError('USAGE', {
    message: `there is no quarantine ${JSON.stringify(id)} in ${dir.given}`,
    details: [known.length === 0 ? 'there is none at all' : `there are: ${known.join(', ')}`],
    hint: known.length === 0 ? 'it was taken back already, or deleted' : 'name one of them',
  });
}

function stale(dir: PersistDir): MaintError {
  return new MaintError('PLAN_STALE', {
    message: `the quarantines of ${dir.given} changed after the plan was shown`,
    hint: 'run this again',
  });
}
