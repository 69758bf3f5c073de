import { stepJson } from './auto-purge-json.ts';
import { isSwitching } from '../../operations/auto-purge/step.ts';
import type { VacuumPlan, VacuumReport } from '../../operations/vacuum.ts';
import type { CleanReport } from '../../operations/clean/execute.ts';
import type { Given } from '../../operations/incremental/given.ts';
import type { OnlineReport } from '../../operations/prune.ts';
import { cleanFields } from './clean-json.ts';
import { backupJson, onlineJson, pruneJson } from './prune-json.ts';

const SCHEMA = 'chroma-maint/vacuum@1';

/** The documented object of `vacuum --json` where nothing was done: `expected` says what would be given back. */
export function vacuumPlanJson(plan: VacuumPlan): object {
  const after = plan.directory.databaseBytes;
  return fields(plan, { ...NOT_EXECUTED, after });
}

/** The documented object of `vacuum --json`. */
export function vacuumReportJson({ plan, isDone, databaseBytesAfter, clean, ...done }: VacuumReport): object {
  const changed = hasChanged(plan, isDone, done) || clean?.isDone === true || isSwitching(plan.autoPurge);
  return fields(plan, { isExecuted: true, isDone, changed, after: databaseBytesAfter, clean, ...done });
}

/** A rewrite writes a file in any case. Step by step there may be nothing left, beside a server that was faster. */
function hasChanged(
  { mode }: VacuumPlan,
  isDone: boolean,
  { given, deleted }: Pick<Result, 'given' | 'deleted'>,
): boolean {
  return isDone && (mode.kind !== 'incremental' || deleted > 0 || (given?.bytes ?? 0) > 0);
}

interface Result {
  /** False where there is only a plan. */
  readonly isExecuted: boolean;
  /** False where a vacuum was not worth it. */
  readonly isDone: boolean;
  readonly changed: boolean;
  readonly deleted: number;
  readonly after: number;
  readonly clean: CleanReport | null;
  readonly given: Given | null;
  readonly online: OnlineReport | null;
}

const NOT_EXECUTED = {
  isExecuted: false,
  isDone: false,
  changed: false,
  deleted: 0,
  clean: null,
  given: null,
  online: null,
};

const NOT_CLEANED = { isDone: false, quarantine: null, freedInsideBytes: 0 };

function fields(plan: VacuumPlan, result: Result): object {
  const { isExecuted, isDone, changed, deleted, after, clean, given, online } = result;
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
    autoVacuum: autoVacuumJson(plan, isDone),
    incremental: givenJson(given),
    autoPurge: plan.autoPurge === null ? null : stepJson(plan.autoPurge, isExecuted),
    prune: request.withoutPrune ? null : pruneJson(directory, deleted, online?.deleted),
    online: onlineJson(online),
    backup: backupJson(directory),
  };
}

/** How the file gives pages back; `wanted` is null where that was not asked about. */
function autoVacuumJson({ autoVacuum: { before, after }, request }: VacuumPlan, isDone: boolean): object {
  return { before, wanted: request.autoVacuum, after: isDone ? after : before };
}

function givenJson(given: Given | null): object | null {
  if (given === null) return null;
  const { transactions, longestLockMs, pages, bytes } = given;
  return { transactions, longestLockMs: Math.round(longestLockMs), pages, bytes };
}
