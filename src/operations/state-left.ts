/**
 * What state a directory is in after a working process that was ended.
 */
import { statSync } from 'node:fs';
import { countUpTo } from '../chroma/embeddings-queue.ts';
import { locatePersistDir } from '../chroma/persist-dir.ts';
import { segmentDirNames } from '../chroma/segment-dirs.ts';
import { messageOf, NOTHING_CHANGED } from '../errors.ts';
import { inExclusiveTransaction, withReadOnly, withWritable } from '../sqlite/open.ts';
import { removeLeftover } from '../sqlite/rebuilt-file.ts';
import { counted, formatBytes } from '../units.ts';
import { unfinishedPurges } from '../repository/quarantine-purge.ts';
import { listQuarantines, removeIfEmpty, type Quarantine } from '../repository/quarantine.ts';
import { autoPurgeDone } from './auto-purge/step.ts';
import type { PlannedJob } from './job.ts';
import type { Planned } from './observer.ts';
import { NOT_OVERWRITTEN, SCRUBBED } from './scrub/state.ts';
import type { StateBefore } from './state-before.ts';

const READ_ONCE = 'SELECT COUNT(*) FROM sqlite_schema';

/** How long the clean-up after an ended child may wait for a lock: longer than a checkpoint of anybody else's takes. */
const RECOVERY_WAIT_MS = 10_000;

/** What a clean-up, or the clean-up that comes before a vacuum, has done once it is committed. */
export const ROWS_CLEANED = 'the rows of deleted collections were deleted';

const REBUILT = 'the new database is in place, with everything done that was planned';

/** How far the overwriting had come cannot be told any more: the name of the old file is gone. */
const SCRUBBED_IN_PART = `the new database is in place; ${NOT_OVERWRITTEN}`;

const MAYBE_GIVEN =
  'free pages may have been given back, and the server may have filled as many; nothing else was changed';

/**
 * Rolls back what is unfinished, removes a new file that was not put in place, and says in words what is there. `planned`
 * is null where the process had not come to a plan. `isOverwritten` says of a scrub that it has come so far.
 */
export function stateLeft(
  job: PlannedJob,
  persistDir: string,
  before: StateBefore,
  planned: Planned | null,
  isOverwritten = false,
): string {
  try {
    const { path, databasePath } = locatePersistDir(persistDir);
    const replaced = job.kind === 'scrub' ? (isOverwritten ? SCRUBBED : SCRUBBED_IN_PART) : REBUILT;
    withWritable(databasePath, RECOVERY_WAIT_MS, (db) => {
      // A server is not to wait for this: reading once plays a hot journal back, and there is no new file.
      if (job.request.target.allow.whileRunning) db.prepare(READ_ONCE).get();
      // Under the lock: another run may have begun, and the new file that is there may be its own.
      else inExclusiveTransaction(db, () => removeLeftover(databasePath));
    });
    const done = doneByCommit(job, planned);
    const rows =
      done === null
        ? rowsLeft(job, databasePath, before, planned, replaced)
        : ifCommitted(done, persistDir, before, planned);
    const besides = planned?.besides ?? null;
    const setting = besides === null || rows === replaced ? null : ifCommitted(besides, persistDir, before, planned);
    return joined([planned?.alreadyDone ?? null, ...directoriesLeft(path, before), setting, rows]);
  } catch (error) {
    return `the last step could not be rolled back yet (${messageOf(error)}); SQLite does it at the next start of Chroma`;
  }
}

function rowsLeft(
  job: PlannedJob,
  databasePath: string,
  before: StateBefore,
  planned: Planned | null,
  replaced: string,
): string {
  const { ino, size } = statSync(databasePath, { bigint: true });
  if (ino !== before.inode) return replaced;
  if (planned === null) return NOTHING_CHANGED;
  const { queueRows, lastSeqId, databaseBytes } = planned;
  const left = withReadOnly(databasePath, RECOVERY_WAIT_MS, (db) => countUpTo(db, lastSeqId));
  const state = cutShort(queueRows - left, isStepwise(job) ? databaseBytes - Number(size) : 0);
  if (state !== NOTHING_CHANGED || !isBesideServer(job)) return state;
  // A server that has filled as many pages since cannot be told from one that was left alone.
  return ifCommitted(MAYBE_GIVEN, job.request.target.path, before, planned);
}

/** True for work that makes the file smaller step by step. */
function isStepwise(job: PlannedJob): boolean {
  return job.kind === 'vacuum' && job.request.mode === 'incremental';
}

function isBesideServer(job: PlannedJob): boolean {
  return isStepwise(job) && job.request.target.allow.whileRunning;
}

/** What the commit does that is next; null where it deletes WAL rows, which can be counted. */
function doneByCommit(job: PlannedJob, planned: Planned | null): string | null {
  switch (job.kind) {
    case 'prune':
    case 'scrub':
      return null;
    case 'vacuum':
      return job.request.clean !== null && (planned?.alreadyDone ?? null) === null ? ROWS_CLEANED : null;
    case 'clean':
      return ROWS_CLEANED;
    case 'fts rebuild':
      return 'the full-text index was made anew';
    case 'fts optimize':
      return 'the full-text index was merged';
    case 'wal config':
      return autoPurgeDone({ after: job.request.wish.to });
  }
}

/**
 * Where there is one commit, SQLite's counter says whether it had come to that. The one under the lock counts: a journal
 * that was played back before the plan has changed it, too.
 */
function ifCommitted(done: string, persistDir: string, before: StateBefore, planned: Planned | null): string {
  if (planned === null) return NOTHING_CHANGED;
  const counter = planned.changeCounter ?? before.changeCounter;
  return locatePersistDir(persistDir).database.changeCounter === counter ? NOTHING_CHANGED : done;
}

/** What became of directories. A quarantine that nothing had come into yet is removed. */
function directoriesLeft(path: string, before: StateBefore): readonly (string | null)[] {
  const quarantines = listQuarantines(path);
  const aside = quarantines.filter(({ id }) => !before.quarantines.includes(id));
  for (const each of aside) removeIfEmpty(path, each);
  const there = new Set([
    ...segmentDirNames(path),
    ...quarantines.flatMap(({ directories }) => directories.map(({ name }) => name)),
  ]);
  const gone = before.directories.filter((name) => !there.has(name)).length;
  return [...aside.filter(({ directories }) => directories.length > 0).map(putAside), deletedWords(path, gone)];
}

function putAside({ id, directories }: Quarantine): string {
  const moved = counted(directories.length, 'directory', 'directories');
  return `${moved} of deleted collections put aside, to be taken back with clean --restore ${id}`;
}

function deletedWords(path: string, many: number): string | null {
  if (many === 0) return null;
  const words = counted(many, 'directory of deleted collections was', 'directories of deleted collections were');
  const isUnfinished = unfinishedPurges(path).length > 0;
  return `${words} deleted${isUnfinished ? ', but for files that the next clean deletes' : ''}`;
}

/** What was done, and of the rest that it is unchanged. */
function joined(facts: readonly (string | null)[]): string {
  const [...done] = facts.filter((fact) => fact !== null && fact !== NOTHING_CHANGED);
  if (done.length === 0) return NOTHING_CHANGED;
  return [...done, ...(facts.includes(NOTHING_CHANGED) ? ['nothing else was changed'] : [])].join('; ');
}

/** The state in which a vacuum that was cut short leaves the directory, by the WAL rows and the bytes of the file that went. */
export function cutShort(deleted: number, givenBytes: number): string {
  if (deleted <= 0 && givenBytes <= 0) return NOTHING_CHANGED;
  const rows = deleted <= 0 ? [] : [`${counted(deleted, 'WAL row was', 'WAL rows were')} deleted, which is safe`];
  const file =
    givenBytes <= 0 ? 'the file was not made smaller' : `${formatBytes(givenBytes)} of the file were given back`;
  return [...rows, file, 'the database is consistent'].join('; ');
}
