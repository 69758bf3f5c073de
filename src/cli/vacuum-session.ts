import type { Host } from '../host/host.ts';
import { pruneTotals } from '../operations/prune.ts';
import {
  executeVacuum,
  growthOf,
  planVacuum,
  type VacuumPlan,
  type VacuumReport,
  type VacuumRequest,
} from '../operations/vacuum.ts';
import { counted } from '../units.ts';
import { pruneExitCode } from './prune-session.ts';
import { vacuumPlanJson, vacuumReportJson } from './render/vacuum-json.ts';
import { vacuumPlanLines, vacuumReportLines } from './render/vacuum-text.ts';
import type { Session } from './session.ts';

export function vacuumSession(request: VacuumRequest, host: Host): Session<VacuumPlan, VacuumReport> {
  return {
    plan: (isDryRun) => planVacuum(request, host, isDryRun),
    directoryOf: ({ directory }) => directory,
    hasWork: ({ isWorthwhile }) => isWorthwhile,
    question,
    execute: (plan, execution) => executeVacuum(plan, host, execution),
    growthOf,
    exitCodeOf: ({ directory }) => pruneExitCode(directory),
    planLines: vacuumPlanLines,
    reportLines: vacuumReportLines,
    planJson: vacuumPlanJson,
    reportJson: vacuumReportJson,
  };
}

function question({ directory }: VacuumPlan): string {
  const { rows } = pruneTotals(directory);
  return rows === 0 ? 'Rewrite the database?' : `Delete ${counted(rows, 'WAL row')} and rewrite the database?`;
}
