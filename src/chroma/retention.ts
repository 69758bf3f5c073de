/**
 * Retention: which of the rows that a prune may delete stay all the same, because somebody wants to look at them later.
 *
 * Always one cut-off for each topic, and what lies below it goes as a whole, never row by row: times of creation need
 * not rise with seq_id. A clock that was set back makes an ADD younger than the DELETE after it; with the ADD kept and
 * the DELETE gone, a Chroma that replays the queue brings the deleted record back (0.5.5 opened by 1.5.9; docs/FORMAT.md,
 * "What may be deleted").
 */
import type { Database } from '../sqlite/open.ts';
import type { Topic } from './model.ts';
import type { TopicCutoff } from './prune-plan.ts';
import { inPages, PAYLOAD, rowBytes } from './queue-scan.ts';
import { largest, NO_ROW, seqId, type SeqId } from './seq-id.ts';

/** What is to stay of the rows that could go. Plain data, with an absolute time: every plan of a run is made with it. */
export interface Retention {
  /** The newest so many of each collection; null where that was not asked for. */
  readonly keepLast: number | null;
  /** All from the first row on that was created after the horizon; null where that was not asked for. */
  readonly keepWithin: Horizon | null;
}

/** A time span up to the beginning of a run. */
export interface Horizon {
  readonly spanMs: number;
  /** When it begins, in Unix milliseconds. */
  readonly fromMs: number;
}

const NEXT_ROWS = `
  SELECT seq_id, topic, created_at, ${PAYLOAD} FROM embeddings_queue
  WHERE seq_id > ? AND seq_id < ? ORDER BY seq_id LIMIT ?`;

const PREVIOUS_ROWS = 'SELECT seq_id, topic FROM embeddings_queue WHERE seq_id < ? ORDER BY seq_id DESC LIMIT ?';

type Row = readonly [seq: bigint, topic: Topic, createdAt: unknown, payload: number];

/** `CURRENT_TIMESTAMP` of SQLite, which every Chroma leaves to fill `created_at` in: UTC, cut off to seconds. */
const CREATED_AT = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;
const SECOND_MS = 1000;

/**
 * True where a row with that time may have been created within the span: in the second in which it begins, too. A time
 * that cannot be read counts as young.
 */
export function isYoung(createdAt: unknown, { fromMs }: Horizon): boolean {
  const created = createdMs(createdAt);
  return created === null || created >= Math.floor(fromMs / SECOND_MS) * SECOND_MS;
}

/** Unix milliseconds of a stored time, null where it is none. */
function createdMs(stored: unknown): number | null {
  if (typeof stored !== 'string' || !CREATED_AT.test(stored)) return null;
  const ms = Date.parse(`${stored.replace(' ', 'T')}Z`);
  // Date.parse takes the 30th of February for the 2nd of March, and hour 24 for the next day.
  return new Date(ms).getUTCDate() === Number(stored.slice(8, 10)) ? ms : null;
}

/**
 * Returns what of each topic's `plain` cut-off may still go: the rows before the first one that stays. Reads the queue
 * once or twice more, and holds nothing but a few numbers for each topic. Nothing of it rests on rows that were counted
 * before: beside a server they may have gone meanwhile, and another prune must not make this one leave fewer.
 */
export function readRetained(
  db: Database,
  pageSize: number,
  plain: ReadonlyMap<Topic, Pick<TopicCutoff, 'below'>>,
  { keepLast, keepWithin }: Retention,
): ReadonlyMap<Topic, TopicCutoff> {
  const limits = new Map([...plain].map(([topic, { below }]) => [topic, below]));
  const open = keepLast === null ? limits : beginOfNewest(db, limits, keepLast);
  const going = new Map([...open].map(([topic, below]) => [topic, { below, rows: 0, bytes: 0 }]));
  for (const [seq, topic, createdAt, payload] of rowsBelow(db, highest(open))) {
    const limit = open.get(topic);
    const gone = going.get(topic);
    if (limit === undefined || gone === undefined || seq >= limit) continue;
    if (keepWithin !== null && isYoung(createdAt, keepWithin)) {
      gone.below = seqId(seq);
      open.delete(topic);
      if (open.size === 0) break;
    } else {
      gone.rows += 1;
      gone.bytes += rowBytes(payload, pageSize);
    }
  }
  return going;
}

/** Where the newest `keepLast` rows below each limit begin, or all of them where there are fewer. */
function beginOfNewest(db: Database, limits: ReadonlyMap<Topic, SeqId>, keepLast: number): Map<Topic, SeqId> {
  const begins = new Map(limits);
  const missing = new Map([...limits.keys()].map((topic) => [topic, keepLast]));
  for (const [seq, topic] of rowsDownFrom(db, highest(limits))) {
    const more = missing.get(topic);
    const limit = limits.get(topic);
    if (more === undefined || limit === undefined || seq >= limit) continue;
    begins.set(topic, seqId(seq));
    if (more > 1) missing.set(topic, more - 1);
    else missing.delete(topic);
    if (missing.size === 0) break;
  }
  return begins;
}

function highest(limits: ReadonlyMap<Topic, SeqId>): SeqId {
  return largest(NO_ROW, ...limits.values());
}

/** The rows below `end`, the newest first. */
function rowsDownFrom(db: Database, end: bigint): Iterable<readonly [seq: bigint, topic: Topic]> {
  const next = db.prepare<[bigint, number], [bigint, Topic]>(PREVIOUS_ROWS).raw();
  return inPages((before, rows) => next.all(before, rows), undefined, end);
}

function rowsBelow(db: Database, end: bigint): Iterable<Row> {
  const next = db.prepare<[bigint, bigint, number], Row>(NEXT_ROWS).raw();
  return inPages((after, rows) => next.all(after, end, rows));
}
