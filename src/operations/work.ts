/**
 * Does a job in this process.
 */
import type { Job, Observer, ReportOf } from './job.ts';
import { pruneUnderLock } from './locked-prune.ts';
import { vacuumUnderLock } from './locked-vacuum.ts';
import type { Machine } from './planning.ts';

export function doJob(job: Job, machine: Machine, observer: Observer): Promise<ReportOf<Job>> {
  switch (job.kind) {
    case 'prune':
      return pruneUnderLock(job, machine, observer);
    case 'vacuum':
      return vacuumUnderLock(job, machine, observer);
  }
}
