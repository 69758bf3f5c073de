import { EXIT_DONE } from '../errors.ts';
import { isSwitching } from '../operations/auto-purge/step.ts';
import { isChanging } from '../operations/auto-vacuum.ts';
import { hasWork } from '../operations/clean/plan.ts';
import { pruneTotals } from '../operations/collections.ts';
import type { VacuumPlan, VacuumReport } from '../operations/vacuum.ts';
import { counted } from '../units.ts';
import { cleanExitCode } from './clean-words.ts';
import { pruneExitCode } from './prune-words.ts';
import { capitalized, cleanParts, listed } from './render/clean-text.ts';
import { vacuumPlanJson, vacuumReportJson } from './render/vacuum-json.ts';
import { vacuumPlanLines, vacuumReportLines } from './render/vacuum-text.ts';
import type { Words } from './session.ts';

export const VACUUM_WORDS: Words<VacuumPlan, VacuumReport> = {
  checksOf: ({ directory }) => directory.checks,
  isJournalRecovered: ({ directory }) => directory.isJournalRecovered,
  planOf: ({ plan }) => plan,
  hasWork: ({ isWorthwhile, clean, autoPurge }) =>
    isWorthwhile || isSwitching(autoPurge) || (clean !== null && hasWork(clean.steps)),
  question,
  exitCodeOf: ({ directory, clean }) =>
    Math.max(pruneExitCode(directory), clean === null ? EXIT_DONE : cleanExitCode(clean)),
  planLines: vacuumPlanLines,
  reportLines: vacuumReportLines,
  planJson: vacuumPlanJson,
  reportJson: vacuumReportJson,
};

function question({ directory, clean, autoPurge, autoVacuum, isWorthwhile, mode }: VacuumPlan): string {
  const { rows } = pruneTotals(directory);
  const steps = [
    ...(clean === null ? [] : cleanParts(clean)),
    ...(isWorthwhile && rows > 0 ? [`delete ${counted(rows, 'WAL row')}`] : []),
    ...(autoPurge !== null && isSwitching(autoPurge) ? [`switch auto-purge ${autoPurge.after}`] : []),
    ...(isWorthwhile ? [mode.kind === 'incremental' ? 'give free pages back' : 'rewrite the database'] : []),
    ...(isWorthwhile && isChanging(autoVacuum) ? [`set auto-vacuum to ${autoVacuum.after}`] : []),
  ];
  return `${capitalized(listed(steps))}?`;
}
