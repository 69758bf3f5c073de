/**
 * One transaction of a prune beside a server: plan again, delete a few rows, commit.
 */
import { readLastSeqId } from '../../chroma/embeddings-queue.ts';
import type { CollectionId, Topic } from '../../chroma/model.ts';
import type { PersistDir } from '../../chroma/persist-dir.ts';
import { deleteInWindow, nextWindow, type QueueWindow } from '../../chroma/queue-batch.ts';
import type { SeqId } from '../../chroma/seq-id.ts';
import { inImmediateTransaction, type Database } from '../../sqlite/open.ts';
import { planBatch, type Round } from './round.ts';

export interface Batch {
  /** Rows that went, by topic. */
  readonly deleted: ReadonlyMap<Topic, number>;
  /** The last row that was looked at. */
  readonly last: SeqId;
  /** Collections that may lose nothing more in this round. */
  readonly changed: ReadonlySet<CollectionId>;
  /** How long others were kept from writing, in milliseconds. */
  readonly lockMs: number;
}

/** Deletes from the next `rows` rows after `after` of which some may go; null where there are none. */
export function deleteBatch(db: Database, dir: PersistDir, round: Round, after: SeqId, rows: number): Batch | null {
  const window = nextPrunable(db, round, after, rows);
  if (window === null) return null;
  let begun = 0;
  const { deleted, changed } = inImmediateTransaction(db, () => {
    begun = performance.now();
    const { cutoffs, changed: left, lastSeqId } = planBatch(db, dir, round);
    const gone = deleteInWindow(db, cutoffs, window);
    if (readLastSeqId(db) !== lastSeqId)
      throw new Error(`the last row of the WAL, ${lastSeqId}, was deleted; rolled back`);
    return { deleted: gone, changed: left };
  });
  return { deleted, changed, last: window.last, lockMs: performance.now() - begun };
}

/** Passes over what stays without a lock. */
function nextPrunable(db: Database, { steps }: Round, after: SeqId, rows: number): QueueWindow | null {
  let window = nextWindow(db, steps, after, rows);
  while (window !== null && window.prunable === 0) window = nextWindow(db, steps, window.last, rows);
  return window;
}
