/**
 * What state a directory is in after a working process that was ended.
 */
import { statSync } from 'node:fs';
import { countUpTo } from '../chroma/embeddings-queue.ts';
import { locatePersistDir } from '../chroma/persist-dir.ts';
import { messageOf, NOTHING_CHANGED } from '../errors.ts';
import { inExclusiveTransaction, withReadOnly, withWritable } from '../sqlite/open.ts';
import { removeLeftover } from '../sqlite/rebuilt-file.ts';
import { counted } from '../units.ts';
import type { Planned } from './observer.ts';

/** How long the clean-up after an ended child may wait for a lock: longer than a checkpoint of anybody else's takes. */
const RECOVERY_WAIT_MS = 10_000;

const REBUILT = 'the new database is in place, with everything done that was planned';

/**
 * Rolls back what is unfinished, removes a new file that was not put in place, and says in words what is there. `inode`
 * is that of the database file before, `planned` is null where the process had not come to a plan.
 */
export function stateLeft(persistDir: string, inode: bigint, planned: Planned | null): string {
  try {
    const { databasePath } = locatePersistDir(persistDir);
    // Under the lock: another run may have begun, and the new file that is there may be its own.
    withWritable(databasePath, RECOVERY_WAIT_MS, (db) =>
      inExclusiveTransaction(db, () => removeLeftover(databasePath)),
    );
    if (statSync(databasePath, { bigint: true }).ino !== inode) return REBUILT;
    if (planned === null) return NOTHING_CHANGED;
    const { queueRows, lastSeqId } = planned;
    const left = withReadOnly(databasePath, RECOVERY_WAIT_MS, (db) => countUpTo(db, lastSeqId));
    return left === queueRows ? NOTHING_CHANGED : prunedOnly(queueRows - left);
  } catch (error) {
    return `the last step could not be rolled back yet (${messageOf(error)}); SQLite does it at the next start of Chroma`;
  }
}

/** The state in which a vacuum that was cut short after its prune leaves the directory. */
export function prunedOnly(deleted: number): string {
  const rows = counted(deleted, 'WAL row was', 'WAL rows were');
  return `${rows} deleted, which is safe; the file was not made smaller; the database is consistent`;
}
