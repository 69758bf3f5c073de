import { EXIT_DONE } from '../errors.ts';
import type { AutoPurgePlan, AutoPurgeReport } from '../operations/auto-purge/plan.ts';
import { isSwitching } from '../operations/auto-purge/step.ts';
import { autoPurgePlanJson, autoPurgeReportJson } from './render/auto-purge-json.ts';
import { autoPurgePlanLines, autoPurgeReportLines } from './render/auto-purge-text.ts';
import type { Words } from './session.ts';

export const AUTO_PURGE_WORDS: Words<AutoPurgePlan, AutoPurgeReport> = {
  checksOf: ({ directory }) => directory.checks,
  isJournalRecovered: ({ directory }) => directory.isJournalRecovered,
  planOf: ({ plan }) => plan,
  hasWork: ({ step }) => isSwitching(step),
  question: ({ step }) => `Switch auto-purge ${step.after}?`,
  exitCodeOf: () => EXIT_DONE,
  planLines: autoPurgePlanLines,
  reportLines: (report, _, view) => autoPurgeReportLines(report, view),
  planJson: autoPurgePlanJson,
  reportJson: autoPurgeReportJson,
};
