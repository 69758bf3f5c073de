/**
 * The transaction that deletes. Runs in the child process, on one connection that holds the exclusive lock.
 */
import { deleteBelow, readLastSeqId } from '../chroma/embeddings-queue.ts';
import { totalRows } from '../chroma/prune-plan.ts';
import { MaintError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { translate } from '../sqlite/errors.ts';
import { inExclusiveTransaction, withWritable, type Database } from '../sqlite/open.ts';
import { removeLeftover } from '../sqlite/rebuilt-file.ts';
import { counted } from '../units.ts';
import type { AgreedPrune, Stage } from './agreement.ts';
import type { GuardContext } from './guard-context.ts';
import { verifyLocked } from './guards.ts';
import { namingHolders, readThroughMapsLocally } from './planning.ts';
import { contextBeforeLock, planAgain, syncIndexes } from './under-lock.ts';

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
  onStage('checking');
  const context = await contextBeforeLock(agreed, host, ownProcesses);
  const { databasePath } = context.dir;
  return namingHolders(context, () =>
    withWritable(databasePath, context.waitMs, (db) => {
      readThroughMapsLocally(db, context);
      const deleted = inExclusiveTransaction(db, () => deleteAgreed(db, context, agreed, onStage));
      if (afterwards) committed(databasePath, deleted, () => afterwards(db));
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
  agreed: AgreedPrune,
  onStage: Accompaniment['onStage'],
): number {
  removeLeftover(context.dir.databasePath);
  const { reading, current } = planAgain(db, context, agreed);
  verifyLocked({ ...context, reading, needs: [], whenShort: '', db });

  const expected = totalRows(current);
  if (expected === 0) return 0;
  onStage('pruning');
  syncIndexes(context, reading, current);
  const deleted = deleteBelow(db, current.steps);
  const lastSeqId = readLastSeqId(db);
  if (deleted !== expected || lastSeqId !== reading.lastSeqId) {
    throw new Error(
      `deleted ${deleted} of ${expected} rows, last seq_id ${lastSeqId} of ${reading.lastSeqId}; rolled back`,
    );
  }
  return deleted;
}
