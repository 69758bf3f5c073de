/**
 * One short transaction beside a server.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { PersistDir } from '../../chroma/persist-dir.ts';
import { MaintError } from '../../errors.ts';
import { inShortTransaction, withWritable, type Database } from '../../sqlite/open.ts';
import { READ_WAIT_MS, type GuardContext } from '../guard-context.ts';
import { verifyOneServer } from '../in-use.ts';
import { locateSettled, verifyJournal } from '../journal.ts';
import { pauseAfter, type OnlineLimits } from './pace.ts';

/** A lock that others hold is waited for in short turns: what is waited for in SQLite cannot be ended gently. */
const LOCK_WAIT_MS = 250;
/** Until then a server that is busy is given time, whatever was asked for with --wait. */
const PATIENCE_MS = 5_000;

/** How a run beside a server goes about it. */
export interface Pacing {
  readonly limits: OnlineLimits;
  readonly times: LockTimes;
}

/** How long a server was kept from writing. */
export interface LockTimes {
  /** By one transaction, whatever became of it, in milliseconds. */
  longestMs: number;
  /** By the last one. */
  lastMs: number;
}

export function noLocks(): LockTimes {
  return { longestMs: 0, lastMs: 0 };
}

/** Runs `work` in one short transaction, and notes in `times` how long that kept others from writing. */
export function inTimedTransaction<T>(db: Database, times: LockTimes, work: () => T): T {
  let begun: number | null = null;
  try {
    return inShortTransaction(db, () => {
      begun = performance.now();
      return work();
    });
  } finally {
    times.lastMs = begun === null ? 0 : performance.now() - begun;
    times.longestMs = Math.max(times.longestMs, times.lastMs);
  }
}

/**
 * Runs `work`, which begins and ends the transaction, on a connection of its own, once it is known that nothing around
 * has changed that would forbid it. Tries again while others hold a lock, until the operator's patience is at its end.
 */
export async function besideServer<T>(
  context: GuardContext,
  { limits, times }: Pacing,
  work: (db: Database, dir: PersistDir) => T,
): Promise<T> {
  const { host, ownProcesses } = context;
  verifyOneServer(context);
  // At the last moment: SQLite would play a hot journal back, which is for an operator to allow.
  const dir = await locateSettled(context.dir.given, READ_WAIT_MS, { host, ownProcesses });
  verifyJournal({ ...context, dir });
  return patiently(
    context,
    () => pauseAfter(limits, times.lastMs),
    () => withWritable(dir.databasePath, LOCK_WAIT_MS, (db) => work(db, dir)),
  );
}

async function patiently<T>({ waitMs }: GuardContext, pauseMs: () => number, work: () => T): Promise<T> {
  const deadline = Date.now() + Math.max(waitMs, PATIENCE_MS);
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof MaintError) || error.code !== 'IN_USE' || Date.now() > deadline) throw error;
      // A commit that somebody's reading has kept waiting has kept others out.
      await delay(Math.max(LOCK_WAIT_MS, pauseMs()));
    }
  }
}
