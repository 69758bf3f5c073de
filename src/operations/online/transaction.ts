/**
 * One short transaction beside a server.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { PersistDir } from '../../chroma/persist-dir.ts';
import { MaintError } from '../../errors.ts';
import { withWritable, type Database } from '../../sqlite/open.ts';
import { READ_WAIT_MS, type GuardContext } from '../guard-context.ts';
import { verifyOneServer } from '../in-use.ts';
import { locateSettled, verifyJournal } from '../journal.ts';

/** A lock that others hold is waited for in short turns: what is waited for in SQLite cannot be ended gently. */
const LOCK_WAIT_MS = 250;
/** Until then a server that is busy is given time, whatever was asked for with --wait. */
const PATIENCE_MS = 5_000;

/**
 * Runs `work`, which begins and ends the transaction, on a connection of its own, once it is known that nothing around
 * has changed that would forbid it. Tries again while others hold a lock, until the operator's patience is at its end.
 */
export async function besideServer<T>(context: GuardContext, work: (db: Database, dir: PersistDir) => T): Promise<T> {
  const { host, ownProcesses } = context;
  verifyOneServer(context);
  // At the last moment: SQLite would play a hot journal back, which is for an operator to allow.
  const dir = await locateSettled(context.dir.given, READ_WAIT_MS, { host, ownProcesses });
  verifyJournal({ ...context, dir });
  return patiently(context, () => withWritable(dir.databasePath, LOCK_WAIT_MS, (db) => work(db, dir)));
}

async function patiently<T>({ waitMs }: GuardContext, work: () => T): Promise<T> {
  const deadline = Date.now() + Math.max(waitMs, PATIENCE_MS);
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof MaintError) || error.code !== 'IN_USE' || Date.now() > deadline) throw error;
      await delay(LOCK_WAIT_MS);
    }
  }
}
