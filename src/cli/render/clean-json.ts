import { join } from 'node:path';
import type { CleanReport } from '../../operations/clean/execute.ts';
import type { CleanPlan, CleanSteps } from '../../operations/clean/plan.ts';
import { chosenIn, type QuarantinePlan, type QuarantineReport } from '../../operations/clean/quarantine.ts';
import { checkJson, backupJson } from './prune-json.ts';

const CLEAN_SCHEMA = 'chroma-maint/clean@1';
const QUARANTINE_SCHEMA = 'chroma-maint/clean-quarantine@1';
const QUEUE = 'embeddings_queue';

/** The documented object of `clean --json` where nothing was done. */
export function cleanPlanJson(plan: CleanPlan): object {
  return cleanJson(plan, { isDone: false, quarantine: null, freedInsideBytes: 0 });
}

/** The documented object of `clean --json`. */
export function cleanReportJson(report: CleanReport): object {
  return cleanJson(report.plan, report);
}

/** The same without its schema, as the field `clean` of `vacuum --json`. */
export function cleanFields(
  { directory: { dir }, steps, request }: CleanPlan,
  { isDone, quarantine, freedInsideBytes }: Omit<CleanReport, 'plan'>,
): object {
  const deleted = steps.directories.filter(({ action }) => action === 'delete');
  return {
    doubt: steps.doubt === null ? null : steps.doubt.kind,
    minAgeMs: request.minAgeMs,
    directories: steps.directories.map(({ id, bytes, action, because, keptBecause, newestMs }) => ({
      path: join(dir.path, id),
      bytes,
      action,
      because: keptBecause ?? because,
      newest: Number.isFinite(newestMs) ? new Date(newestMs).toISOString() : null,
    })),
    rows: rowCounts(steps),
    rowBytes: [...steps.tables, ...steps.topics].reduce((sum, { bytes }) => sum + bytes, 0),
    topics: steps.topics.map(({ topic, rows, bytes, below }) => ({ topic, rows, bytes, below: String(below) })),
    quarantine,
    reclaimedBytes: isDone ? deleted.reduce((sum, { bytes }) => sum + bytes, 0) : 0,
    freedInsideBytes,
  };
}

function cleanJson(plan: CleanPlan, result: Omit<CleanReport, 'plan'>): object {
  const { directory } = plan;
  return {
    schema: CLEAN_SCHEMA,
    persistDir: directory.dir.path,
    dryRun: directory.isDryRun,
    changed: result.isDone,
    journalRecovered: directory.isJournalRecovered,
    ...cleanFields(plan, result),
    checks: directory.checks.map(checkJson),
    backup: backupJson(directory),
  };
}

function rowCounts({ tables, topics }: CleanSteps): Readonly<Record<string, number>> {
  const queue = topics.reduce((sum, { rows }) => sum + rows, 0);
  return Object.fromEntries([
    ...tables.map(({ table, rows }) => [table, rows] as const),
    ...(queue > 0 ? [[QUEUE, queue] as const] : []),
  ]);
}

/** The documented object of `clean --restore` and `clean --purge-quarantine` where nothing was done. */
export function quarantinePlanJson(plan: QuarantinePlan): object {
  return quarantineJson(plan, false);
}

/** The documented object of `clean --restore` and `clean --purge-quarantine`. */
export function quarantineReportJson({ plan, isDone }: QuarantineReport): object {
  return quarantineJson(plan, isDone);
}

function quarantineJson(plan: QuarantinePlan, isDone: boolean): object {
  const { dir, isDryRun, quarantines, request, checks } = plan;
  const bytes = chosenIn(plan).reduce((sum, each) => sum + each.bytes, 0);
  return {
    schema: QUARANTINE_SCHEMA,
    persistDir: dir.path,
    dryRun: isDryRun,
    changed: isDone,
    quarantines: quarantines.map(({ id, time, directories, bytes: size, action }) => ({
      id,
      time,
      directories: directories.map(({ name }) => name),
      bytes: size,
      action,
    })),
    reclaimedBytes: isDone && request.wish.kind === 'purge' ? bytes : 0,
    checks: checks.map(checkJson),
  };
}
