/**
 * The clean-up itself, in the working process: rows in one transaction under the exclusive lock, directories by a rename
 * inside it, so that what fails leaves both as they were.
 */
import { deleteBelow, readLastSeqId } from '../../chroma/embeddings-queue.ts';
import { deleteLeftovers } from '../../chroma/leftovers.ts';
import type { PersistDir } from '../../chroma/persist-dir.ts';
import { MaintError, messageOf } from '../../errors.ts';
import { newQuarantine, type NewQuarantine } from '../../repository/new-quarantine.ts';
import { finishPurges, purge } from '../../repository/quarantine-purge.ts';
import { listQuarantines } from '../../repository/quarantine.ts';
import { asFailure } from '../../repository/failures.ts';
import { shellWord } from '../../shell-word.ts';
import { inExclusiveTransaction, type Database } from '../../sqlite/open.ts';
import { readPageCounts } from '../../sqlite/pages.ts';
import { counted } from '../../units.ts';
import type { Machine } from '../guard-context.ts';
import { verifyLocked } from '../guards.ts';
import type { CleanJob } from '../job.ts';
import type { Observer } from '../observer.ts';
import type { PlannedWork } from '../planning.ts';
import type { Preflight } from '../preflight.ts';
import type { LeftoverTable } from '../leftovers.ts';
import { executed } from '../prune.ts';
import { inNumbers, planUnderLock, withDirectory } from '../under-lock.ts';
import {
  cleanPlanning,
  cleanPlanOf,
  going,
  hasWork,
  isSameClean,
  totalsOf,
  type CleanPlan,
  type CleanStrategy,
} from './plan.ts';

export interface CleanReport {
  readonly plan: CleanPlan;
  readonly isDone: boolean;
  /** Where the directories are now, null where none was put aside or all were deleted. */
  readonly quarantine: string | null;
  /** Bytes that the database has free inside since. */
  readonly freedInsideBytes: number;
}

/** Plans and cleans up. Whatever is thrown before the commit leaves every row and every directory in place. */
export function cleanUnderLock(job: CleanJob, machine: Machine, observer: Observer): Promise<CleanReport> {
  const { request, agreed } = job;
  const planning = cleanPlanning(request, machine.host, false, agreed?.isJournalRecovered ?? false);
  return withDirectory(planning, machine, observer, (db, preflight) => cleanOn(db, preflight, job, machine, observer));
}

/** The same on a connection that is open, as the first step of a larger plan. */
export function cleanOn(
  db: Database,
  preflight: Preflight,
  { request, agreed }: CleanJob,
  { host }: Machine,
  observer: Observer,
): CleanReport {
  const { dir } = preflight.context;
  const planning = cleanPlanning(request, host, false, preflight.isJournalRecovered);
  const freeBefore = freeBytes(db);
  let quarantine: NewQuarantine | null = null;
  const work = (): CleanPlan => {
    const planned = planUnderLock(db, preflight, planning, ({ strategy }) => {
      return agreed === null || isSameClean(strategy.steps, agreed.steps);
    });
    finishPurges(dir.path);
    const plan = cleanPlanOf(request, planned);
    observer.onPlanned(inNumbers(planned, plan.directory.databaseBytes));
    if (!hasWork(plan.steps)) return plan;
    verifyLocked({ dir, db });
    observer.onStage('cleaning');
    const doomed = going(plan.steps.directories).map(({ id, because }) => ({ name: id, because }));
    if (doomed.length > 0) {
      quarantine = newQuarantine(dir.path, host);
      quarantine.take(doomed);
    }
    deleteRows(db, planned);
    return plan;
  };
  const plan = transacted(db, dir, work, () => quarantine);
  if (!hasWork(plan.steps)) return { plan, isDone: false, quarantine: null, freedInsideBytes: 0 };
  const id = idOf(quarantine);
  if (id !== null && request.isDeleting) purgeNow(plan, id, observer);
  return {
    plan: { ...plan, directory: executed(plan.directory) },
    isDone: true,
    quarantine: request.isDeleting ? null : id,
    freedInsideBytes: Math.max(freeBytes(db) - freeBefore, 0),
  };
}

/** Runs `work` in an exclusive transaction; where it or the commit fails, what it has moved is put back as well. */
function transacted<T>(db: Database, dir: PersistDir, work: () => T, quarantine: () => NewQuarantine | null): T {
  try {
    return inExclusiveTransaction(db, work);
  } catch (error) {
    putBack(dir, quarantine(), error);
    throw asFailure(dir.path, error);
  }
}

function putBack(dir: PersistDir, quarantine: NewQuarantine | null, because: unknown): void {
  try {
    quarantine?.undo();
  } catch (error) {
    const id = idOf(quarantine);
    throw new MaintError('FAILED', {
      message: `directories that were put aside could not be put back: ${dir.path}`,
      details: [messageOf(error), `it was to be put back because of: ${messageOf(because)}`],
      state: `no row was deleted; directories of deleted collections are in quarantine ${id}`,
      hint: `chroma-maint clean ${shellWord(dir.given)} --restore ${id}`,
      cause: error,
    });
  }
}

function idOf(quarantine: NewQuarantine | null): string | null {
  return quarantine?.id ?? null;
}

/** Deletes what was planned, and throws where it was not exactly that. */
function deleteRows(db: Database, { strategy: { steps, leftovers }, reading }: PlannedWork<CleanStrategy>): void {
  const { dir } = reading;
  const { tables, topics } = steps;
  const deleted = deleteLeftovers(
    db,
    leftovers.live,
    tables.map(({ kind }) => kind),
  );
  const differing = tables.find(({ kind, rows }) => deleted.get(kind) !== rows);
  if (differing?.kind === 'full-text') throw damagedFullText(dir, differing);
  if (differing !== undefined) {
    throw new Error(`deleted ${deleted.get(differing.kind)} of ${differing.rows} rows of ${differing.table}`);
  }
  const expected = topics.reduce((sum, { rows }) => sum + rows, 0);
  const ofTopics = expected === 0 ? 0 : deleteBelow(db, topics);
  const lastSeqId = readLastSeqId(db);
  if (ofTopics !== expected || lastSeqId !== reading.lastSeqId) {
    throw new Error(
      `deleted ${ofTopics} of ${expected} WAL rows, last seq_id ${lastSeqId} of ${reading.lastSeqId}; rolled back`,
    );
  }
}

/** FTS5 deletes by what stands in its table; where a document is not there, the words of it stay in the index. */
function damagedFullText(dir: PersistDir, { table, rows }: LeftoverTable): MaintError {
  return new MaintError('CORRUPT', {
    message: `the full-text index is damaged: ${dir.databasePath}`,
    details: [`not all of the ${counted(rows, 'row')} of ${table} that are to go are there`],
    hint: `mend it first: chroma-maint fts rebuild ${shellWord(dir.given)}`,
  });
}

/** After the commit: what fails here must not claim that nothing was changed. */
function purgeNow({ directory: { dir }, steps }: CleanPlan, id: string, { onStage }: Observer): void {
  onStage('removing');
  try {
    for (const each of listQuarantines(dir.path)) if (each.id === id) purge(dir.path, each);
  } catch (error) {
    const { rows } = totalsOf(steps);
    const where = error instanceof MaintError && error.changed ? error.state : `all of them are in quarantine ${id}`;
    throw new MaintError('FAILED', {
      message: `not all directories of deleted collections could be deleted: ${dir.path}`,
      details: [messageOf(error)],
      state: `${rows === 0 ? '' : `${counted(rows, 'row was', 'rows were')} deleted; `}${where}`,
      hint: `then run: chroma-maint clean ${shellWord(dir.given)} --purge-quarantine --older-than 0s`,
      cause: error,
    });
  }
}

function freeBytes(db: Database): number {
  const { freePages, pageSize } = readPageCounts(db);
  return freePages * pageSize;
}
