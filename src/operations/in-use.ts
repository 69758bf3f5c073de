/**
 * Is anybody else using the directory? SQLite's locks cannot tell: an idle Chroma holds none.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { MaintError } from '../errors.ts';
import type { Holder, HolderScan } from '../host/host.ts';
import { remark, warning, type GuardContext, type GuardNote } from './guard-context.ts';

const POLL_MS = 500;
const MOST_SHOWN = 5;

interface Use extends Pick<GuardContext, 'host' | 'ownProcesses' | 'waitMs'> {
  readonly dir: { readonly given: string; readonly path: string };
}

/** Throws IN_USE where a process has the directory open when the wait is over. */
export async function verifyNotInUse({ dir, host, ownProcesses, waitMs }: Use): Promise<GuardNote> {
  const deadline = Date.now() + waitMs;
  let scan = host.holdersOf(dir.path, ownProcesses);
  while (scan.holders.length > 0 && Date.now() < deadline) {
    await delay(Math.min(POLL_MS, Math.max(deadline - Date.now(), 1)));
    scan = host.holdersOf(dir.path, ownProcesses);
  }
  if (scan.holders.length > 0) throw inUse(dir.given, scan.holders);
  const unknown = uncertainty(scan);
  return unknown === null ? null : warning(unknown);
}

/** Throws IN_USE where more than one process has the directory open: two servers on one directory damage it by themselves. */
export function verifyOneServer({ dir, host, ownProcesses }: Omit<Use, 'waitMs'>): GuardNote {
  const scan = host.holdersOf(dir.path, ownProcesses);
  const [server, ...others] = scan.holders;
  if (others.length > 0) {
    throw new MaintError('IN_USE', {
      message: `more than one process uses ${dir.given}`,
      details: describeHolders(scan.holders),
      hint: 'leave one server running, or stop all of them and leave out --while-running',
    });
  }
  const unknown = uncertainty(scan, true);
  if (unknown !== null) return warning(unknown);
  return server === undefined ? null : remark(`pid ${server.pid}  ${server.command}`);
}

/** What the scan could not see, in words; null where it saw every process. `mayRun` where one server may be there. */
export function uncertainty({ unreadable, isSupported }: HolderScan, mayRun = false): string | null {
  if (!isSupported) {
    const advice = mayRun ? 'make sure that only one Chroma uses it' : 'make sure that Chroma is stopped';
    return `this system does not show which process has a file open; ${advice}`;
  }
  if (unreadable === 0) return null;
  const processes = unreadable === 1 ? '1 process' : `${unreadable} processes`;
  const how = mayRun ? 'at most one' : 'none';
  return `${processes} of other users could not be looked into; make sure that ${how} of them is Chroma`;
}

export function inUse(given: string, holders: readonly Holder[]): MaintError {
  return new MaintError('IN_USE', {
    message: `${given} is in use by another process`,
    details: describeHolders(holders),
    hint: 'stop Chroma, then run this again; or wait for it with --wait 10m',
  });
}

/** One line for each holder: PID, user, command, what it has open. */
export function describeHolders(holders: readonly Holder[]): readonly string[] {
  const lines = holders.slice(0, MOST_SHOWN).map((holder) => {
    return `pid ${holder.pid}  ${holder.command}  (user ${holder.user}) ${heldBy(holder)}`;
  });
  return holders.length > MOST_SHOWN ? [...lines, `and ${holders.length - MOST_SHOWN} more`] : lines;
}

/** True for a line of {@link describeHolders}. */
function isHolder(line: string): boolean {
  return /^pid \d+ /.test(line);
}

function heldBy({ openFiles, hasDatabaseOpen }: Holder): string {
  if (openFiles === 0) return 'serves this directory';
  const others = openFiles - (hasDatabaseOpen ? 1 : 0);
  const files = `${others} other ${others === 1 ? 'file' : 'files'}`;
  if (!hasDatabaseOpen) return `has ${files} of it open`;
  return others === 0 ? 'has chroma.sqlite3 open' : `has chroma.sqlite3 and ${files} open`;
}

/**
 * Runs `work`; where it meets a lock, the error names the processes that have the directory open, and advises `hint`
 * where one is given.
 */
export async function namingHolders<T>(
  { dir, host, ownProcesses }: Pick<GuardContext, 'dir' | 'host' | 'ownProcesses'>,
  work: () => T | Promise<T>,
  hint?: string,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MaintError) || error.code !== 'IN_USE' || error.details.some(isHolder)) throw error;
    const { holders } = host.holdersOf(dir.path, ownProcesses);
    const named = holders.length === 0 ? error : inUse(dir.given, holders);
    const { message, details } = named;
    throw new MaintError('IN_USE', { message, details, state: error.state, hint: hint ?? named.hint, cause: error });
  }
}
