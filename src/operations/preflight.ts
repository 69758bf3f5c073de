/**
 * What is asked before the database is opened: the guards on the path and the directory, and a hot journal played back
 * where that was asked for.
 */
import type { PersistDir } from '../chroma/persist-dir.ts';
import { withWritable } from '../sqlite/open.ts';
import { backupPlaces } from './backup-first.ts';
import type { CreateReport } from './backup/create.ts';
import { READ_WAIT_MS, type GuardContext, type Machine } from './guard-context.ts';
import { verifyDirectory, verifyPath, type Check } from './guards.ts';
import { settleHalfSwap, verifyNotHalfSwapped } from './half-swap.ts';
import { inUse, namingHolders, verifyNotInUse } from './in-use.ts';
import { hotJournal, locateSettled, statingRecovery } from './journal.ts';
import { freeByDevice } from './space.ts';
import type { Target } from './target.ts';

/** Beside a server, which is no reason to refuse by itself. */
const KEPT_LOCKED = 'the server kept the database locked: run this again, or wait for it longer with --wait 10m';

/** What is to be looked at, and for what. */
export interface PreflightRequest {
  readonly target: Target;
  /** A dry run lists the guards that fail instead of refusing. */
  readonly isDryRun: boolean;
  /** True where a hot journal was played back for this plan before. */
  readonly isJournalRecovered: boolean;
  /** Directories that may be written to. */
  readonly writesTo: readonly string[];
}

/** What was found out before the database was opened. */
export interface Preflight {
  readonly context: GuardContext;
  readonly checks: readonly Check[];
  readonly isJournalRecovered: boolean;
  /** Free bytes of each file system that may be written to. */
  readonly free: ReadonlyMap<bigint, number>;
  /** The snapshot that was made since; null where none was asked for, or not yet. */
  readonly backup: CreateReport | null;
}

/**
 * Runs the guards that need no reading, plays back a hot journal where that was asked for, and goes on with `work`. An
 * error then says of the data what is true of it, and names the processes that have it locked.
 */
export async function withPreflight<T>(
  { target, isDryRun, writesTo, isJournalRecovered: wasRecovered }: PreflightRequest,
  { host, ownProcesses }: Machine,
  work: (preflight: Preflight) => T | Promise<T>,
): Promise<T> {
  if (isDryRun) verifyNotHalfSwapped(target.path);
  else await settleHalfSwap(target.path, target.waitMs, host);
  const dir = await locateSettled(target.path, READ_WAIT_MS, { host, ownProcesses });
  const waitMs = isDryRun ? 0 : target.waitMs;
  const context: GuardContext = { dir, host, allow: target.allow, waitMs, ownProcesses };
  if (dir.journal === 'hot' && !isDryRun) verifyNoWriter(context);
  const pathChecks = await verifyPath(context);
  const isHot = dir.journal === 'hot';
  if (isHot) await recoverJournal(context, isDryRun);
  const isJournalRecovered = isHot || wasRecovered;
  return statingRecovery(isJournalRecovered, async () => {
    const [free, checks] = await Promise.all([
      freeByDevice([dir.path, ...writesTo, ...backupPlaces(target)], host),
      verifyDirectory(context, isDryRun),
    ]);
    const preflight = { context, checks: [...pathChecks, ...checks], isJournalRecovered, free, backup: null };
    return namingHolders(context, () => work(preflight), target.allow.whileRunning ? KEPT_LOCKED : undefined);
  });
}

/** Throws IN_USE where a process is there whose transaction the hot journal may be: nothing was cut off then. */
function verifyNoWriter({ dir, host, ownProcesses }: GuardContext): void {
  const { holders } = host.holdersOf(dir.path, ownProcesses);
  if (holders.length > 0) throw inUse(dir.given, holders);
}

/** Lets SQLite play a hot journal back: asked for by --recover-journal, and only where nobody has the directory open. */
async function recoverJournal(context: GuardContext, isDryRun: boolean): Promise<void> {
  if (isDryRun) throw hotJournal(context.dir);
  await verifyNotInUse(context);
  openOnce(context.dir, context.waitMs);
}

/** Opens the database for writing and closes it again, which plays back a hot journal if there is one. */
function openOnce({ databasePath }: PersistDir, waitMs: number): void {
  withWritable(databasePath, waitMs, (db) => db.prepare('SELECT COUNT(*) FROM sqlite_schema').get());
}
