import { EXIT_DONE, EXIT_NEEDS_ATTENTION } from '../errors.ts';
import { pruneTotals } from '../operations/collections.ts';
import type { DirectoryPlan } from '../operations/planning.ts';
import type { PruneReport } from '../operations/prune.ts';
import { counted } from '../units.ts';
import { backupJson, onlineJson, pruneJson } from './render/prune-json.ts';
import { prunePlanLines, pruneReportLines } from './render/prune-text.ts';
import type { Words } from './session.ts';

export const PRUNE_WORDS: Words<DirectoryPlan, PruneReport> = {
  checksOf: ({ checks }) => checks,
  isJournalRecovered: (plan) => plan.isJournalRecovered,
  planOf: ({ plan }) => plan,
  hasWork: (plan) => pruneTotals(plan).rows > 0,
  question: (plan) => `Delete ${counted(pruneTotals(plan).rows, 'WAL row')}?`,
  exitCodeOf: pruneExitCode,
  planLines: prunePlanLines,
  reportLines: (report, _, view) => pruneReportLines(report, view),
  planJson: (plan) => ({
    schema: 'chroma-maint/prune@1',
    ...pruneJson(plan, 0),
    online: null,
    backup: backupJson(plan),
  }),
  reportJson: ({ plan, deleted, online }) => ({
    schema: 'chroma-maint/prune@1',
    ...pruneJson(plan, deleted, online?.deleted),
    online: onlineJson(online),
    backup: backupJson(plan),
  }),
};

/** 3 where a collection was skipped for a reason that wants a person. */
export function pruneExitCode({ collections }: DirectoryPlan): number {
  return collections.some(({ skip }) => skip?.needsAttention) ? EXIT_NEEDS_ATTENTION : EXIT_DONE;
}
