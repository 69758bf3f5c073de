/**
 * Does a job in this process.
 */
import { createBackup } from './backup/create.ts';
import { forgetBackups } from './backup/forget.ts';
import { restoreBackup } from './backup/restore.ts';
import { verifyBackups } from './backup/verify.ts';
import type { Job, Observer, ReportOf } from './job.ts';
import { pruneUnderLock } from './locked-prune.ts';
import { vacuumUnderLock } from './locked-vacuum.ts';
import type { Machine } from './guard-context.ts';

export function doJob(job: Job, machine: Machine, observer: Observer): Promise<ReportOf<Job>> {
  switch (job.kind) {
    case 'prune':
      return pruneUnderLock(job, machine, observer);
    case 'vacuum':
      return vacuumUnderLock(job, machine, observer);
    case 'backup create':
      return createBackup(job, machine, observer);
    case 'backup verify':
      return verifyBackups(job, machine, observer);
    case 'backup restore':
      return restoreBackup(job, machine, observer);
    case 'backup forget':
      return forgetBackups(job, machine, observer);
  }
}
