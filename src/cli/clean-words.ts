import { EXIT_DONE, EXIT_NEEDS_ATTENTION } from '../errors.ts';
import type { CleanReport } from '../operations/clean/execute.ts';
import { going, hasWork, totalsOf, type CleanPlan } from '../operations/clean/plan.ts';
import { chosenIn, type QuarantinePlan, type QuarantineReport } from '../operations/clean/quarantine.ts';
import { counted, formatBytes } from '../units.ts';
import { cleanPlanJson, cleanReportJson, quarantinePlanJson, quarantineReportJson } from './render/clean-json.ts';
import { cleanPlanLines, cleanReportLines, directoriesWords, goneWords } from './render/clean-text.ts';
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

function cleanQuestion({ steps, request }: CleanPlan): string {
  const { rows } = totalsOf(steps);
  const parts = [
    ...(going(steps.directories).length > 0 ? [directoriesWords(steps, request)] : []),
    ...(rows > 0 ? [goneWords(rows)] : []),
  ];
  const text = parts.join(' and ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}?`;
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
