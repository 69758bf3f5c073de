import type { VacuumPlan, VacuumReport } from '../../operations/vacuum.ts';
import { backupJson, pruneJson } from './prune-json.ts';

const SCHEMA = 'chroma-maint/vacuum@1';

/** The documented object of `vacuum --json` where nothing was done: `expected` says what would be given back. */
export function vacuumPlanJson(plan: VacuumPlan): object {
  return fields(plan, { changed: false, deleted: 0, after: plan.directory.databaseBytes });
}

/** The documented object of `vacuum --json`. */
export function vacuumReportJson({ plan, isDone, deleted, databaseBytesAfter }: VacuumReport): object {
  return fields(plan, { changed: isDone, deleted, after: databaseBytesAfter });
}

interface Result {
  readonly changed: boolean;
  readonly deleted: number;
  readonly after: number;
}

function fields(plan: VacuumPlan, { changed, deleted, after }: Result): object {
  const { directory, request, isWorthwhile, expectedBytes, reclaimableBytes, temporaryDirectory, mode } = plan;
  return {
    schema: SCHEMA,
    persistDir: directory.dir.path,
    dryRun: directory.isDryRun,
    changed,
    journalRecovered: directory.isJournalRecovered,
    mode: mode.kind,
    modeReason: mode.kind === 'in-place' ? mode.because : null,
    attributesKept: mode.kind === 'rebuild' ? mode.attributes : null,
    isWorthwhile,
    before: { databaseBytes: directory.databaseBytes },
    after: { databaseBytes: after },
    reclaimedBytes: directory.databaseBytes - after,
    expected: { databaseBytes: expectedBytes, reclaimableBytes },
    temporaryDirectory: mode.kind === 'in-place' ? temporaryDirectory : null,
    prune: request.withoutPrune ? null : pruneJson(directory, deleted),
    backup: backupJson(directory),
  };
}
