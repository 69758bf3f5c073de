import { WorkEnded } from '../child.ts';
import { endedFailure } from '../execute.ts';
import type { Execution, QuarantineJob, Work } from '../job.ts';
import type { QuarantineReport } from './quarantine.ts';

/** Has the job done. Where the work was ended, each directory is in its quarantine, back in its place, or gone. */
export async function executeQuarantine(
  job: QuarantineJob,
  work: Work,
  execution: Execution,
): Promise<QuarantineReport> {
  try {
    return await work(job, execution);
  } catch (error) {
    if (!(error instanceof WorkEnded)) throw error;
    const done = job.request.wish.kind === 'purge' ? 'deleted' : 'put back';
    throw endedFailure(
      error,
      job.request.target.path,
      `some of the directories may be ${done}; run it again for the rest`,
    );
  }
}
