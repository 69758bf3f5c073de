import type { VacuumPlan, VacuumReport } from '../../operations/vacuum.ts';
import { pruneJson } from './prune-json.ts';

const SCHEMA = 'chroma-maint/vacuum@1';

/** The documented object of `vacuum --dry-run --json`: `after` is what is expected. */
export function vacuumPlanJson(plan: VacuumPlan): object {
  const { directory, expectedBytes, isWorthwhile } = plan;
  return fields(plan, {
    dryRun: true,
    changed: false,
    deleted: 0,
    after: isWorthwhile ? expectedBytes : directory.databaseBytes,
  });
}

/** The documented object of `vacuum --json`. */
export function vacuumReportJson({ plan, isDone, deleted, databaseBytesAfter }: VacuumReport): object {
  return fields(plan, { dryRun: false, changed: isDone, deleted, after: databaseBytesAfter });
}

interface Result {
  readonly dryRun: boolean;
  readonly changed: boolean;
  readonly deleted: number;
  readonly after: number;
}

function fields(
  { directory, request, isWorthwhile, reclaimableBytes, temporaryDirectory }: VacuumPlan,
  result: Result,
): object {
  const { dryRun, changed, deleted, after } = result;
  return {
    schema: SCHEMA,
    persistDir: directory.dir.path,
    dryRun,
    changed,
    mode: 'in-place',
    isWorthwhile,
    reclaimableBytes,
    before: { databaseBytes: directory.databaseBytes },
    after: { databaseBytes: after },
    reclaimedBytes: directory.databaseBytes - after,
    temporaryDirectory,
    prune: request.withoutPrune ? null : pruneJson(directory, deleted, dryRun),
  };
}
