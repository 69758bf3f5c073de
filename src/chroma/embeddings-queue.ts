/**
 * Table `embeddings_queue`, Chroma's write-ahead log. The same columns in every version; no index on topic, so every
 * statement here is one scan, and none reads a vector: their lengths stand in the row's header.
 */
import { COPY, type Filter } from '../sqlite/copy.ts';
import type { Database } from '../sqlite/open.ts';
import type { Cutoff, Topic, TopicUsage } from './model.ts';
import type { CollectionCutoff, CountedCutoff } from './prune-plan.ts';
import { NO_ROW, seqId, type SeqId } from './seq-id.ts';

export const QUEUE = 'embeddings_queue';

const COPIED_QUEUE = `SELECT COUNT(*) AS total, MAX(seq_id) AS last FROM ${COPY}.embeddings_queue`;
const LAST_SEQ_ID = 'SELECT MAX(seq_id) FROM embeddings_queue';
const ROWS_UP_TO = 'SELECT COUNT(*) FROM embeddings_queue WHERE seq_id <= ?';

// Bytes that a row occupies in its b-tree, by SQLite's own rule for spilling payload to overflow pages (file format
// §1.6; @page is the page size, a bigint: a number would be bound as REAL and divide without rounding). Materialised before grouping: grouped directly, SQLite drags the vectors themselves
// through its sorter (2.4 s instead of 0.14 s on 1.2 GB). What is not spilled takes its share of a leaf page that holds
// as many such rows as fit.
const ROW_SIZES = `
  payload AS MATERIALIZED (
    SELECT topic, seq_id,
      16 + octet_length(created_at) + octet_length(topic) + octet_length(id) + IFNULL(octet_length(vector), 0)
         + IFNULL(octet_length(encoding), 0) + IFNULL(octet_length(metadata), 0) AS bytes,
      (@page - 12) * 32 / 255 - 23 AS least
    FROM embeddings_queue),
  spill AS (
    SELECT topic, seq_id, bytes,
      CASE WHEN bytes <= @page - 35 THEN bytes
           WHEN least + (bytes - least) % (@page - 4) <= @page - 35 THEN least + (bytes - least) % (@page - 4)
           ELSE least END AS local
    FROM payload),
  sized AS MATERIALIZED (
    SELECT topic, seq_id,
      @page / MAX((@page - 8) / (local + 10), 1) AS leaf, (bytes - local + @page - 5) / (@page - 4) * @page AS overflow
    FROM spill)`;

const USAGE = `
  WITH ${ROW_SIZES}
  SELECT topic, COUNT(*) AS row_count, SUM(leaf + overflow) AS bytes, SUM(leaf) AS leaf_bytes, MAX(seq_id) AS last
  FROM sized GROUP BY topic`;

const BELOW_CUTOFFS = `
  WITH ${ROW_SIZES}
  SELECT topic, COUNT(*) AS row_count, SUM(leaf + overflow) AS bytes
  FROM sized JOIN temp.cutoff USING (topic) WHERE seq_id < below GROUP BY topic`;

// The last operation of each id that decides whether the index must hold it: 0 ADD, 2 UPSERT and 3 DELETE do, 1 UPDATE
// of an absent id is ignored by Chroma. SQLite takes the other columns from the row that has the MAX.
const PRESENT_IDS = `
  SELECT topic, id FROM (
    SELECT topic, id, operation, MAX(seq_id)
    FROM embeddings_queue JOIN temp.cutoff USING (topic)
    WHERE seq_id <= indexed AND operation IN (0, 2, 3) GROUP BY topic, id)
  WHERE operation IN (0, 2) ORDER BY topic`;

// Ids that are held in memory at once, about 100 bytes each, while an index is asked for them.
const IDS_AT_ONCE = 200_000;

const CREATE_CUTOFFS =
  'CREATE TEMP TABLE cutoff (topic TEXT PRIMARY KEY, below INTEGER NOT NULL, indexed INTEGER NOT NULL) WITHOUT ROWID';
const INSERT_CUTOFF = 'INSERT INTO temp.cutoff (topic, below, indexed) VALUES (?, ?, ?)';
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

/** Returns rows, estimated bytes and last seq_id of every topic. */
export function readUsage(db: Database, pageSize: number): readonly TopicUsage[] {
  const rows = db
    .prepare<[{ page: bigint }], { topic: string; row_count: bigint; bytes: bigint; leaf_bytes: bigint; last: bigint }>(
      USAGE,
    )
    .all({ page: BigInt(pageSize) });
  return rows.map(({ topic, row_count, bytes, leaf_bytes, last }) => ({
    topic,
    rows: Number(row_count),
    bytes: Number(bytes),
    leafBytes: Number(leaf_bytes),
    lastSeqId: seqId(last),
  }));
}

/** Counts the rows strictly below each cutoff. Leaves no table behind, not even a temporary one. */
export function countBelow(
  db: Database,
  cutoffs: readonly Cutoff[],
  pageSize: number,
): ReadonlyMap<Topic, CountedCutoff> {
  return withCutoffs(db, cutoffs, () => {
    const rows = db
      .prepare<[{ page: bigint }], { topic: string; row_count: bigint; bytes: bigint }>(BELOW_CUTOFFS)
      .all({ page: BigInt(pageSize) });
    return new Map(
      rows.map(({ topic, row_count, bytes }) => [topic, { rows: Number(row_count), bytes: Number(bytes) }]),
    );
  });
}

/**
 * Counts, for each topic, the ids that the queue says must be in the index (their last ADD, UPSERT or DELETE up to
 * the index's position is not a DELETE) and of which `countNotIndexed` says that they are not. Folded over everything
 * up to the position, not only over the rows to be deleted: a later DELETE excuses an earlier ADD.
 */
export function countMissingFromIndex(
  db: Database,
  cutoffs: readonly CollectionCutoff[],
  countNotIndexed: (topic: Topic, ids: ReadonlySet<string>) => number,
): ReadonlyMap<Topic, number> {
  return withCutoffs(db, cutoffs, () => {
    const missing = new Map<Topic, number>();
    for (const { topic, ids } of presentIds(db)) {
      const count = countNotIndexed(topic, ids);
      if (count > 0) missing.set(topic, (missing.get(topic) ?? 0) + count);
    }
    return missing;
  });
}

function* presentIds(db: Database): Generator<{ readonly topic: Topic; readonly ids: ReadonlySet<string> }> {
  let topic: Topic = '';
  let ids = new Set<string>();
  for (const row of db.prepare<[], { topic: string; id: string }>(PRESENT_IDS).iterate()) {
    if (ids.size > 0 && (row.topic !== topic || ids.size === IDS_AT_ONCE)) {
      yield { topic, ids };
      ids = new Set();
    }
    topic = row.topic;
    ids.add(row.id);
  }
  if (ids.size > 0) yield { topic, ids };
}

/**
 * Deletes the rows strictly below each cutoff, in one scan, and returns how many. The only DELETE of this program:
 * I1 no row at or above a watermark · I2 the row with MAX(seq_id) survives · I3 no watermark, no row · I4 no row of an
 * unknown topic · I5 a second run finds nothing. The caller holds the exclusive lock, counts, and rolls back.
 */
export function deleteBelow(db: Database, cutoffs: readonly Cutoff[]): number {
  return withCutoffs(db, cutoffs, () => db.prepare(DELETE_BELOW_CUTOFFS).run().changes);
}

/** The complement of {@link deleteBelow}: its condition names the rows that are not strictly below a cutoff. */
const KEPT = `NOT EXISTS (
  SELECT 1 FROM temp.cutoff WHERE cutoff.topic = embeddings_queue.topic AND embeddings_queue.seq_id < cutoff.below)`;

/** Runs `work` with the condition for the rows that a prune leaves, or with null where it leaves them all. */
export function withRowsToKeep<T>(db: Database, cutoffs: readonly Cutoff[], work: (filter: Filter | null) => T): T {
  if (cutoffs.length === 0) return work(null);
  return withCutoffs(db, cutoffs, () => work({ table: QUEUE, where: KEPT }));
}

/** Rows and last seq_id of the queue in an attached copy. */
export function readCopiedQueue(db: Database): { readonly rows: number; readonly lastSeqId: SeqId } {
  const found = db.prepare<[], { total: bigint; last: bigint | null }>(COPIED_QUEUE).get();
  return { rows: Number(found?.total ?? 0n), lastSeqId: seqId(found?.last ?? NO_ROW) };
}

function withCutoffs<T>(db: Database, cutoffs: readonly (Cutoff | CollectionCutoff)[], work: () => T): T {
  db.exec(CREATE_CUTOFFS);
  const insert = db.prepare<[string, bigint, bigint]>(INSERT_CUTOFF);
  for (const cutoff of cutoffs) {
    const { topic, below } = cutoff;
    insert.run(topic, below, 'indexed' in cutoff ? cutoff.indexed : below);
  }
  const result = work();
  // Not where `work` throws: the connection is closed then, and a DROP on a full disk would mask what had happened.
  db.exec(DROP_CUTOFFS);
  return result;
}
