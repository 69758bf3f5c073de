import type { Host } from '../host/host.ts';
import { agreementOf, execute } from '../operations/execute.ts';
import type { Work } from '../operations/job.ts';
import type { DirectoryPlan } from '../operations/planning.ts';
import type { PruneReport, PruneRequest } from '../operations/prune.ts';
import type { Session } from './session.ts';

export function pruneSession(request: PruneRequest, host: Host, work: Work): Session<DirectoryPlan, PruneReport> {
  return {
    async plan(isDryRun) {
      const { planPrune } = await import('../operations/prune.ts');
      return planPrune(request, host, isDryRun);
    },
    execute(plan, execution) {
      const agreed = plan === null ? null : agreementOf(plan);
      return execute({ kind: 'prune', request, agreed }, work, execution, host);
    },
    growthOf: () => null,
    async loadWords() {
      const { PRUNE_WORDS } = await import('./prune-words.ts');
      return PRUNE_WORDS;
    },
  };
}
