import { EXIT_DONE } from '../errors.ts';
import type { FullTextReport } from '../operations/full-text/execute.ts';
import type { FullTextPlan } from '../operations/full-text/plan.ts';
import { counted } from '../units.ts';
import { ftsPlanJson, ftsReportJson } from './render/fts-json.ts';
import { optimizePlanLines, optimizeReportLines, rebuildPlanLines, rebuildReportLines } from './render/fts-text.ts';
import type { Words } from './session.ts';

type Common = Pick<
  Words<FullTextPlan, FullTextReport>,
  'checksOf' | 'isJournalRecovered' | 'planOf' | 'hasWork' | 'exitCodeOf'
>;

const COMMON: Common = {
  checksOf: ({ directory }) => directory.checks,
  isJournalRecovered: ({ directory }) => directory.isJournalRecovered,
  planOf: ({ plan }) => plan,
  // An index that is right is made anew all the same where somebody asks for it.
  hasWork: () => true,
  exitCodeOf: () => EXIT_DONE,
};

export const REBUILD_WORDS: Words<FullTextPlan, FullTextReport> = {
  ...COMMON,
  question: ({ index }) => `Make the full-text index of ${counted(index.documents, 'document')} anew?`,
  planLines: rebuildPlanLines,
  reportLines: rebuildReportLines,
  planJson: (plan) => ftsPlanJson('chroma-maint/fts-rebuild@1', plan),
  reportJson: (report) => ftsReportJson('chroma-maint/fts-rebuild@1', report),
};

export const OPTIMIZE_WORDS: Words<FullTextPlan, FullTextReport> = {
  ...COMMON,
  question: () => 'Merge the full-text index?',
  planLines: optimizePlanLines,
  reportLines: optimizeReportLines,
  planJson: (plan) => ftsPlanJson('chroma-maint/fts-optimize@1', plan),
  reportJson: (report) => ftsReportJson('chroma-maint/fts-optimize@1', report),
};
