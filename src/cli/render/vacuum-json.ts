import type { VacuumPlan, VacuumReport } from '../../operations/vacuum.ts';
import { pruneJson } from './prune-json.ts';

const SCHEMA = 'chroma-maint/vacuum@1';

/** The documented object of `vacuum --dry-run --json`: nothing is given back yet, `expected` says what would be. */
export function vacuumPlanJson(plan: VacuumPlan): object {
  return fields(plan, { dryRun: true, changed: false, deleted: 0, after: plan.directory.databaseBytes });
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

function fields(plan: VacuumPlan, { dryRun, changed, deleted, after }: Result): object {
  const { directory, request, isWorthwhile, expectedBytes, reclaimableBytes, temporaryDirectory } = plan;
  return {
    schema: SCHEMA,
    persistDir: directory.dir.path,
    dryRun,
    changed,
    mode: 'in-place',
    isWorthwhile,
    before: { databaseBytes: directory.databaseBytes },
    after: { databaseBytes: after },
    reclaimedBytes: directory.databaseBytes - after,
    expected: { databaseBytes: expectedBytes, reclaimableBytes },
    temporaryDirectory,
    prune: request.withoutPrune ? null : pruneJson(directory, deleted, dryRun),
  };
}
