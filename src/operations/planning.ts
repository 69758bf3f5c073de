/**
 * From a path to a plan: locate, guard, read, plan, guard. Reads only; takes no lock beyond the reading itself.
 */
import { join } from 'node:path';
import { locatePersistDir, type PersistDir } from '../chroma/persist-dir.ts';
import type { PrunePlan } from '../chroma/prune-plan.ts';
import { MaintError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { inReadTransaction, withReadOnly, withWritable } from '../sqlite/open.ts';
import { collectionPlans, type CollectionPlan } from './collections.ts';
import { hotJournal, verifyPath, verifyPlanned, type Check, type GuardContext } from './guards.ts';
import { inUse, verifyNotInUse } from './in-use.ts';
import { planFromReading, readDirectory, type Reading } from './reading.ts';
import type { SpaceNeed } from './space.ts';
import { excludedBy, type Target } from './target.ts';

/** What a writing verb shows before it asks. */
export interface DirectoryPlan {
  readonly target: Target;
  readonly dir: PersistDir;
  readonly prune: PrunePlan;
  readonly collections: readonly CollectionPlan[];
  readonly databaseBytes: number;
  readonly freeBytes: number;
  readonly checks: readonly Check[];
  /** True where the rest of this program's output has to warn about rowids (docs/FORMAT.md, "VACUUM"). */
  readonly hasOldFullText: boolean;
}

export interface PlanningOptions {
  readonly isDryRun: boolean;
  /** Leaves the prune out of the plan: nothing is to be deleted. */
  readonly withoutPrune?: boolean;
  needs(sizes: PlannedSizes): { readonly needs: readonly SpaceNeed[]; readonly whenShort: string };
}

/** The numbers that space is estimated from, in bytes. */
export interface PlannedSizes {
  readonly dir: PersistDir;
  readonly databaseBytes: number;
  readonly freeBytes: number;
  readonly prunableBytes: number;
  readonly queueBytes: number;
}

/** Plans what `target` asks for. Throws the first guard that fails; in a dry run those are listed in the plan. */
export async function planDirectory(target: Target, host: Host, options: PlanningOptions): Promise<DirectoryPlan> {
  const dir = locatePersistDir(target.path);
  const context: GuardContext = { dir, host, allow: target.allow, waitMs: options.isDryRun ? 0 : target.waitMs, ownProcesses: [process.pid] };
  const pathChecks = await verifyPath(context);
  if (dir.journal === 'hot') await recoverJournal(context, options.isDryRun);

  const { reading, prune } = namingHolders(context, () => readAndPlan(dir, target, options));
  const sizes = sizesOf(dir, reading, prune);
  const planned = { ...context, reading, ...options.needs(sizes) };
  const plannedChecks = await verifyPlanned(planned, options.isDryRun);
  return {
    target,
    dir,
    prune,
    collections: collectionPlans(reading, prune),
    databaseBytes: sizes.databaseBytes,
    freeBytes: sizes.freeBytes,
    checks: [...pathChecks, ...plannedChecks],
    hasOldFullText: reading.schema.versions.metadb < 3,
  };
}

function readAndPlan(dir: PersistDir, target: Target, options: PlanningOptions): { reading: Reading; prune: PrunePlan } {
  return withReadOnly(dir.databasePath, target.waitMs, (db) =>
    inReadTransaction(db, () => {
      const reading = readDirectory(db, dir);
      const excluded = excludedBy(target, reading.collections);
      if (options.withoutPrune) return { reading, prune: { steps: [], skipped: [], lastSeqId: reading.lastSeqId } };
      return { reading, prune: planFromReading(db, reading, { excluded, skipIndexCheck: target.skipIndexCheck }) };
    }),
  );
}

function sizesOf(dir: PersistDir, { pages, usage }: Reading, { steps }: PrunePlan): PlannedSizes {
  return {
    dir,
    databaseBytes: pages.pages * pages.pageSize,
    freeBytes: pages.freePages * pages.pageSize,
    prunableBytes: steps.reduce((sum, { bytes }) => sum + bytes, 0),
    queueBytes: [...usage.values()].reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** Lets SQLite play a hot journal back: asked for by --recover-journal, and only where nobody has the directory open. */
async function recoverJournal(context: GuardContext, isDryRun: boolean): Promise<void> {
  if (isDryRun) throw hotJournal(context.dir);
  await verifyNotInUse(context);
  openOnce(context.dir, context.waitMs);
}

/** Opens the database for writing and closes it again, which plays back a hot journal if there is one. */
export function openOnce({ databasePath }: PersistDir, waitMs: number): void {
  withWritable(databasePath, waitMs, (db) => db.prepare('SELECT COUNT(*) FROM sqlite_schema').get());
}

/** Runs `work`; where it meets a lock, the error names the processes that have the directory open. */
export function namingHolders<T>({ dir, host, ownProcesses }: GuardContext, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof MaintError) || error.code !== 'IN_USE') throw error;
    const { holders } = host.holdersOf(dir.path, ownProcesses);
    throw holders.length > 0 ? inUse(dir.given, holders) : error;
  }
}

/** Directories of the vector segments that the steps of `plan` rest on. */
export function indexDirectories({ path }: PersistDir, reading: Reading, plan: PrunePlan): readonly string[] {
  const pruned = new Set(plan.steps.map(({ collectionId }) => collectionId));
  return reading.collections
    .filter(({ id }) => pruned.has(id))
    .flatMap(({ segments }) => segments.filter(({ kind }) => kind === 'vector').map(({ id }) => join(path, id)));
}
