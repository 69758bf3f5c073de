/**
 * Does a job in this process.
 */
import type { Job, ReportOf } from './job.ts';
import type { Observer } from './observer.ts';
import { pruneUnderLock } from './locked-prune.ts';
import { vacuumUnderLock } from './locked-vacuum.ts';
import type { Machine } from './guard-context.ts';

export async function doJob(job: Job, machine: Machine, observer: Observer): Promise<ReportOf<Job>> {
  switch (job.kind) {
    case 'prune': {
      if (job.request.online === null) return pruneUnderLock(job, machine, observer);
      const { pruneWhileRunning } = await import('./online/prune.ts');
      return pruneWhileRunning(job, job.request.online, machine, observer);
    }
    case 'vacuum': {
      if (job.request.online === null) return vacuumUnderLock(job, machine, observer);
      const { vacuumWhileRunning } = await import('./online/vacuum.ts');
      return vacuumWhileRunning(job, job.request.online, machine, observer);
    }
    // Loaded only where they are asked for: a prune does without them.
    case 'clean': {
      const { cleanUnderLock } = await import('./clean/execute.ts');
      return cleanUnderLock(job, machine, observer);
    }
    case 'fts rebuild':
    case 'fts optimize': {
      const { fullTextUnderLock } = await import('./full-text/execute.ts');
      return fullTextUnderLock(job, machine, observer);
    }
    case 'wal config': {
      const { autoPurgeUnderLock } = await import('./auto-purge/execute.ts');
      return autoPurgeUnderLock(job, machine, observer);
    }
    case 'scrub': {
      const { scrubUnderLock } = await import('./scrub/execute.ts');
      return scrubUnderLock(job, machine, observer);
    }
    case 'clean quarantine': {
      const { tendQuarantine } = await import('./clean/quarantine.ts');
      return tendQuarantine(job, machine, observer);
    }
    case 'check': {
      const { check } = await import('./check/check.ts');
      return check(job.request, machine, observer);
    }
    case 'backup create': {
      const { createBackup } = await import('./backup/create.ts');
      return createBackup(job.request, machine, observer);
    }
    case 'backup verify': {
      const { verifyBackups } = await import('./backup/verify.ts');
      return verifyBackups(job.request, machine, observer);
    }
    case 'backup restore': {
      const { restoreBackup } = await import('./backup/restore.ts');
      return restoreBackup(job.request, machine, observer);
    }
    case 'backup forget': {
      const { forgetBackups } = await import('./backup/forget.ts');
      return forgetBackups(job.request, job.agreed, machine, observer);
    }
  }
}
