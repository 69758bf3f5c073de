import { pruneTotals } from '../operations/collections.ts';
import type { VacuumPlan, VacuumReport } from '../operations/vacuum.ts';
import { counted } from '../units.ts';
import { pruneExitCode } from './prune-words.ts';
import { vacuumPlanJson, vacuumReportJson } from './render/vacuum-json.ts';
import { vacuumPlanLines, vacuumReportLines } from './render/vacuum-text.ts';
import type { Words } from './session.ts';

export const VACUUM_WORDS: Words<VacuumPlan, VacuumReport> = {
  checksOf: ({ directory }) => directory.checks,
  isJournalRecovered: ({ directory }) => directory.isJournalRecovered,
  planOf: ({ plan }) => plan,
  hasWork: ({ isWorthwhile }) => isWorthwhile,
  question,
  exitCodeOf: ({ directory }) => pruneExitCode(directory),
  planLines: vacuumPlanLines,
  reportLines: vacuumReportLines,
  planJson: vacuumPlanJson,
  reportJson: vacuumReportJson,
};

function question({ directory }: VacuumPlan): string {
  const { rows } = pruneTotals(directory);
  return rows === 0 ? 'Rewrite the database?' : `Delete ${counted(rows, 'WAL row')} and rewrite the database?`;
}
