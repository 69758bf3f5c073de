/**
 * One transaction of a prune beside a server: plan again, delete a few rows, commit.
 */
import { readLastSeqId } from '../../chroma/embeddings-queue.ts';
import type { CollectionId, Topic } from '../../chroma/model.ts';
import type { PersistDir } from '../../chroma/persist-dir.ts';
import { deleteInWindow, nextWindow, type QueueWindow } from '../../chroma/queue-batch.ts';
import type { SeqId } from '../../chroma/seq-id.ts';
import { MaintError } from '../../errors.ts';
import { readDataVersion, type Database } from '../../sqlite/open.ts';
import { planBatch, withoutChanged, type BatchPlan, type Round } from './round.ts';
import { inTimedTransaction, type LockTimes } from './transaction.ts';

export interface Batch {
  /** Rows that went, by topic. */
  readonly deleted: ReadonlyMap<Topic, number>;
  /** The last row that was looked at. */
  readonly last: SeqId;
  /** Collections that may lose nothing more in this round. */
  readonly changed: ReadonlySet<CollectionId>;
}

/** How often it is planned before the lock; a server that commits in between each time is then made to wait for it. */
const PLANS_BEFORE_LOCK = 3;

/**
 * Deletes from the next `rows` rows after `after` of which some may go; null where there are none. With many collections
 * planning takes longer than a server should wait, so it is done before the lock, and holds where SQLite says under it
 * that nobody has committed anything since.
 */
export function deleteBatch(
  db: Database,
  dir: PersistDir,
  round: Round,
  { after, rows, times }: { readonly after: SeqId; readonly rows: number; readonly times: LockTimes },
): Batch | null {
  const window = nextPrunable(db, round, after, rows);
  if (window === null) return null;
  const here = { ...round, steps: round.steps.filter(({ topic }) => window.topics.has(topic)) };
  for (let attempt = 1; ; attempt += 1) {
    const seen = readDataVersion(db);
    const early = attempt <= PLANS_BEFORE_LOCK ? planned(() => planBatch(db, dir, here)) : null;
    const done = inTimedTransaction(db, times, () => {
      const isSame = readDataVersion(db) === seen;
      if (early !== null && !isSame) return null;
      return deletePlanned(db, dir, { round: here, window, plan: early === null ? planBatch(db, dir, here) : early() });
    });
    if (done !== null) return { ...done, last: window.last };
  }
}

/**
 * Makes a plan, and returns what gives it, or throws why there is none: what was read between two commits may look like
 * damage, and is believed only where there was no commit.
 */
function planned(plan: () => BatchPlan): () => BatchPlan {
  try {
    const made = plan();
    return () => made;
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    return () => {
      throw error;
    };
  }
}

interface Deletion {
  readonly round: Round;
  readonly window: QueueWindow;
  readonly plan: BatchPlan;
}

function deletePlanned(db: Database, dir: PersistDir, { round, window, plan }: Deletion): Omit<Batch, 'last'> {
  const { cutoffs, changed, lastSeqId } = withoutChanged(dir, round, plan);
  const deleted = deleteInWindow(db, cutoffs, window);
  if (readLastSeqId(db) !== lastSeqId)
    throw new Error(`the last row of the WAL, ${lastSeqId}, was deleted; rolled back`);
  return { deleted, changed };
}

/** Passes over what stays without a lock. */
function nextPrunable(db: Database, { steps }: Round, after: SeqId, rows: number): QueueWindow | null {
  let window = nextWindow(db, steps, after, rows);
  while (window !== null && window.prunable === 0) window = nextWindow(db, steps, window.last, rows);
  return window;
}
