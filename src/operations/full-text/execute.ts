/**
 * fts rebuild and fts optimize in the working process: one exclusive transaction, which commits only an index that
 * passes FTS5's own check and answers a sample of queries as it should. Whatever is thrown before leaves the old one.
 */
import { ownTablesOf } from '../../sqlite/full-text-table.ts';
import { inExclusiveTransaction, type Database } from '../../sqlite/open.ts';
import type { Machine } from '../guard-context.ts';
import { verifyLocked } from '../guards.ts';
import type { FullTextJob } from '../job.ts';
import type { Observer } from '../observer.ts';
import type { Preflight } from '../preflight.ts';
import { executed } from '../prune.ts';
import { inNumbers, planUnderLock, withDirectory } from '../under-lock.ts';
import { optimizeIndex } from './optimize.ts';
import { bytesOfIndex, fullTextPlanning, fullTextPlanOf, isSameIndex, readDamage, type FullTextPlan } from './plan.ts';
import { rebuildIndex } from './rebuild.ts';
import type { Sample } from './sample.ts';

export interface FullTextReport {
  readonly plan: FullTextPlan;
  /** Null where there was nothing to do. */
  readonly sample: Sample | null;
  /** Bytes of the pages of the index. */
  readonly bytesAfter: number;
}

/** Plans, works on the index and verifies it, all in one transaction. */
export function fullTextUnderLock(job: FullTextJob, machine: Machine, observer: Observer): Promise<FullTextReport> {
  const { kind, request, agreed } = job;
  const planning = fullTextPlanning(kind, request.target, { isDryRun: false, agreed, damaged: [] });
  return withDirectory(planning, machine, observer, (db, preflight) => {
    const damaged = readDamage(db, preflight.context.dir);
    return inExclusiveTransaction(db, () => work(db, preflight, job, damaged, observer));
  });
}

function work(
  db: Database,
  preflight: Preflight,
  { kind, request, agreed }: FullTextJob,
  damaged: readonly string[],
  observer: Observer,
): FullTextReport {
  const { dir } = preflight.context;
  const planning = fullTextPlanning(kind, request.target, { isDryRun: false, agreed, damaged });
  const planned = planUnderLock(
    db,
    preflight,
    planning,
    ({ strategy }) => agreed === null || isSameIndex(strategy.index, agreed.index),
  );
  const plan = fullTextPlanOf(planned);
  observer.onPlanned(inNumbers(planned, plan.directory.databaseBytes));
  const { table } = plan.index.declaration;
  // What is made anew may be damaged; what it is made from may not.
  verifyLocked({ dir, db, without: kind === 'fts rebuild' ? ownTablesOf(table) : [] });
  const index = { index: plan.index, schema: planned.reading.schema, dir };
  const sample = (kind === 'fts rebuild' ? rebuildIndex : optimizeIndex)(db, index, observer);
  return {
    plan: { ...plan, directory: executed(plan.directory) },
    sample,
    bytesAfter: bytesOfIndex(db, table, []),
  };
}
