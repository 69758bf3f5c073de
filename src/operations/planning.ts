/**
 * From a path to a plan: locate, guard, read, plan, guard. Reads only; takes no lock beyond the reading itself.
 */
import { join } from 'node:path';
import { readAutoPurge, type AutoPurge } from '../chroma/auto-purge.ts';
import type { MigrationVersions, TopicUsage } from '../chroma/model.ts';
import { locatePersistDir, type PersistDir } from '../chroma/persist-dir.ts';
import { totalBytes, totalRows, type PrunePlan } from '../chroma/prune-plan.ts';
import { MaintError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { inReadTransaction, readThroughMaps, withReadOnly, withWritable, type Database } from '../sqlite/open.ts';
import { collectionPlans, type CollectionPlan } from './collections.ts';
import { verifyPath, verifyPlanned, type Check } from './guards.ts';
import type { GuardContext } from './guard-context.ts';
import { inUse, verifyNotInUse } from './in-use.ts';
import { hotJournal, statingRecovery } from './journal.ts';
import { planFromReading, readDirectory, type Reading } from './reading.ts';
import { redacted } from './redact.ts';
import type { SpaceNeed } from './guard-context.ts';
import { excludedBy, type Target } from './target.ts';

/** How long a reader waits for a server to finish a commit. */
export const READ_WAIT_MS = 5_000;

/** What a writing verb shows before it asks. */
export interface DirectoryPlan {
  readonly target: Target;
  readonly isDryRun: boolean;
  readonly dir: PersistDir;
  readonly prune: PrunePlan;
  readonly collections: readonly CollectionPlan[];
  readonly databaseBytes: number;
  readonly freeBytes: number;
  readonly checks: readonly Check[];
  readonly autoPurge: AutoPurge;
  /** Highest migrations, for what differs between generations (docs/FORMAT.md, "Generations"). */
  readonly versions: MigrationVersions;
  /** True where a hot journal was played back before the plan was made. */
  readonly isJournalRecovered: boolean;
}

export interface PlanningOptions<S extends Strategy> {
  readonly isDryRun: boolean;
  /** Leaves the prune out of the plan: nothing is to be deleted. */
  readonly withoutPrune?: boolean;
  strategy(sizes: PlannedSizes, context: GuardContext): S | Promise<S>;
}

/** How a verb goes about its work, and what that needs. */
export interface Strategy {
  readonly needs: readonly SpaceNeed[];
  readonly whenShort: string;
}

export interface StrategicPlan<S extends Strategy> extends DirectoryPlan {
  readonly strategy: S;
}

/** The numbers that space is estimated from, in bytes. */
export interface PlannedSizes {
  readonly dir: PersistDir;
  readonly databaseBytes: number;
  readonly freeBytes: number;
  readonly prunableBytes: number;
  readonly prunableRows: number;
  /** Rows that the queue keeps, those of unknown topics included. */
  readonly keptRows: number;
  readonly queueBytes: number;
  /** The part of `queueBytes` on leaf pages of the b-tree. */
  readonly queueLeafBytes: number;
  readonly pageSize: number;
  /** Why the database cannot be copied table by table, null where it can. */
  readonly obstacleToCopy: string | null;
}

/** Plans what `target` asks for. Throws the first guard that fails; in a dry run those are listed in the plan. */
export async function planDirectory<S extends Strategy>(
  target: Target,
  host: Host,
  options: PlanningOptions<S>,
): Promise<StrategicPlan<S>> {
  const dir = locatePersistDir(target.path);
  const context: GuardContext = {
    dir,
    host,
    allow: target.allow,
    waitMs: options.isDryRun ? 0 : target.waitMs,
    ownProcesses: [process.pid],
  };
  const pathChecks = await verifyPath(context);
  const isJournalRecovered = dir.journal === 'hot';
  if (isJournalRecovered) await recoverJournal(context, options.isDryRun);
  return statingRecovery(isJournalRecovered, () => planSound(target, context, pathChecks, options));
}

/** Plans where the path is in order and no journal waits to be played back. */
async function planSound<S extends Strategy>(
  target: Target,
  context: GuardContext,
  pathChecks: readonly Check[],
  options: PlanningOptions<S>,
): Promise<StrategicPlan<S>> {
  const { dir } = context;
  const { reading, prune, autoPurge } = namingHolders(context, () => readAndPlan(context, target, options));
  const sizes = sizesOf(dir, reading, prune);
  const strategy = await options.strategy(sizes, context);
  const planned = { ...context, reading, needs: strategy.needs, whenShort: strategy.whenShort };
  const plannedChecks = await verifyPlanned(planned, options.isDryRun);
  return {
    target,
    isDryRun: options.isDryRun,
    dir,
    prune,
    collections: collectionPlans(reading, prune),
    databaseBytes: sizes.databaseBytes,
    freeBytes: sizes.freeBytes,
    checks: [...pathChecks, ...plannedChecks],
    autoPurge,
    versions: reading.schema.versions,
    isJournalRecovered: dir.journal === 'hot',
    strategy,
  };
}

interface ReadPlan {
  readonly reading: Reading;
  readonly prune: PrunePlan;
  readonly autoPurge: AutoPurge;
}

function readAndPlan(
  context: GuardContext,
  target: Target,
  { withoutPrune, isDryRun }: Pick<PlanningOptions<Strategy>, 'withoutPrune' | 'isDryRun'>,
): ReadPlan {
  const { dir } = context;
  // A dry run may be made beside a running server, whose commits are short.
  const waitMs = isDryRun ? Math.max(target.waitMs, READ_WAIT_MS) : target.waitMs;
  return withReadOnly(dir.databasePath, waitMs, (db) => {
    readThroughMapsLocally(db, context);
    return inReadTransaction(db, () => {
      const found = readDirectory(db, dir);
      const excluded = excludedBy(target, found.collections);
      const reading = target.redact ? redacted(found) : found;
      const prune = withoutPrune
        ? { steps: [], skipped: [], lastSeqId: reading.lastSeqId }
        : planFromReading(db, reading, { excluded, skipIndexCheck: target.skipIndexCheck });
      return { reading, prune, autoPurge: readAutoPurge(db, reading.schema) };
    });
  });
}

function sizesOf(dir: PersistDir, { pages, usage, obstacleToCopy: obstacle }: Reading, prune: PrunePlan): PlannedSizes {
  const sum = (measure: (topic: TopicUsage) => number): number =>
    [...usage.values()].reduce((total, each) => total + measure(each), 0);
  return {
    dir,
    databaseBytes: pages.pages * pages.pageSize,
    freeBytes: pages.freePages * pages.pageSize,
    prunableBytes: totalBytes(prune),
    prunableRows: totalRows(prune),
    keptRows: sum(({ rows }) => rows) - totalRows(prune),
    queueBytes: sum(({ bytes }) => bytes),
    queueLeafBytes: sum(({ leafBytes }) => leafBytes),
    pageSize: pages.pageSize,
    obstacleToCopy: obstacle,
  };
}

/** Lets SQLite play a hot journal back: asked for by --recover-journal, and only where nobody has the directory open. */
async function recoverJournal(context: GuardContext, isDryRun: boolean): Promise<void> {
  if (isDryRun) throw hotJournal(context.dir);
  await verifyNotInUse(context);
  openOnce(context.dir, context.waitMs);
}

/** Reads through memory maps, but for a network file system. */
export function readThroughMapsLocally(db: Database, { dir, host }: GuardContext): void {
  if (!host.fileSystemOf(dir.path).isNetwork) readThroughMaps(db);
}

/** Opens the database for writing and closes it again, which plays back a hot journal if there is one. */
function openOnce({ databasePath }: PersistDir, waitMs: number): void {
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
