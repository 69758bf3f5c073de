/**
 * The way into a directory for commands that only look: on a read-only mount and beside a running server too.
 */
import type { PersistDir } from '../chroma/persist-dir.ts';
import type { Host, HolderScan } from '../host/host.ts';
import { keepView, whileReadOnly, type Database } from '../sqlite/open.ts';
import { READ_WAIT_MS, type GuardContext } from './guard-context.ts';
import { verifyNotHalfSwapped } from './half-swap.ts';
import { namingHolders } from './in-use.ts';
import { locateSettled, verifyJournal } from './journal.ts';
import { unseenIn } from './proof.ts';

/** What only looks has no option to wait longer. */
export const LOOK_AGAIN = 'run this again: a lock is held for moments, unless somebody works on the database';

export interface Located extends GuardContext {
  readonly holders: HolderScan;
}

/** Finds the directory. Throws where there is none, and where reading it would change it or misread it. */
export async function locateToLook(path: string, host: Host): Promise<Located> {
  const ownProcesses = [process.pid];
  verifyNotHalfSwapped(path);
  const dir = await locateSettled(path, READ_WAIT_MS, { host, ownProcesses });
  const allow = { recoverJournal: false, networkFs: true, whileRunning: false };
  const context = { dir, host, allow, waitMs: READ_WAIT_MS, ownProcesses };
  verifyJournal(context);
  return { ...context, holders: host.holdersOf(dir.path, ownProcesses) };
}

/**
 * Runs `work` on the database of `path`, for which it may take its time. It keeps one view of it where that is wanted
 * and it is certain that nobody is there; else each statement sees the moment at which it runs.
 */
export async function whileLooking<T>(
  path: string,
  host: Host,
  { keepsView }: { readonly keepsView: boolean },
  work: (db: Database, dir: PersistDir) => Promise<T>,
): Promise<T> {
  const located = await locateToLook(path, host);
  const { dir, holders } = located;
  const looked = (): Promise<T> =>
    whileReadOnly(dir.databasePath, READ_WAIT_MS, (db) => {
      if (keepsView && holders.holders.length === 0 && unseenIn(holders) === null) keepView(db);
      return work(db, dir);
    });
  return namingHolders(located, looked, LOOK_AGAIN);
}
