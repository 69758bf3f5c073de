/**
 * A backup command's work in its process, and what to do where that was ended.
 */
import { messageOf, NOTHING_CHANGED, type MaintError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { lookAt, placing, removeIncoming } from '../../repository/placing.ts';
import { discard, findRepository, unfinishedPath } from '../../repository/repository.ts';
import { readSnapshots } from '../../repository/snapshots.ts';
import { WorkEnded } from '../child.ts';
import { endedFailure } from '../execute.ts';
import { settleHalfSwap } from '../half-swap.ts';
import type { BackupJob, Execution, ReportOf, Work } from '../job.ts';
import { CLEANUP_WAIT_MS, removeLeftovers } from './leftovers.ts';
import { triedName } from './try-restore.ts';

/** Has the job done. Where the work was ended, what it had begun is removed first, and the error says what is left. */
export async function executeBackup<J extends BackupJob>(
  job: J,
  work: Work,
  execution: Execution,
  host: Host,
): Promise<ReportOf<J>> {
  const names = job.kind === 'backup forget' ? namesIn(job.request.repository) : [];
  let pid = 0;
  const onStarted = (started: number): void => {
    pid = started;
    execution.onStarted(started);
  };
  try {
    return await work(job, { ...execution, onStarted });
  } catch (error) {
    if (!(error instanceof WorkEnded)) throw error;
    throw await afterwards(error, job, { pid, names, host });
  }
}

interface Ended {
  readonly pid: number;
  /** Snapshots that were there before. */
  readonly names: readonly string[];
  readonly host: Host;
}

async function afterwards(ended: WorkEnded, job: BackupJob, left: Ended): Promise<MaintError> {
  const { request } = job;
  const where = 'target' in request ? request.target : request.repository;
  try {
    return endedFailure(ended, where, await cleanedUp(job, left));
  } catch (error) {
    const state = `what was begun could not be removed yet (${messageOf(error)}); the next backup command does it`;
    return endedFailure(ended, where, state);
  }
}

/** Removes what is unfinished and says what is the case now. */
async function cleanedUp(job: BackupJob, { pid, names, host }: Ended): Promise<string> {
  if (job.kind === 'backup restore') return afterRestore(job.request.target, host);
  const { repository: given } = job.request;
  if (job.kind === 'backup verify') {
    discard(unfinishedPath({ path: job.request.tempDir ?? given }, triedName(pid)));
    return NOTHING_CHANGED;
  }
  await removeLeftovers(given, host);
  const gone = names.length - namesIn(given).filter((name) => names.includes(name)).length;
  return gone === 0 ? NOTHING_CHANGED : `${gone} of ${names.length} snapshots were removed; the others are whole`;
}

async function afterRestore(target: string, host: Host): Promise<string> {
  const settled = await settleHalfSwap(target, CLEANUP_WAIT_MS, host);
  if (settled?.kind === 'finished') {
    return `the snapshot is in place; the directory that was there before is now ${settled.outgoing}`;
  }
  const place = lookAt(target);
  await placing(place, CLEANUP_WAIT_MS, () => Promise.resolve(removeIncoming(place)));
  return NOTHING_CHANGED;
}

function namesIn(given: string): readonly string[] {
  const repository = findRepository(given);
  return repository === null ? [] : readSnapshots(repository).snapshots.map(({ name }) => name);
}
