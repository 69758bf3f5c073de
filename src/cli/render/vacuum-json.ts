import { stepJson } from './auto-purge-json.ts';
import { isSwitching } from '../../operations/auto-purge/step.ts';
import type { VacuumPlan, VacuumReport } from '../../operations/vacuum.ts';
import type { CleanReport } from '../../operations/clean/execute.ts';
import { cleanFields } from './clean-json.ts';
import { backupJson, pruneJson } from './prune-json.ts';

const SCHEMA = 'chroma-maint/vacuum@1';

/** The documented object of `vacuum --json` where nothing was done: `expected` says what would be given back. */
export function vacuumPlanJson(plan: VacuumPlan): object {
  const after = plan.directory.databaseBytes;
  return fields(plan, { isExecuted: false, changed: false, deleted: 0, after, clean: null });
}

/** The documented object of `vacuum --json`. */
export function vacuumReportJson({ plan, isDone, deleted, databaseBytesAfter, clean }: VacuumReport): object {
  const changed = isDone || clean?.isDone === true || isSwitching(plan.autoPurge);
  return fields(plan, { isExecuted: true, changed, deleted, after: databaseBytesAfter, clean });
}

interface Result {
  /** False where there is only a plan. */
  readonly isExecuted: boolean;
  readonly changed: boolean;
  readonly deleted: number;
  readonly after: number;
  readonly clean: CleanReport | null;
}

const NOT_CLEANED = { isDone: false, quarantine: null, freedInsideBytes: 0 };

function fields(plan: VacuumPlan, { isExecuted, changed, deleted, after, clean }: Result): object {
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
    clean: plan.clean === null ? null : cleanFields(plan.clean, clean ?? NOT_CLEANED),
    autoPurge: plan.autoPurge === null ? null : stepJson(plan.autoPurge, isExecuted),
    prune: request.withoutPrune ? null : pruneJson(directory, deleted),
    backup: backupJson(directory),
  };
}
