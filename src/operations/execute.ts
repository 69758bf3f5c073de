/**
 * From an agreed plan to the working process and back, and what to say where that way is cut short.
 */
import { MaintError, NOTHING_CHANGED } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { rebuiltPath } from '../sqlite/rebuilt-file.ts';
import type { Agreement } from './agreement.ts';
import { WorkEnded } from './child.ts';
import { READ_WAIT_MS } from './guard-context.ts';
import { settleHalfSwap } from './half-swap.ts';
import type { Execution, PlannedJob, ReportOf, Work } from './job.ts';
import type { Planned, Stage } from './observer.ts';
import { locateSettled, statingRecovery } from './journal.ts';
import { NOT_OVERWRITTEN } from './scrub/state.ts';
import type { DirectoryPlan } from './planning.ts';
import { stateBefore, type StateBefore } from './state-before.ts';
import type { Target } from './target.ts';

const ENDED: Readonly<Record<WorkEnded['because'], { code: 'INTERRUPTED' | 'FAILED'; fact: string; hint: string }>> = {
  interrupted: { code: 'INTERRUPTED', fact: 'interrupted', hint: 'run the same command again when it suits' },
  timeout: { code: 'FAILED', fact: 'the time given with --timeout is over', hint: 'run it again with more time' },
  killed: {
    code: 'FAILED',
    fact: 'the working process ended before it was done',
    hint: 'look at the kernel log (dmesg): memory may have run out, or the disk may be failing',
  },
};

/** A second run cannot reach those blocks any more. */
const OVERWRITE_FREE_SPACE = 'to be sure, overwrite the free space of the disk; a second run only searches';

/** What of `plan` a person has said yes to. */
export function agreementOf({ prune, isJournalRecovered }: DirectoryPlan): Agreement {
  return { prune, isJournalRecovered };
}

/** Has the job done. Where the work was ended, SQLite rolls back first, and the error then says what state is left. */
export async function execute<J extends PlannedJob>(
  job: J,
  work: Work,
  execution: Execution,
  host: Host,
): Promise<ReportOf<J>> {
  const { target } = job.request;
  await settleHalfSwap(target.path, target.waitMs, host);
  const dir = await locateSettled(target.path, READ_WAIT_MS, { host, ownProcesses: [process.pid] });
  const { databasePath, journal } = dir;
  const before = stateBefore(dir);
  let planned: Planned | null = null;
  let isSearching = false;
  const onPlanned = (plan: Planned): void => {
    planned = plan;
    execution.onPlanned(plan);
  };
  const onStage = (stage: Stage): void => {
    // The process that wrote the new file only reads it now, and syncs it itself before it relies on it.
    if (stage === 'verifying') void host.syncAhead(rebuiltPath(databasePath));
    isSearching = stage === 'searching';
    execution.onStage(stage);
  };
  try {
    return await work(job, { ...execution, onPlanned, onStage });
  } catch (error) {
    if (!(error instanceof WorkEnded)) throw error;
    const isRecovered = job.agreed?.isJournalRecovered === true || (journal === 'hot' && target.allow.recoverJournal);
    const ended = await endedError(error, target, host, {
      job,
      before,
      planned,
      isUntouched: planned === null && !isRecovered,
      isSearching,
    });
    return statingRecovery(isRecovered, () => Promise.reject(ended));
  }
}

interface EndedWork {
  readonly job: PlannedJob;
  readonly before: StateBefore;
  readonly planned: Planned | null;
  /** True where nothing can have been written: then nothing is opened either, for somebody else may be at work there. */
  readonly isUntouched: boolean;
  /** True where a scrub had come to its last step. */
  readonly isSearching: boolean;
}

async function endedError(
  ended: WorkEnded,
  { path, backup }: Target,
  host: Host,
  { job, before, planned, isUntouched, isSearching }: EndedWork,
): Promise<MaintError> {
  // Loaded only here: they open databases, which this process has no other reason to do.
  const { stateLeft } = await import('./state-left.ts');
  if (backup !== null) await removeUnfinishedBackup(backup.repository, host);
  if (isUntouched) return endedFailure(ended, path, NOTHING_CHANGED);
  // What this program ends itself overwrites the old file of a scrub first (child-main.ts).
  const isOverwritten = isSearching || ended.because !== 'killed';
  const state = stateLeft(job, path, before, planned, isOverwritten);
  return endedFailure(ended, path, state, state.endsWith(NOT_OVERWRITTEN) ? OVERWRITE_FREE_SPACE : undefined);
}

/** What a snapshot that was to come first has left. Where that cannot be removed now, the next backup command does it. */
async function removeUnfinishedBackup(given: string, host: Host): Promise<void> {
  const { removeLeftovers } = await import('./backup/leftovers.ts');
  await removeLeftovers(given, host).catch(() => undefined);
}

/** The operator's version of work that was ended: on what, what state that leaves, and `instead` of the usual hint. */
export function endedFailure(
  { because, message }: WorkEnded,
  where: string,
  state: string,
  instead?: string,
): MaintError {
  const { code, fact, hint } = ENDED[because];
  const details = because === 'killed' ? [`it ended with ${message}`] : [];
  return new MaintError(code, { message: `${fact}: ${where}`, details, state, hint: instead ?? hint });
}
