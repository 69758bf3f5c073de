import { EXIT_DONE, EXIT_NEEDS_ATTENTION } from '../errors.ts';
import type { CleanReport } from '../operations/clean/execute.ts';
import { hasWork, type CleanPlan } from '../operations/clean/plan.ts';
import { chosenIn, type QuarantinePlan, type QuarantineReport } from '../operations/clean/quarantine.ts';
import { counted, formatBytes } from '../units.ts';
import { cleanPlanJson, cleanReportJson, quarantinePlanJson, quarantineReportJson } from './render/clean-json.ts';
import { capitalized, cleanPlanLines, cleanReportLines, cleanWords } from './render/clean-text.ts';
import { quarantinePlanLines, quarantineReportLines } from './render/quarantine-text.ts';
import type { Words } from './session.ts';

export const CLEAN_WORDS: Words<CleanPlan, CleanReport> = {
  checksOf: ({ directory }) => directory.checks,
  isJournalRecovered: ({ directory }) => directory.isJournalRecovered,
  planOf: ({ plan }) => plan,
  hasWork: ({ steps }) => hasWork(steps),
  question: cleanQuestion,
  exitCodeOf: cleanExitCode,
  planLines: cleanPlanLines,
  reportLines: (report, _, view) => cleanReportLines(report, view),
  planJson: cleanPlanJson,
  reportJson: cleanReportJson,
};

/** 3 where the catalogue cannot be trusted to say what is live. */
export function cleanExitCode({ steps }: Pick<CleanPlan, 'steps'>): number {
  return steps.doubt === null ? EXIT_DONE : EXIT_NEEDS_ATTENTION;
}

function cleanQuestion(plan: CleanPlan): string {
  return `${capitalized(cleanWords(plan))}?`;
}

export const QUARANTINE_WORDS: Words<QuarantinePlan, QuarantineReport> = {
  checksOf: ({ checks }) => checks,
  isJournalRecovered: () => false,
  planOf: ({ plan }) => plan,
  hasWork: (plan) => chosenIn(plan).length > 0,
  question: quarantineQuestion,
  exitCodeOf: () => EXIT_DONE,
  planLines: quarantinePlanLines,
  reportLines: (report, _, view) => quarantineReportLines(report, view),
  planJson: quarantinePlanJson,
  reportJson: quarantineReportJson,
};

function quarantineQuestion(plan: QuarantinePlan): string {
  const chosen = chosenIn(plan);
  if (plan.request.wish.kind === 'restore') return 'Put these directories back?';
  const bytes = chosen.reduce((sum, each) => sum + each.bytes, 0);
  return `Delete ${counted(chosen.length, 'quarantine')} (${formatBytes(bytes)}) for good?`;
}
