/**
 * The transaction that deletes. Runs in the child process, on one connection that holds the exclusive lock.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { deleteBelow, readLastSeqId } from '../chroma/embeddings-queue.ts';
import { INDEX_FILE_NAMES } from '../chroma/hnsw-files.ts';
import { locatePersistDir } from '../chroma/persist-dir.ts';
import { isSamePlan, totalRows } from '../chroma/prune-plan.ts';
import { MaintError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { translate } from '../sqlite/errors.ts';
import { inExclusiveTransaction, withWritable, type Database } from '../sqlite/open.ts';
import { counted } from '../units.ts';
import type { AgreedPrune, Stage } from './agreement.ts';
import { verifyLocked, verifyPath } from './guards.ts';
import type { GuardContext } from './guard-context.ts';
import { verifyNotInUse } from './in-use.ts';
import { indexDirectories, namingHolders } from './planning.ts';
import { planFromReading, readDirectory } from './reading.ts';
import { redacted } from './redact.ts';
import { excludedBy } from './target.ts';

/** What goes with the deletion. */
export interface Accompaniment {
  readonly onStage: (stage: Stage) => void;
  /** Runs on the same connection once the deletion is committed. */
  readonly afterwards?: (db: Database) => void;
}

/**
 * Deletes what was agreed, in one exclusive transaction, and then runs `afterwards`. Throws
 * PLAN_STALE where the directory would now be pruned differently. Whatever is thrown before the commit leaves every
 * row in place. Returns the rows deleted.
 */
export async function pruneUnderLock(
  agreed: AgreedPrune,
  host: Host,
  ownProcesses: readonly number[],
  { onStage, afterwards }: Accompaniment,
): Promise<number> {
  const { target } = agreed;
  const dir = locatePersistDir(target.path);
  const context: GuardContext = { dir, host, allow: target.allow, waitMs: target.waitMs, ownProcesses };
  onStage('checking');
  await verifyPath(context);
  await verifyNotInUse(context);
  return namingHolders(context, () =>
    withWritable(dir.databasePath, target.waitMs, (db) => {
      const deleted = inExclusiveTransaction(db, () => deleteAgreed(db, context, agreed, onStage));
      if (afterwards) committed(dir.databasePath, deleted, () => afterwards(db));
      return deleted;
    }),
  );
}

/** Runs `work` after a commit: what fails in it must not claim that nothing was changed. */
function committed(databasePath: string, deleted: number, work: () => void): void {
  try {
    work();
  } catch (error) {
    const translated = translate(databasePath, error);
    if (!(translated instanceof MaintError) || deleted === 0) throw translated;
    throw translated.withState(prunedOnly(deleted));
  }
}

/** The state in which a vacuum that was cut short after its prune leaves the directory. */
export function prunedOnly(deleted: number): string {
  const rows = counted(deleted, 'WAL row was', 'WAL rows were');
  return `${rows} deleted, which is safe; the file was not made smaller; the database is consistent`;
}

function deleteAgreed(
  db: Database,
  context: GuardContext,
  { target, plan, isPruning }: AgreedPrune,
  onStage: Accompaniment['onStage'],
): number {
  // Read again under the lock: it shuts out a Chroma that would save an index inside an uncommitted transaction.
  const found = readDirectory(db, context.dir);
  const reading = target.redact ? redacted(found) : found;
  const options = { excluded: excludedBy(target, found.collections), skipIndexCheck: target.skipIndexCheck };
  const current = isPruning ? planFromReading(db, reading, options) : plan;
  if (!isSamePlan(current, plan)) throw planStale(context.dir.given);
  verifyLocked({ ...context, reading, needs: [], whenShort: '', db });

  const expected = totalRows(current);
  if (expected === 0) return 0;
  onStage('pruning');
  for (const directory of indexDirectories(context.dir, reading, current)) syncIndex(directory, context.host);
  const deleted = deleteBelow(db, current.steps);
  const lastSeqId = readLastSeqId(db);
  if (deleted !== expected || lastSeqId !== reading.lastSeqId) {
    throw new Error(
      `deleted ${deleted} of ${expected} rows, last seq_id ${lastSeqId} of ${reading.lastSeqId}; rolled back`,
    );
  }
  return deleted;
}

/**
 * Chroma never syncs its index files. Until they are on the disk, a power loss could take them and leave the deleted
 * rows deleted: then nobody would hold those vectors.
 */
function syncIndex(directory: string, host: Host): void {
  const files = INDEX_FILE_NAMES.map((name) => join(directory, name)).filter((path) => existsSync(path));
  for (const path of [...files, directory]) host.sync(path);
}

function planStale(given: string): MaintError {
  return new MaintError('PLAN_STALE', {
    message: `${given} changed after the plan was shown`,
    details: ['other rows would be deleted now than those that were agreed to'],
    hint: 'make sure that Chroma is stopped, then run this again',
  });
}
