import type { Host } from '../host/host.ts';
import { agreementOf, execute } from '../operations/execute.ts';
import { growthOf } from '../operations/growth.ts';
import type { Work } from '../operations/job.ts';
import type { ScrubPlan, ScrubReport, ScrubRequest } from '../operations/scrub/plan.ts';
import type { Session } from './session.ts';

export function scrubSession(request: ScrubRequest, host: Host, work: Work): Session<ScrubPlan, ScrubReport> {
  return {
    async plan(isDryRun) {
      const { planScrub } = await import('../operations/scrub/plan.ts');
      return planScrub(request, host, isDryRun);
    },
    execute(plan, execution) {
      const agreed = plan === null ? null : agreementOf(plan.directory);
      return execute({ kind: 'scrub', request, agreed }, work, execution, host);
    },
    growthOf: (stage, pid, expectedBytes) => growthOf(stage, request.target.path, { host, pid, expectedBytes }),
    async loadWords() {
      const { SCRUB_WORDS } = await import('./scrub-words.ts');
      return SCRUB_WORDS;
    },
  };
}
