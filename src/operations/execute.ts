/**
 * From an agreed plan to the child process and back, and what to say where that way is cut short.
 */
import { statSync } from 'node:fs';
import { countBelow } from '../chroma/embeddings-queue.ts';
import { locatePersistDir } from '../chroma/persist-dir.ts';
import { totalRows } from '../chroma/prune-plan.ts';
import { MaintError, messageOf, NOTHING_CHANGED } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { inExclusiveTransaction, withReadOnly, withWritable } from '../sqlite/open.ts';
import { readPageCounts } from '../sqlite/pages.ts';
import { TEMP_DIR_VARIABLE } from '../sqlite/temp-dir.ts';
import { removeLeftover } from '../sqlite/rebuilt-file.ts';
import { runInChild, WorkEnded, type Execution, type Job, type Outcome } from './child.ts';
import { prunedOnly } from './locked-prune.ts';

/** How long the clean-up after an ended child may wait for a lock: longer than a checkpoint of anybody else's takes. */
const RECOVERY_WAIT_MS = 10_000;

const ENDED: Readonly<Record<WorkEnded['because'], { code: 'INTERRUPTED' | 'FAILED'; fact: string; hint: string }>> = {
  interrupted: { code: 'INTERRUPTED', fact: 'interrupted', hint: 'run the same command again when it suits' },
  timeout: { code: 'FAILED', fact: 'the time given with --timeout is over', hint: 'run it again with more time' },
  killed: {
    code: 'FAILED',
    fact: 'the working process ended before it was done',
    hint: 'look at the kernel log (dmesg): memory may have run out, or the disk may be failing',
  },
};

const REBUILT = 'the new database is in place, with everything done that was planned';

/** Runs the job. Where the child was ended, SQLite rolls back first, and the error then says what state is left. */
export async function executeJob(job: Job, host: Host, execution: Execution): Promise<Outcome> {
  const before = identityOf(job.agreed.target.path);
  const temp = execution.tempDir === null ? {} : { [TEMP_DIR_VARIABLE]: execution.tempDir };
  try {
    return await runInChild(job, execution, { ...host.environment, ...temp });
  } catch (error) {
    if (!(error instanceof WorkEnded)) throw error;
    const { code, fact, hint } = ENDED[error.because];
    throw new MaintError(code, {
      message: `${fact}: ${job.agreed.target.path}`,
      details: error.because === 'killed' ? [`it ended with ${error.message}`] : [],
      state: stateLeft(job, before),
      hint,
    });
  }
}

/** Rolls back what is unfinished, removes a new file that was not put in place, and looks at what is there. */
function stateLeft({ agreed: { target, plan } }: Job, before: bigint): string {
  try {
    const dir = locatePersistDir(target.path);
    // Under the lock: another run may have begun, and the new file that is there may be its own.
    withWritable(dir.databasePath, RECOVERY_WAIT_MS, (db) =>
      inExclusiveTransaction(db, () => removeLeftover(dir.databasePath)),
    );
    if (identityOf(target.path) !== before) return REBUILT;
    const expected = totalRows(plan);
    if (expected === 0) return NOTHING_CHANGED;
    const left = withReadOnly(dir.databasePath, RECOVERY_WAIT_MS, (db) =>
      [...countBelow(db, plan.steps, readPageCounts(db).pageSize).values()].reduce((sum, { rows }) => sum + rows, 0),
    );
    return left === expected ? NOTHING_CHANGED : prunedOnly(expected - left);
  } catch (error) {
    return `the last step could not be rolled back yet (${messageOf(error)}); SQLite does it at the next start of Chroma`;
  }
}

/** Which file it is that has the database's name. */
function identityOf(persistDir: string): bigint {
  return statSync(locatePersistDir(persistDir).databasePath, { bigint: true }).ino;
}
