import type { Host } from '../host/host.ts';
import type { CleanReport } from '../operations/clean/execute.ts';
import type { CleanPlan, CleanRequest } from '../operations/clean/plan.ts';
import type { QuarantinePlan, QuarantineReport, QuarantineRequest } from '../operations/clean/quarantine.ts';
import { agreementOf, execute } from '../operations/execute.ts';
import type { Work } from '../operations/job.ts';
import type { Session } from './session.ts';

export function cleanSession(request: CleanRequest, host: Host, work: Work): Session<CleanPlan, CleanReport> {
  return {
    async plan(isDryRun) {
      const { planClean } = await import('../operations/clean/plan.ts');
      return planClean(request, host, isDryRun);
    },
    execute(plan, execution) {
      const agreed = plan === null ? null : { ...agreementOf(plan.directory), steps: plan.steps };
      return execute({ kind: 'clean', request, agreed }, work, execution, host);
    },
    growthOf: () => null,
    async loadWords() {
      const { CLEAN_WORDS } = await import('./clean-words.ts');
      return CLEAN_WORDS;
    },
  };
}

export function quarantineSession(
  request: QuarantineRequest,
  host: Host,
  work: Work,
): Session<QuarantinePlan, QuarantineReport> {
  return {
    async plan(isDryRun) {
      const { planQuarantine } = await import('../operations/clean/quarantine.ts');
      return planQuarantine(request, { host, ownProcesses: [process.pid] }, isDryRun);
    },
    async execute(plan, execution) {
      const [{ chosenIn }, { executeQuarantine }] = await Promise.all([
        import('../operations/clean/quarantine.ts'),
        import('../operations/clean/execute-quarantine.ts'),
      ]);
      const agreed = plan === null ? null : chosenIn(plan).map(({ id }) => id);
      return executeQuarantine({ kind: 'clean quarantine', request, agreed }, work, execution);
    },
    growthOf: () => null,
    async loadWords() {
      const { QUARANTINE_WORDS } = await import('./clean-words.ts');
      return QUARANTINE_WORDS;
    },
  };
}
