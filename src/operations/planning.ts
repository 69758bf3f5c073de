/**
 * From a path to a plan: after the preflight the reading and what follows from it, which is the same on a read-only
 * connection and under the exclusive lock.
 */
import { readAutoPurge, type AutoPurge } from '../chroma/auto-purge.ts';
import type { Generation, MigrationVersions, TopicUsage } from '../chroma/model.ts';
import type { PersistDir } from '../chroma/persist-dir.ts';
import { totalBytes, totalRows, type PrunePlan } from '../chroma/prune-plan.ts';
import type { Host } from '../host/host.ts';
import type { AutoVacuum } from '../sqlite/auto-vacuum.ts';
import { inReadTransaction, readThroughMaps, withReadOnly, type Database } from '../sqlite/open.ts';
import { allQueueRows, collectionPlans, type CollectionPlan } from './collections.ts';
import { backupNeed } from './backup-first.ts';
import type { CreateReport } from './backup/create.ts';
import { READ_WAIT_MS, type Alternative, type GuardContext, type SpaceNeed } from './guard-context.ts';
import { inGuardOrder, verifyPlanned, type Check } from './guards.ts';
import { withPreflight, type Preflight, type PreflightRequest } from './preflight.ts';
import { planFromReading, readDirectory, type Reading } from './reading.ts';
import { redacted } from './redact.ts';
import { excludedBy, type Target } from './target.ts';

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
  readonly generation: Generation;
  /** How the file gives pages back. */
  readonly autoVacuum: AutoVacuum;
  /** True where a hot journal was played back before the plan was made. */
  readonly isJournalRecovered: boolean;
  readonly backup: PlannedBackup | null;
}

/** The snapshot that comes first, of so many bytes. */
export type PlannedBackup =
  | { readonly kind: 'planned'; readonly repository: string; readonly bytes: number }
  | { readonly kind: 'made'; readonly report: CreateReport };

/** What a verb plans, and for whom. */
export interface Planning<S extends Strategy> extends PreflightRequest {
  /** Leaves the prune out of the plan: nothing is to be deleted. */
  readonly withoutPrune: boolean;
  readonly strategy: (sizes: PlannedSizes, context: GuardContext, source: PlanSource) => S;
}

/** How a verb goes about its work, and what that needs. */
export interface Strategy {
  readonly needs: readonly SpaceNeed[];
  readonly alternatives: readonly Alternative[];
  readonly whenShort: string;
}

/** What a strategy may look at beyond the sizes. */
export interface PlanSource {
  readonly db: Database;
  readonly reading: Reading;
}

/** A plan with what it was made from. */
export interface PlannedWork<S extends Strategy> {
  readonly plan: DirectoryPlan;
  readonly strategy: S;
  readonly reading: Reading;
  readonly context: GuardContext;
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
  /** How the file gives pages back. */
  readonly autoVacuum: AutoVacuum;
  /** Why the database cannot be copied table by table, null where it can. */
  readonly obstacleToCopy: string | null;
}

/** Plans on a read-only connection. Throws the first guard that fails; in a dry run those are listed in the plan. */
export function planDirectory<S extends Strategy>(planning: Planning<S>, host: Host): Promise<PlannedWork<S>> {
  const { target, isDryRun } = planning;
  // A dry run may be made beside a running server, whose commits are short.
  const waitMs = isDryRun ? Math.max(target.waitMs, READ_WAIT_MS) : target.waitMs;
  return withPreflight(planning, { host, ownProcesses: [process.pid] }, (preflight) =>
    withReadOnly(preflight.context.dir.databasePath, waitMs, (db) =>
      // Beside a server an open read would keep it from committing.
      target.allow.whileRunning
        ? planOn(db, preflight, planning)
        : inReadTransaction(db, () => planOn(db, preflight, planning)),
    ),
  );
}

/** Reads and plans through `db`. */
export function planOn<S extends Strategy>(
  db: Database,
  { context, checks, isJournalRecovered, free, backup }: Preflight,
  { target, isDryRun, withoutPrune, strategy: strategyFor }: Planning<S>,
): PlannedWork<S> {
  const { dir, host } = context;
  if (!host.fileSystemOf(dir.path).isNetwork) readThroughMaps(db);
  const asksIndexes = !withoutPrune && !target.skipIndexCheck;
  const isShared = target.allow.whileRunning;
  const retention = withoutPrune ? null : target.retention;
  const found = readDirectory(db, dir, (named) => ({
    excluded: excludedBy(target, named),
    asksIndexes,
    retention,
    isShared,
  }));
  const reading = target.redact ? redacted(found) : found;
  const { lastSeqId } = reading;
  const prune = withoutPrune ? { steps: [], skipped: [], held: new Map(), lastSeqId } : planFromReading(reading);
  const sizes = sizesOf(dir, reading, prune);
  const strategy = strategyFor(sizes, context, { db, reading });
  const first = target.backup === null || backup !== null ? [] : [backupNeed(target.backup, dir)];
  const needs = [...first, ...strategy.needs];
  const alternatives = strategy.alternatives.map((other) => ({ ...other, needs: [...first, ...other.needs] }));
  const { whenShort } = strategy;
  const plannedChecks = verifyPlanned({ ...context, reading, free, needs, alternatives, whenShort }, isDryRun);
  const plan = {
    target,
    isDryRun,
    dir,
    prune,
    collections: collectionPlans(reading, prune),
    databaseBytes: sizes.databaseBytes,
    freeBytes: sizes.freeBytes,
    checks: inGuardOrder([...checks, ...plannedChecks]),
    autoPurge: readAutoPurge(db, reading.schema),
    versions: reading.schema.versions,
    generation: reading.schema.generation,
    autoVacuum: reading.autoVacuum,
    isJournalRecovered,
    backup: plannedBackup(target, backup, first),
  };
  return { plan, strategy, reading, context };
}

function plannedBackup(
  { backup: asked }: Target,
  made: CreateReport | null,
  needs: readonly SpaceNeed[],
): PlannedBackup | null {
  if (made !== null) return { kind: 'made', report: made };
  if (asked === null) return null;
  const bytes = needs.reduce((sum, need) => sum + need.bytes, 0);
  return { kind: 'planned', repository: asked.repository, bytes };
}

/** The numbers that space is estimated from, of a reading and a prune of it. */
export function sizesOf(
  dir: PersistDir,
  { pages, usage, autoVacuum, obstacleToCopy: obstacle }: Reading,
  prune: PrunePlan,
): PlannedSizes {
  const sum = (measure: (topic: TopicUsage) => number): number =>
    [...usage.values()].reduce((total, each) => total + measure(each), 0);
  return {
    dir,
    databaseBytes: pages.pages * pages.pageSize,
    freeBytes: pages.freePages * pages.pageSize,
    prunableBytes: totalBytes(prune),
    prunableRows: totalRows(prune),
    keptRows: allQueueRows({ usage }) - totalRows(prune),
    queueBytes: sum(({ bytes }) => bytes),
    queueLeafBytes: sum(({ leafBytes }) => leafBytes),
    pageSize: pages.pageSize,
    autoVacuum,
    obstacleToCopy: obstacle,
  };
}
