import type { Host } from '../host/host.ts';
import { agreementOf, execute } from '../operations/execute.ts';
import type { FullTextReport } from '../operations/full-text/execute.ts';
import type { FullTextPlan, FullTextVerb } from '../operations/full-text/plan.ts';
import type { Work } from '../operations/job.ts';
import type { Target } from '../operations/target.ts';
import type { Session } from './session.ts';

export function ftsSession(
  verb: FullTextVerb,
  target: Target,
  host: Host,
  work: Work,
): Session<FullTextPlan, FullTextReport> {
  return {
    async plan(isDryRun) {
      const { planFullText } = await import('../operations/full-text/plan.ts');
      return planFullText(verb, target, host, isDryRun);
    },
    execute(plan, execution) {
      const agreed = plan === null ? null : { ...agreementOf(plan.directory), index: plan.index };
      return execute({ kind: verb, request: { target }, agreed }, work, execution, host);
    },
    growthOf: () => null,
    async loadWords() {
      const { REBUILD_WORDS, OPTIMIZE_WORDS } = await import('./fts-words.ts');
      return verb === 'fts rebuild' ? REBUILD_WORDS : OPTIMIZE_WORDS;
    },
  };
}
