import { EXIT_NEEDS_ATTENTION } from '../errors.ts';
import { pruneTotals } from '../operations/collections.ts';
import type { ScrubPlan, ScrubReport } from '../operations/scrub/plan.ts';
import { isGone } from '../operations/scrub/search.ts';
import { counted } from '../units.ts';
import { pruneExitCode } from './prune-words.ts';
import { capitalized, listed } from './render/clean-text.ts';
import { scrubPlanJson, scrubReportJson } from './render/scrub-json.ts';
import { scrubPlanLines, scrubReportLines } from './render/scrub-text.ts';
import type { Words } from './session.ts';

export const SCRUB_WORDS: Words<ScrubPlan, ScrubReport> = {
  checksOf: ({ directory }) => directory.checks,
  isJournalRecovered: ({ directory }) => directory.isJournalRecovered,
  planOf: ({ plan }) => plan,
  hasWork: () => true,
  question,
  exitCodeOf: exitCode,
  planLines: scrubPlanLines,
  reportLines: scrubReportLines,
  planJson: scrubPlanJson,
  reportJson: scrubReportJson,
};

function question({ directory }: ScrubPlan): string {
  const { rows } = pruneTotals(directory);
  const steps = [
    ...(rows > 0 ? [`delete ${counted(rows, 'WAL row')}`] : []),
    'write a new database',
    'overwrite the old one',
  ];
  return `${capitalized(listed(steps))}?`;
}

/** 3 where something of deleted records was found, or might be in what could not be searched. */
function exitCode({ searched, directory }: ScrubPlan): number {
  return searched === null || isGone(searched.found) ? pruneExitCode(directory) : EXIT_NEEDS_ATTENTION;
}
