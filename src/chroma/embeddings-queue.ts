/**
 * Table `embeddings_queue`, Chroma's write-ahead log. The same columns in every version; no index on topic, so every
 * statement here is one scan. What is asked of it before a plan: queue-scan.ts.
 */
import { COPY, type Filter } from '../sqlite/copy.ts';
import type { Database } from '../sqlite/open.ts';
import type { Cutoff } from './model.ts';
import { NO_ROW, seqId, type SeqId } from './seq-id.ts';

export const QUEUE = 'embeddings_queue';

const COPIED_LAST_SEQ_ID = `SELECT MAX(seq_id) FROM ${COPY}.embeddings_queue`;
const LAST_SEQ_ID = 'SELECT MAX(seq_id) FROM embeddings_queue';
const ROWS_UP_TO = 'SELECT COUNT(*) FROM embeddings_queue WHERE seq_id <= ?';

const CREATE_CUTOFFS = 'CREATE TEMP TABLE cutoff (topic TEXT PRIMARY KEY, below INTEGER NOT NULL) WITHOUT ROWID';
const INSERT_CUTOFF = 'INSERT INTO temp.cutoff (topic, below) VALUES (?, ?)';
const DROP_CUTOFFS = 'DROP TABLE temp.cutoff';

const DELETE_BELOW_CUTOFFS = `
  DELETE FROM embeddings_queue
  WHERE seq_id < (SELECT below FROM temp.cutoff WHERE cutoff.topic = embeddings_queue.topic)`;

/** Returns `MAX(seq_id)`, or 0 where the queue is empty. */
export function readLastSeqId(db: Database): SeqId {
  return seqId(db.prepare<[], bigint | null>(LAST_SEQ_ID).pluck().get() ?? NO_ROW);
}

/** Counts the rows of all topics up to and with `last`. */
export function countUpTo(db: Database, last: SeqId): number {
  return Number(db.prepare<[bigint], bigint>(ROWS_UP_TO).pluck().get(last));
}

/**
 * Deletes the rows strictly below each cutoff, in one scan, and returns how many. The invariants of every DELETE here:
 * I1 no row at or above a watermark · I2 the row with MAX(seq_id) survives · I3 no watermark, no row · I4 no row of an
 * unknown topic · I5 a second run finds nothing. The caller holds the exclusive lock, counts, and rolls back.
 */
export function deleteBelow(db: Database, cutoffs: readonly Cutoff[]): number {
  return withCutoffs(db, cutoffs, () => db.prepare(DELETE_BELOW_CUTOFFS).run().changes);
}

/** The complement of {@link deleteBelow}: its condition names the rows that are not strictly below a cutoff. */
const KEPT = `NOT EXISTS (
  SELECT 1 FROM temp.cutoff WHERE cutoff.topic = embeddings_queue.topic AND embeddings_queue.seq_id < cutoff.below)`;

/**
 * Runs `work` with the condition for the rows that a prune leaves, `kept` in number, or with null where it leaves them
 * all.
 */
export function withRowsToKeep<T>(
  db: Database,
  cutoffs: readonly Cutoff[],
  kept: number,
  work: (filter: Filter | null) => T,
): T {
  if (cutoffs.length === 0) return work(null);
  return withCutoffs(db, cutoffs, () => work({ table: QUEUE, where: KEPT, rows: kept }));
}

/** `MAX(seq_id)` of the queue in an attached copy, or 0 where that is empty. */
export function readCopiedLastSeqId(db: Database): SeqId {
  return seqId(db.prepare<[], bigint | null>(COPIED_LAST_SEQ_ID).pluck().get() ?? NO_ROW);
}

/** Runs `work` with table `temp.cutoff`, which holds `cutoffs`. */
export function withCutoffs<T>(db: Database, cutoffs: readonly Cutoff[], work: () => T): T {
  db.exec(CREATE_CUTOFFS);
  const insert = db.prepare<[string, bigint]>(INSERT_CUTOFF);
  for (const { topic, below } of cutoffs) insert.run(topic, below);
  const result = work();
  // Not where `work` throws: the connection is closed then, and a DROP on a full disk would mask what had happened.
  db.exec(DROP_CUTOFFS);
  return result;
}
