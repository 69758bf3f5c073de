/**
 * Everything that is asked of `embeddings_queue` before anything is deleted, in one pass over it: what each topic
 * occupies, what lies below its watermark, and which records its index does not hold although the queue says so.
 */
import type { Database } from '../sqlite/open.ts';
import type { Topic, TopicUsage } from './model.ts';
import type { CountedCutoff, TopicMark } from './prune-plan.ts';
import { BEFORE_ALL, seqId } from './seq-id.ts';

export interface QueueScan {
  readonly usage: ReadonlyMap<Topic, TopicUsage>;
  /** Rows strictly below the mark of each topic that has one. */
  readonly below: ReadonlyMap<Topic, CountedCutoff>;
  /** How many records each index lacks; no entry where it lacks none or was not asked. */
  readonly missing: ReadonlyMap<Topic, number>;
  /** Rows above the position of the topic's index, all where that has none. */
  readonly waiting: ReadonlyMap<Topic, WaitingRows>;
  /** Rows with an operation that no known Chroma writes here (Rust knows a fourth, for functions, since 1.3.6). */
  readonly unknownOperations: ReadonlyMap<Topic, number>;
}

export interface WaitingRows {
  readonly rows: number;
  /** Those of them that add a record. */
  readonly adds: number;
}

export interface ScanQuestions {
  /** What is asked of a topic's rows besides their number and size; null for nothing. Called once for each topic. */
  readonly markOf: (topic: Topic) => TopicMark | null;
  /** Returns those of `ids` that the topic's index does not hold. */
  readonly notIndexed: (topic: Topic, ids: ReadonlySet<string>) => Iterable<string>;
}

/**
 * Bytes of a row, from lengths alone. As REAL: the connection returns every INTEGER as a bigint, which is slow to
 * calculate with.
 */
export const PAYLOAD = `
    CAST(16 + octet_length(created_at) + octet_length(topic) + octet_length(id) + IFNULL(octet_length(vector), 0)
      + IFNULL(octet_length(encoding), 0) + IFNULL(octet_length(metadata), 0) AS REAL)`;

const COLUMNS = `SELECT seq_id, topic, CAST(operation AS REAL), id, ${PAYLOAD} FROM embeddings_queue`;
const ROWS = `${COLUMNS} ORDER BY seq_id`;
const NEXT_ROWS = `${COLUMNS} WHERE seq_id > ? ORDER BY seq_id LIMIT ?`;

export type Row = readonly [seq: bigint, topic: Topic, operation: number | null, id: string, payload: number];

/** Rows that one statement reads beside a server: a few milliseconds, since no vector is read. */
const PAGE_ROWS = 2_000;

/** All rows in the order of seq_id, in one statement: one view of the queue, and nobody commits meanwhile. */
export function wholeQueue(db: Database): Iterable<Row> {
  return db.prepare<[], Row>(ROWS).raw().iterate() as Iterable<Row>;
}

/** The same in short reads, between which others may commit. */
export function queueInPages(db: Database, pageRows = PAGE_ROWS): Iterable<Row> {
  const next = db.prepare<[bigint, number], Row>(NEXT_ROWS).raw();
  return inPages((after, rows) => next.all(after, rows), pageRows);
}

/**
 * Rows that begin with their seq_id, read a few at a time. No row is ever changed; those that others delete meanwhile may
 * be missing, and those that they add are there.
 */
export function* inPages<R extends readonly [seq: bigint, ...unknown[]]>(
  next: (after: bigint, rows: number) => readonly R[],
  pageRows = PAGE_ROWS,
  from = BEFORE_ALL,
): Iterable<R> {
  let last: bigint | undefined = from;
  while (last !== undefined) {
    const rows: readonly R[] = next(last, pageRows);
    yield* rows;
    last = rows.at(-1)?.[0];
  }
}

/** Operations as the queue stores them (chromadb/types.py `Operation`, all versions). */
const [ADD, UPSERT, DELETE] = [0, 2, 3];

/** Ids that are held in memory at once, about 100 bytes each, before the indexes are asked for them. */
const IDS_AT_ONCE = 500_000;

/**
 * Scans the queue's rows once. No vector is read: `octet_length` finds the length of a value in the header of its row. Row by
 * row, because to GROUP BY topic SQLite sorts them all: 0.5 s instead of 0.3 s for 180,000 rows, each time.
 */
export function scanQueue(
  rows: Iterable<Row>,
  pageSize: number,
  questions: ScanQuestions,
  idsAtOnce = IDS_AT_ONCE,
): QueueScan {
  const topics = new Map<Topic, TopicScan>();
  let current: TopicScan | undefined;
  let held = 0;
  for (const [seq, topic, operation, id, payload] of rows) {
    if (current?.topic !== topic) {
      current = topics.get(topic) ?? new TopicScan(topic, questions.markOf(topic));
      topics.set(topic, current);
    }
    current.count(seq, leafBytes(payload, pageSize), overflowBytes(payload, pageSize));
    current.countOperation(seq, operation);
    if (operation !== null && current.remember(seq, operation, id)) held += 1;
    if (held < idsAtOnce) continue;
    for (const each of topics.values()) each.ask(questions);
    held = 0;
  }
  return answers(topics, questions);
}

function answers(topics: ReadonlyMap<Topic, TopicScan>, questions: ScanQuestions): QueueScan {
  const usage = new Map<Topic, TopicUsage>();
  const below = new Map<Topic, CountedCutoff>();
  const missing = new Map<Topic, number>();
  const waiting = new Map<Topic, WaitingRows>();
  const unknownOperations = new Map<Topic, number>();
  for (const [topic, scan] of topics) {
    scan.ask(questions);
    usage.set(topic, scan.usage());
    if (scan.below.rows > 0) below.set(topic, scan.below);
    if (scan.missing > 0) missing.set(topic, scan.missing);
    if (scan.waiting.rows > 0) waiting.set(topic, scan.waiting);
    if (scan.unknownOperations > 0) unknownOperations.set(topic, scan.unknownOperations);
  }
  return { usage, below, missing, waiting, unknownOperations };
}

/** What has been seen of one topic. */
class TopicScan {
  readonly topic: Topic;
  readonly #mark: TopicMark | null;
  #rows = 0;
  #leafBytes = 0;
  #overflowBytes = 0;
  #last = 0n;
  readonly #below = { rows: 0, bytes: 0 };
  readonly waiting = { rows: 0, adds: 0 };
  unknownOperations = 0;
  /** Ids whose last operation so far left a record, and of which the index was not asked yet. */
  #present = new Set<string>();
  /** Such ids that the index does not hold. */
  readonly #missing = new Set<string>();

  constructor(topic: Topic, mark: TopicMark | null) {
    this.topic = topic;
    this.#mark = mark;
  }

  count(seq: bigint, leaf: number, overflow: number): void {
    this.#rows += 1;
    this.#leafBytes += leaf;
    this.#overflowBytes += overflow;
    this.#last = seq;
    if (this.#mark === null || seq >= this.#mark.below) return;
    this.#below.rows += 1;
    this.#below.bytes += leaf + overflow;
  }

  countOperation(seq: bigint, operation: number | null): void {
    if (seq > (this.#mark?.indexed ?? 0n)) {
      this.waiting.rows += 1;
      if (operation === ADD) this.waiting.adds += 1;
    }
    if (operation === null || operation < ADD || operation > DELETE) this.unknownOperations += 1;
  }

  /**
   * Notes what a row says about a record, in the order of seq_id, and returns true where that is held in memory. Folded
   * over everything up to the index's position, not only over the rows to be deleted: a later DELETE excuses an earlier
   * ADD. An UPDATE says nothing, because Chroma ignores that of an absent id.
   */
  remember(seq: bigint, operation: number, id: string): boolean {
    const indexed = this.#mark?.indexed;
    if (indexed === undefined || indexed === null || seq > indexed) return false;
    if (operation === DELETE) {
      this.#present.delete(id);
      this.#missing.delete(id);
    }
    if (operation !== ADD && operation !== UPSERT) return false;
    this.#present.add(id);
    return true;
  }

  ask({ notIndexed }: ScanQuestions): void {
    if (this.#present.size === 0) return;
    for (const id of notIndexed(this.topic, this.#present)) this.#missing.add(id);
    this.#present = new Set();
  }

  usage(): TopicUsage {
    return {
      topic: this.topic,
      rows: this.#rows,
      bytes: this.#leafBytes + this.#overflowBytes,
      leafBytes: this.#leafBytes,
      lastSeqId: seqId(this.#last),
    };
  }

  get below(): CountedCutoff {
    return this.#below;
  }

  get missing(): number {
    return this.#missing.size;
  }
}

/** Estimated bytes of the pages that a row with such a payload occupies. */
export function rowBytes(payload: number, page: number): number {
  return leafBytes(payload, page) + overflowBytes(payload, page);
}

/** Bytes of a row's payload that stay on its leaf page, by SQLite's rule for spilling the rest (file format §1.6). */
function localBytes(payload: number, page: number): number {
  const most = page - 35;
  if (payload <= most) return payload;
  const least = Math.floor(((page - 12) * 32) / 255) - 23;
  const even = least + ((payload - least) % (page - 4));
  return even <= most ? even : least;
}

/** A row's share of a leaf page that holds as many such rows as fit. */
function leafBytes(payload: number, page: number): number {
  return Math.floor(page / Math.max(Math.floor((page - 8) / (localBytes(payload, page) + 10)), 1));
}

/** The overflow pages that a row has to itself. */
function overflowBytes(payload: number, page: number): number {
  return Math.ceil((payload - localBytes(payload, page)) / (page - 4)) * page;
}
