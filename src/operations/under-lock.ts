/**
 * What every writing verb does under SQLite's exclusive lock, in the working process, before it writes: read and plan,
 * and compare with what was agreed to.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { INDEX_FILE_NAMES } from '../chroma/hnsw-files.ts';
import type { PersistDir } from '../chroma/persist-dir.ts';
import { isSamePlan, type PrunePlan } from '../chroma/prune-plan.ts';
import { MaintError, systemErrorCode } from '../errors.ts';
import { borrowedDescriptor, readChangeCounter } from '../sqlite/descriptor.ts';
import { inReadTransaction, withReadOnly, withWritable, type Database } from '../sqlite/open.ts';
import { removeLeftover } from '../sqlite/rebuilt-file.ts';
import { backUp, statingBackup, verifyCopied } from './backup-first.ts';
import { allQueueRows } from './collections.ts';
import type { Observer, Planned } from './observer.ts';
import type { Machine } from './guard-context.ts';
import { planOn, type PlannedWork, type Planning, type Strategy } from './planning.ts';
import { withPreflight, type Preflight } from './preflight.ts';
import type { Reading } from './reading.ts';
import { freeByDevice } from './space.ts';

/** Opens the directory of `planning` for writing, once the guards that need no reading have passed. */
export function withDirectory<T>(
  planning: Planning<Strategy>,
  machine: Machine,
  observer: Observer,
  work: (db: Database, preflight: Preflight) => T,
): Promise<T> {
  observer.onStage('checking');
  return withPreflight(planning, machine, async (checked) => {
    const preflight = await withBackup(planning, checked, machine, observer);
    const { dir, waitMs } = preflight.context;
    try {
      return withWritable(dir.databasePath, waitMs, (db) => work(db, preflight));
    } catch (error) {
      throw statingBackup(error, preflight.backup);
    }
  });
}

/** Makes the snapshot that was asked for, once it is known that there is room for everything. */
async function withBackup(
  planning: Planning<Strategy>,
  preflight: Preflight,
  machine: Machine,
  observer: Observer,
): Promise<Preflight> {
  const { target, writesTo } = planning;
  if (target.backup === null) return preflight;
  const { context } = preflight;
  const { databasePath, path } = context.dir;
  withReadOnly(databasePath, context.waitMs, (db) => inReadTransaction(db, () => planOn(db, preflight, planning)));
  const backup = await backUp(target.backup, context, machine, observer);
  observer.onStage('checking');
  return { ...preflight, backup, free: await freeByDevice([path, ...writesTo], context.host) };
}

/** Whether a plan is the one that a person said yes to. Where nobody was asked, every plan is. */
export type Consent<S extends Strategy> = (planned: PlannedWork<S>) => boolean;

/** Consent to a prune: the same rows go. */
export function consentToPrune(agreed: PrunePlan | null): Consent<Strategy> {
  return ({ plan }) => agreed === null || isSamePlan(plan.prune, agreed);
}

/**
 * Plans inside the exclusive transaction, which shuts out a Chroma that would save an index inside an uncommitted one.
 * Throws PLAN_STALE where something else would be done now than what was agreed to, or where a snapshot that was made
 * first is of another database: `commitsSince` transactions of this run have written since.
 */
export function planUnderLock<S extends Strategy>(
  db: Database,
  preflight: Preflight,
  planning: Planning<S>,
  isAgreed: Consent<S>,
  commitsSince = 0,
): PlannedWork<S> {
  const { dir } = preflight.context;
  if (preflight.backup !== null) verifyCopied(preflight.backup, commitsSince, dir);
  removeLeftover(dir.databasePath);
  const planned = planOn(db, preflight, planning);
  if (isAgreed(planned)) return planned;
  throw new MaintError('PLAN_STALE', {
    message: `${dir.given} changed after the plan was shown`,
    details: ['something else would be done now than what was agreed to'],
    hint: 'make sure that Chroma is stopped, then run this again',
  });
}

/** What an observer is told of a plan before anything of it is done. */
export function inNumbers(
  { plan, reading, context }: PlannedWork<Strategy>,
  expectedBytes: number,
  { alreadyDone = null, besides = null }: Partial<Pick<Planned, 'alreadyDone' | 'besides'>> = {},
): Planned {
  const descriptor = borrowedDescriptor(context.dir.databasePath);
  return {
    queueRows: allQueueRows(reading),
    lastSeqId: reading.lastSeqId,
    databaseBytes: plan.databaseBytes,
    expectedBytes,
    checks: plan.checks,
    changeCounter: descriptor === null ? null : readChangeCounter(descriptor),
    alreadyDone,
    besides,
  };
}

/** From so many indexes on the whole file system is synced instead: each file costs a flush of the disk's cache. */
const MANY_INDEXES = 100;

/**
 * Chroma never syncs its index files. Until they are on the disk, a power loss could take them and leave the deleted
 * rows deleted: then nobody would hold those vectors. `onGone` takes what the system says of an index that is not there.
 */
export function syncIndexes(
  { plan, reading, context: { dir, host } }: PlannedWork<Strategy>,
  onGone: (error: unknown) => void = rethrow,
): void {
  const directories = indexDirectories(dir, reading, plan.prune);
  const isSynced = directories.length >= MANY_INDEXES && host.syncFileSystem(dir.path);
  const device = statSync(dir.path).dev;
  const syncIndex = (directory: string): void => {
    // A link may lead to another file system.
    const isCovered = isSynced && statSync(directory).dev === device;
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const isNeeded = INDEX_FILE_NAMES.includes(entry.name) && !(isCovered && entry.isFile());
      if (isNeeded) host.sync(join(directory, entry.name));
    }
    if (!isCovered) host.sync(directory);
  };
  for (const directory of directories) {
    try {
      syncIndex(directory);
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
      onGone(error);
    }
  }
}

function rethrow(error: unknown): never {
  throw error;
}

/** Directories of the vector segments that the steps of `plan` rest on. */
function indexDirectories({ path }: PersistDir, reading: Reading, plan: PrunePlan): readonly string[] {
  const pruned = new Set(plan.steps.map(({ collectionId }) => collectionId));
  return reading.collections
    .filter(({ id }) => pruned.has(id))
    .flatMap(({ segments }) => segments.filter(({ kind }) => kind === 'vector').map(({ id }) => join(path, id)));
}
