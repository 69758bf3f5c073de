import type { Host } from '../host/host.ts';
import type { VacuumAgreement } from '../operations/agreement.ts';
import { agreementOf, execute } from '../operations/execute.ts';
import { growthOf } from '../operations/growth.ts';
import type { Work } from '../operations/job.ts';
import type { VacuumPlan, VacuumReport, VacuumRequest } from '../operations/vacuum.ts';
import type { Session } from './session.ts';

export function vacuumSession(request: VacuumRequest, host: Host, work: Work): Session<VacuumPlan, VacuumReport> {
  return {
    async plan(isDryRun) {
      const { planVacuum } = await import('../operations/vacuum.ts');
      return planVacuum(request, host, isDryRun);
    },
    execute(plan, execution) {
      const agreed = plan === null ? null : agreementOn(plan);
      return execute({ kind: 'vacuum', request, agreed }, work, execution, host);
    },
    growthOf: (stage, pid, expectedBytes) => growthOf(stage, request.target.path, { host, pid, expectedBytes }),
    async loadWords() {
      const { VACUUM_WORDS } = await import('./vacuum-words.ts');
      return VACUUM_WORDS;
    },
  };
}

function agreementOn({ directory, mode, isWorthwhile, clean, autoPurge, autoVacuum }: VacuumPlan): VacuumAgreement {
  return { ...agreementOf(directory), mode, isWorthwhile, clean: clean?.steps ?? null, autoPurge, autoVacuum };
}
