/**
 * What a guard is given to look at, and what it may say.
 */
import type { PersistDir } from '../chroma/persist-dir.ts';
import type { Host } from '../host/host.ts';
import type { Database } from '../sqlite/open.ts';
import type { Reading } from './reading.ts';

/** How long a reader waits where a server may be committing: longer than one commit takes. */
export const READ_WAIT_MS = 5_000;

/** This machine and the processes on it that are this run. */
export interface Machine {
  readonly host: Host;
  /** The process itself, and the child or parent that works with it. */
  readonly ownProcesses: readonly number[];
}

/** The checks an operator may switch off, each named after what it allows. */
export interface Allowances {
  readonly recoverJournal: boolean;
  readonly networkFs: boolean;
  /** One server may have the directory open. Then nothing else may be switched off. */
  readonly whileRunning: boolean;
}

export interface GuardContext extends Machine {
  readonly dir: PersistDir;
  readonly allow: Allowances;
  /** How long to wait for whoever has the directory open, in milliseconds. */
  readonly waitMs: number;
}

/** Once the directory has been read and the plan is known. */
export interface PlannedContext extends GuardContext {
  readonly reading: Reading;
  /** Free bytes of each file system that may be written to, by device. */
  readonly free: ReadonlyMap<bigint, number>;
  readonly needs: readonly SpaceNeed[];
  /** What could be done instead where the space is not there, the best first. */
  readonly alternatives: readonly Alternative[];
  /** What to do where none of them fits either. */
  readonly whenShort: string;
}

/** Under the exclusive lock, just before the first write. */
export interface LockedContext {
  readonly dir: PersistDir;
  readonly db: Database;
  /** Tables that may be damaged, because they are made anew. */
  readonly without?: readonly string[];
}

/** A remark for the plan, or null where there is nothing to add. Warnings are also shown where no plan is. */
export type GuardNote = { readonly severity: 'info' | 'warning'; readonly text: string } | null;

export function remark(text: string): GuardNote {
  return { severity: 'info', text };
}

export function warning(text: string): GuardNote {
  return { severity: 'warning', text };
}

/** What a plan is about to write, and where. */
export interface SpaceNeed {
  /** A directory on the file system that is written to. */
  readonly directory: string;
  readonly bytes: number;
  readonly purpose: string;
}

/** Another way to go, for where there is no room for this one. */
export interface Alternative {
  readonly title: string;
  readonly needs: readonly SpaceNeed[];
  /** What to do, and what that gives. */
  readonly offer: string;
}
