/**
 * What must hold before anything is written: one list, in order, run by every writing verb and shown in its plan.
 * Each `verify` throws the operator's error, or returns what the plan should say about it.
 */
import { shellWord } from '../shell-word.ts';
import { accessSync, constants } from 'node:fs';
import type { PersistDir } from '../chroma/persist-dir.ts';
import { sequenceRegressions } from '../chroma/prune-plan.ts';
import { MaintError, systemErrorCode } from '../errors.ts';
import { quickCheck } from '../sqlite/quick-check.ts';
import { recoveringFrom } from '../sqlite/recovering.ts';
import {
  remark,
  warning,
  type GuardContext,
  type GuardNote,
  type LockedContext,
  type PlannedContext,
} from './guard-context.ts';
import { verifyNotInUse, verifyOneServer } from './in-use.ts';
import { verifyJournal } from './journal.ts';
import type { Reading } from './reading.ts';
import { verifySpace } from './space.ts';

interface GuardAt<Stage extends string, Context> {
  readonly stage: Stage;
  /** What holds where the guard is satisfied, in two or three words. */
  readonly title: string;
  /** Absent for a guard that holds whether Chroma is stopped or may be running. */
  readonly when?: 'stopped' | 'running';
  verify(context: Context): Promise<GuardNote> | GuardNote;
}

/** From `planned` on the database is open, perhaps locked: such a guard does not wait for anything. */
interface PromptGuardAt<Stage extends string, Context> extends GuardAt<Stage, Context> {
  verify(context: Context): GuardNote;
}

export type Guard =
  /** What they guard against forbids reading. */
  | GuardAt<'path', GuardContext>
  | GuardAt<'directory', GuardContext>
  | PromptGuardAt<'planned', PlannedContext>
  | PromptGuardAt<'locked', LockedContext>;

export const GUARDS: readonly Guard[] = [
  { stage: 'path', title: 'one regular database file', verify: verifyPlace },
  { stage: 'path', title: 'no open journal', verify: verifyJournal },
  { stage: 'planned', title: 'schema known', verify: () => null },
  { stage: 'directory', title: 'local disk', verify: verifyLocalFileSystem },
  { stage: 'directory', title: 'not in use', when: 'stopped', verify: verifyNotInUse },
  { stage: 'directory', title: 'one server at most', when: 'running', verify: verifyOneServer },
  { stage: 'directory', title: 'writable', verify: verifyWritable },
  { stage: 'planned', title: 'space', verify: verifySpace },
  { stage: 'planned', title: 'watermarks', verify: verifySequence },
  // Beside a server it would keep that from saving anything for as long as it reads.
  { stage: 'locked', title: 'integrity', when: 'stopped', verify: verifyIntegrity },
];

export type Check =
  | { readonly title: string; readonly status: 'passed'; readonly note: GuardNote }
  /** Would refuse: only in a dry run, where a plan is shown all the same. */
  | { readonly title: string; readonly status: 'failed'; readonly error: MaintError }
  /** Runs under the lock: `when` says when. */
  | { readonly title: string; readonly status: 'later'; readonly when: string };

/** Runs the guards on the path alone. Throws at the first that fails: what they guard against forbids reading. */
export async function verifyPath(context: GuardContext): Promise<readonly Check[]> {
  const checks: Check[] = [];
  for (const guard of GUARDS) {
    if (guard.stage === 'path' && isAsked(guard, context))
      checks.push(passed(guard.title, await guard.verify(context)));
  }
  return checks;
}

/** Runs the guards that need no reading. Throws at the first that fails, but for a dry run. */
export async function verifyDirectory(context: GuardContext, isDryRun: boolean): Promise<readonly Check[]> {
  const checks: Check[] = [];
  for (const guard of GUARDS) {
    if (guard.stage !== 'directory' || !isAsked(guard, context)) continue;
    try {
      checks.push(passed(guard.title, await guard.verify(context)));
    } catch (error) {
      checks.push(failed(guard.title, error, isDryRun));
    }
  }
  return checks;
}

/** Runs the guards on the plan. Throws at the first that fails, but for a dry run. */
export function verifyPlanned(context: PlannedContext, isDryRun: boolean): readonly Check[] {
  return GUARDS.flatMap((guard): readonly Check[] => {
    if (!isAsked(guard, context)) return [];
    if (guard.stage === 'locked') return [{ title: guard.title, status: 'later', when: 'before the first write' }];
    if (guard.stage !== 'planned') return [];
    try {
      return [passed(guard.title, guard.verify(context))];
    } catch (error) {
      return [failed(guard.title, error, isDryRun)];
    }
  });
}

function isAsked({ when }: Guard, { allow }: Pick<GuardContext, 'allow'>): boolean {
  return when === undefined || (when === 'running') === allow.whileRunning;
}

/** A dry run writes nothing, so a failed guard is reported in its plan; damage is not, for it forbids to plan at all. */
function failed(title: string, error: unknown, isDryRun: boolean): Check {
  if (!isDryRun || !(error instanceof MaintError) || error.code === 'CORRUPT') throw error;
  return { title, status: 'failed', error };
}

/** The checks in the order of {@link GUARDS}, whenever each was made. */
export function inGuardOrder(checks: readonly Check[]): readonly Check[] {
  const order = GUARDS.map(({ title }) => title);
  return checks.toSorted((a, b) => order.indexOf(a.title) - order.indexOf(b.title));
}

/** Runs the guards that need the lock. Throws at the first that fails. */
export function verifyLocked(context: LockedContext): readonly Check[] {
  return GUARDS.flatMap((guard) => {
    if (guard.stage !== 'locked') return [];
    return [passed(guard.title, guard.verify(context))];
  });
}

function passed(title: string, note: GuardNote): Check {
  return { title, status: 'passed', note };
}

function verifyPlace({ dir }: GuardContext): GuardNote {
  const { isSymlink, links } = dir.database;
  if (isSymlink) {
    throw unsafePlace(
      `the database is a symbolic link: ${dir.path}`,
      `it leads to ${dir.databasePath}`,
      'name the directory that holds the real file',
    );
  }
  if (links > 1) {
    throw unsafePlace(
      `the database has ${links} names (hard links): ${dir.databasePath}`,
      'SQLite finds a journal by name, so a process that uses another name would not see it',
      'remove the other names, or copy the directory and work on the copy',
    );
  }
  return null;
}

/** Throws UNSAFE_PLACE on a network file system, unless that was allowed. */
export function verifyLocalFileSystem({
  dir,
  host,
  allow,
}: Pick<GuardContext, 'host' | 'allow'> & { readonly dir: { readonly path: string } }): GuardNote {
  const { name, isNetwork } = host.fileSystemOf(dir.path);
  if (!isNetwork) return remark(name);
  if (allow.networkFs)
    return warning(`the directory is on a network file system (${name}), allowed by --allow-network-fs`);
  throw unsafePlace(
    `the directory is on a network file system (${name}): ${dir.path}`,
    'locks and journals cannot be relied on there',
    'copy it to a local disk and work there; or stop every user of it and give --allow-network-fs',
  );
}

function verifyWritable({ dir, host }: GuardContext): GuardNote {
  try {
    // The journal is created beside the database, so the directory must be writable too.
    for (const path of [dir.databasePath, dir.path]) accessSync(path, constants.W_OK);
  } catch (cause) {
    const isReadOnly = systemErrorCode(cause) === 'EROFS';
    throw new MaintError('NOT_WRITABLE', {
      message: `${isReadOnly ? 'the file system is mounted read-only' : 'this user may not write here'}: ${dir.path}`,
      hint: isReadOnly
        ? 'mount it read-write, or copy the directory to another place and work there'
        : 'run this as the user that owns the directory',
      cause,
    });
  }
  const { owner } = dir.database;
  return host.userId() === 0 && owner !== 0
    ? warning(`running as root on files of user ${owner}; owner and mode are kept`)
    : null;
}

/** Throws CORRUPT where a recorded position is ahead of the queue. */
export function verifySequence({
  dir,
  reading,
}: {
  readonly dir: PersistDir;
  readonly reading: Pick<Reading, 'collections' | 'lastSeqId'>;
}): GuardNote {
  const [worst, ...others] = sequenceRegressions(reading.collections, reading.lastSeqId);
  if (worst === undefined) return null;
  const name = reading.collections.find(({ id }) => id === worst.collectionId)?.name ?? worst.collectionId;
  throw new MaintError('CORRUPT', {
    message: `a recorded position is ahead of the WAL: ${dir.path}`,
    details: [
      `collection ${name} is recorded up to ${worst.seqId}, the last row of the WAL is ${reading.lastSeqId}`,
      ...(others.length > 0 ? [`${others.length} more recorded positions are ahead as well`] : []),
      'rows were deleted from the end of the WAL, or the position was overwritten; Chroma drops new writes below it without a word',
    ],
    hint: `see what is affected: chroma-maint inspect ${shellWord(dir.given)}; then restore a backup or re-add the records`,
  });
}

function verifyIntegrity({ dir, db, without = [] }: LockedContext): GuardNote {
  const problems = quickCheck(db, 'main', without);
  if (problems.length === 0) return null;
  throw new MaintError('CORRUPT', {
    message: `SQLite's quick_check found damage: ${dir.databasePath}`,
    details: problems.slice(0, 5),
    hint: recoveringFrom(dir.databasePath),
  });
}

function unsafePlace(message: string, detail: string, hint: string): MaintError {
  return new MaintError('UNSAFE_PLACE', { message, details: [detail], hint });
}
