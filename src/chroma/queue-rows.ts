/**
 * The rows of `embeddings_queue` themselves, in the order of their seq_ids or against it. Page after page, each of which
 * is one short read of a bounded number of rows: an open read keeps a running Chroma from committing, and a filter that
 * fits few rows would otherwise read the whole table at once. Memory does not grow with the queue.
 */
import { isDamage } from '../sqlite/errors.ts';
import type { Database } from '../sqlite/open.ts';
import type { CollectionId, Topic } from './model.ts';
import { BEFORE_ALL, LARGEST } from './seq-id.ts';

/** A row as it is stored. Text is null where the column is NULL; what is no text stands there as an SQL literal. */
export interface QueueRow {
  readonly seqId: bigint;
  readonly createdAt: string | null;
  /** `add`, `update`, `upsert`, `delete`, or `unknown-<what is stored>`. */
  readonly operation: string;
  readonly topic: Topic | null;
  readonly id: string | null;
  readonly encoding: string | null;
  /** Null where there is none, or where it was not asked for. */
  readonly vector: Buffer | null;
  readonly vectorBytes: number | null;
  /** JSON, as Chroma wrote it. */
  readonly metadata: string | null;
}

export type RowOrder = 'oldest-first' | 'newest-first';

/** The rows of some collections: those with one of these topics, and those whose topic ends in one of these ids. */
export interface TopicChoice {
  readonly topics: readonly Topic[];
  readonly endings: readonly CollectionId[];
}

/** Which rows are wanted; null for no such condition. */
export interface RowFilter {
  readonly of: TopicChoice | null;
  readonly operation: number | null;
  /** Bounds of `created_at` in its own form, both inclusive. A row without a time is in neither. */
  readonly since: string | null;
  readonly until: string | null;
  readonly id: string | null;
}

export const EVERY_ROW: RowFilter = { of: null, operation: null, since: null, until: null, id: null };

export interface RowQuestion {
  readonly order: RowOrder;
  /** The rows with `after < seq_id <= upTo`. */
  readonly after: bigint;
  readonly upTo: bigint;
  readonly filter: RowFilter;
  readonly withVectors: boolean;
}

/** Operations as the queue stores them, by their number (chromadb/types.py `Operation`, all versions). */
export const OPERATIONS: readonly string[] = ['add', 'update', 'upsert', 'delete'];

const COLUMNS = `
  seq_id, created_at, operation, topic, id, encoding,
  CASE WHEN @withVectors = 1 THEN CAST(vector AS BLOB) END, octet_length(vector), metadata`;

/** What a topic ends in: what follows its last slash, all of it where it has none (see topic.ts). */
const ENDING = "replace(topic, rtrim(topic, replace(topic, '/', '')), '')";

const MATCHING = `
  FROM embeddings_queue
  WHERE seq_id > @after AND seq_id <= @upTo
    AND (@all = 1 OR topic IN (SELECT value FROM json_each(@topics)) OR ${ENDING} IN (SELECT value FROM json_each(@endings)))
    AND (@operation IS NULL OR operation = @operation)
    AND (@since IS NULL OR created_at >= @since)
    AND (@until IS NULL OR created_at <= @until)
    AND (@id IS NULL OR id = @id)`;

const OLDEST_FIRST = `SELECT ${COLUMNS} ${MATCHING} ORDER BY seq_id`;
const NEWEST_FIRST = `SELECT ${COLUMNS} ${MATCHING} ORDER BY seq_id DESC`;

const WITHIN = 'FROM embeddings_queue WHERE seq_id > ? AND seq_id <= ?';
const LAST_OF_SPAN = `SELECT seq_id ${WITHIN} ORDER BY seq_id LIMIT 1 OFFSET ?`;
const BEFORE_SPAN = `SELECT seq_id ${WITHIN} ORDER BY seq_id DESC LIMIT 1 OFFSET ?`;

const FIRST = 'SELECT MIN(seq_id) FROM embeddings_queue';
const LAST = 'SELECT MAX(seq_id) FROM embeddings_queue';
const ROW_BEFORE = 'SELECT MAX(seq_id) FROM embeddings_queue WHERE seq_id < ?';
const ROW_AFTER = 'SELECT MIN(seq_id) FROM embeddings_queue WHERE seq_id > ?';

/** Rows that one page looks at, and bytes of content from which on it ends early. */
const ROWS_OF_A_PAGE = 2_000;
const BYTES_OF_A_PAGE = 2 ** 21;

interface PageSize {
  readonly rows: number;
  readonly bytes: number;
}

/**
 * The rows that were asked for, a page at a time, empty pages left out; nothing of the database is held open at a
 * `yield`. Where a page of the database is damaged, the rows that come before it, then what SQLite throws.
 */
export function* eachPage(
  db: Database,
  question: RowQuestion,
  size: PageSize = { rows: ROWS_OF_A_PAGE, bytes: BYTES_OF_A_PAGE },
): Generator<readonly QueueRow[]> {
  const isForward = question.order === 'oldest-first';
  let { after, upTo } = question;
  while (after < upTo) {
    const span = spanWithin(db, isForward, { after, upTo }, size.rows);
    const { rows, isCut, failure } = readSpan(db, { ...question, ...span }, size.bytes);
    if (rows.length > 0) yield rows;
    if (failure !== null) throw failure.thrown;
    const last = rows.at(-1)?.seqId;
    if (isForward) after = isCut && last !== undefined ? last : span.upTo;
    else upTo = isCut && last !== undefined ? last - 1n : span.after;
  }
}

/** Every row that `filter` leaves, one at a time and without its vector; read page by page as {@link eachPage} does. */
export function* eachRow(db: Database, order: RowOrder, filter: RowFilter = EVERY_ROW): Generator<QueueRow> {
  const question = { order, after: BEFORE_ALL, upTo: LARGEST, filter, withVectors: false };
  for (const page of eachPage(db, question)) yield* page;
}

interface Span {
  readonly after: bigint;
  readonly upTo: bigint;
}

/** The first `rows` rows of what is left, whether they match or not; all of it where there are fewer. */
function spanWithin(db: Database, isForward: boolean, { after, upTo }: Span, rows: number): Span {
  const skipped = BigInt(isForward ? rows - 1 : rows);
  const end = db.prepare<[bigint, bigint, bigint], bigint>(isForward ? LAST_OF_SPAN : BEFORE_SPAN).pluck();
  try {
    const found = end.get(after, upTo, skipped);
    if (found === undefined) return { after, upTo };
    return isForward ? { after, upTo: found } : { after: found, upTo };
  } catch (error) {
    // The rows before the damaged page can be read all the same, and the damage is met again behind them.
    if (isDamage(error)) return { after, upTo };
    throw error;
  }
}

interface Page {
  readonly rows: readonly QueueRow[];
  /** True where it ended before its span did. */
  readonly isCut: boolean;
  readonly failure: { readonly thrown: unknown } | null;
}

/** What SQLite can have in a column, whatever its type is said to be. */
type Stored = string | number | bigint | Buffer | null;

type StoredRow = readonly [
  seqId: bigint,
  createdAt: Stored,
  operation: Stored,
  topic: Stored,
  id: Stored,
  encoding: Stored,
  vector: Buffer | null,
  vectorBytes: bigint | null,
  metadata: Stored,
];

function readSpan(db: Database, { order, after, upTo, filter, withVectors }: RowQuestion, bytes: number): Page {
  const statement = db.prepare<[object], StoredRow>(order === 'oldest-first' ? OLDEST_FIRST : NEWEST_FIRST).raw();
  const rows: QueueRow[] = [];
  let read = 0;
  try {
    for (const stored of statement.iterate(valuesOf(filter, { after, upTo }, withVectors)) as Iterable<StoredRow>) {
      const row = rowOf(stored);
      rows.push(row);
      read += (row.vector?.length ?? 0) + (row.metadata?.length ?? 0);
      if (read >= bytes) return { rows, isCut: true, failure: null };
    }
  } catch (thrown) {
    return { rows, isCut: false, failure: { thrown } };
  }
  return { rows, isCut: false, failure: null };
}

function valuesOf({ of, operation, since, until, id }: RowFilter, { after, upTo }: Span, withVectors: boolean): object {
  return {
    after,
    upTo,
    all: of === null ? 1n : 0n,
    topics: JSON.stringify(of?.topics ?? []),
    endings: JSON.stringify(of?.endings ?? []),
    operation: operation === null ? null : BigInt(operation),
    since,
    until,
    id,
    withVectors: withVectors ? 1n : 0n,
  };
}

function rowOf(stored: StoredRow): QueueRow {
  const [seqId, createdAt, operation, topic, id, encoding, vector, vectorBytes, metadata] = stored;
  return {
    seqId,
    createdAt: textOf(createdAt),
    operation: operationOf(operation),
    topic: textOf(topic),
    id: textOf(id),
    encoding: textOf(encoding),
    vector,
    vectorBytes: vectorBytes === null ? null : Number(vectorBytes),
    metadata: textOf(metadata),
  };
}

function operationOf(stored: Stored): string {
  const known = typeof stored === 'bigint' ? OPERATIONS[Number(stored)] : undefined;
  return known ?? `unknown-${textOf(stored) ?? 'null'}`;
}

/** Chroma writes text into these columns; SQLite would take anything. */
function textOf(stored: Stored): string | null {
  if (stored === null || typeof stored === 'string') return stored;
  return Buffer.isBuffer(stored) ? `x'${stored.toString('hex')}'` : String(stored);
}

export interface QueueEnds {
  readonly first: bigint;
  readonly last: bigint;
}

/** Where the queue begins and ends; null where it is empty. */
export function readEnds(db: Database): QueueEnds | null {
  const [first, last] = [FIRST, LAST].map((sql) => db.prepare<[], bigint | null>(sql).pluck().get() ?? null);
  return first === undefined || first === null ? null : { first, last: last ?? first };
}

/** The rows beside the place of `seqId`, whether there is one at it or not. */
export function readNeighbours(
  db: Database,
  seqId: bigint,
): { readonly before: bigint | null; readonly after: bigint | null } {
  const at = (sql: string): bigint | null => db.prepare<[bigint], bigint | null>(sql).pluck().get(seqId) ?? null;
  return { before: at(ROW_BEFORE), after: at(ROW_AFTER) };
}
