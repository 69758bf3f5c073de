/**
 * The queue's prunable rows a few at a time, in ascending order of seq_id: for a prune beside a server, which can save
 * nothing while one of these transactions lasts.
 */
import type { Database } from '../sqlite/open.ts';
import { withCutoffs } from './embeddings-queue.ts';
import type { Cutoff, Topic } from './model.ts';
import { seqId, type SeqId } from './seq-id.ts';

/** Rows of the queue after `after` and up to `last`, whosever they are. */
export interface QueueWindow {
  readonly after: SeqId;
  readonly last: SeqId;
  /** Those of them below a cutoff. */
  readonly prunable: number;
  /** Topics that have rows in it. */
  readonly topics: ReadonlySet<Topic>;
}

const NEXT_WINDOW = `
  SELECT MAX(seq_id) AS last, CAST(COUNT(below) AS REAL) AS prunable FROM (
    SELECT seq_id, (SELECT 1 FROM temp.cutoff WHERE cutoff.topic = embeddings_queue.topic AND seq_id < below) AS below
    FROM embeddings_queue WHERE seq_id > ? AND seq_id < (SELECT MAX(below) FROM temp.cutoff) ORDER BY seq_id LIMIT ?)`;

const TOPICS_IN_WINDOW = 'SELECT DISTINCT topic FROM embeddings_queue WHERE seq_id > ? AND seq_id <= ?';

const DELETE_IN_WINDOW = `
  DELETE FROM embeddings_queue
  WHERE seq_id > ? AND seq_id <= ?
    AND seq_id < (SELECT below FROM temp.cutoff WHERE cutoff.topic = embeddings_queue.topic)
  RETURNING topic`;

/** The next `rows` rows after `after` and below the highest cutoff; null where there is none. A short read. */
export function nextWindow(db: Database, cutoffs: readonly Cutoff[], after: SeqId, rows: number): QueueWindow | null {
  return withCutoffs(db, cutoffs, () => {
    const found = db.prepare<[bigint, number], { last: bigint | null; prunable: number }>(NEXT_WINDOW).get(after, rows);
    if (found === undefined || found.last === null) return null;
    const topics = new Set(db.prepare<[bigint, bigint], Topic>(TOPICS_IN_WINDOW).pluck().all(after, found.last));
    return { after, last: seqId(found.last), prunable: found.prunable, topics };
  });
}

/**
 * Deletes the rows of a window strictly below their topic's cutoff, and returns how many of each topic. Windows in
 * ascending order make every topic lose a prefix. The caller holds the lock.
 */
export function deleteInWindow(
  db: Database,
  cutoffs: readonly Cutoff[],
  { after, last }: Pick<QueueWindow, 'after' | 'last'>,
): ReadonlyMap<Topic, number> {
  const topics = withCutoffs(db, cutoffs, () =>
    db.prepare<[bigint, bigint], Topic>(DELETE_IN_WINDOW).pluck().all(after, last),
  );
  const deleted = new Map<Topic, number>();
  for (const topic of topics) deleted.set(topic, (deleted.get(topic) ?? 0) + 1);
  return deleted;
}
