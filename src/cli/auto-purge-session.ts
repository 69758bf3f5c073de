import type { Host } from '../host/host.ts';
import type { AutoPurgePlan, AutoPurgeReport, AutoPurgeRequest } from '../operations/auto-purge/plan.ts';
import { agreementOf, execute } from '../operations/execute.ts';
import type { Work } from '../operations/job.ts';
import type { Session } from './session.ts';

export function autoPurgeSession(
  request: AutoPurgeRequest,
  host: Host,
  work: Work,
): Session<AutoPurgePlan, AutoPurgeReport> {
  return {
    async plan(isDryRun) {
      const { planAutoPurge } = await import('../operations/auto-purge/plan.ts');
      return planAutoPurge(request, host, isDryRun);
    },
    execute(plan, execution) {
      const agreed = plan === null ? null : { ...agreementOf(plan.directory), step: plan.step };
      return execute({ kind: 'wal config', request, agreed }, work, execution, host);
    },
    growthOf: () => null,
    async loadWords() {
      const { AUTO_PURGE_WORDS } = await import('./auto-purge-words.ts');
      return AUTO_PURGE_WORDS;
    },
  };
}
