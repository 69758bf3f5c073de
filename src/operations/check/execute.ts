import { NOTHING_CHANGED } from '../../errors.ts';
import { WorkEnded } from '../child.ts';
import { endedFailure } from '../execute.ts';
import type { CheckJob, Execution, Work } from '../job.ts';
import type { CheckReport } from './report.ts';

/** Has the check done in a process that can be ended: SQLite cannot be, and a large directory takes minutes. */
export async function executeCheck(job: CheckJob, work: Work, execution: Execution): Promise<CheckReport> {
  try {
    return await work(job, execution);
  } catch (error) {
    throw error instanceof WorkEnded ? endedFailure(error, job.request.path, NOTHING_CHANGED) : error;
  }
}
