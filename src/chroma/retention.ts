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
import { largest, NO_ROW, seqId } from './seq-id.ts';

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

type Row = readonly [seq: bigint, topic: Topic, createdAt: unknown, payload: number];

/** `CURRENT_TIMESTAMP` of SQLite, which every Chroma leaves to fill `created_at` in: UTC, cut off to seconds. */
const CREATED_AT = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;
const SECOND_MS = 1000;

/**
 * True where a row is the first of its topic that stays: the one with so many of `rows` before it (`rank`, from 0), and
 * created at that time. A time that cannot be read counts as young.
 */
export function isFirstKept(
  { keepLast, keepWithin }: Retention,
  { rank, rows, createdAt }: { readonly rank: number; readonly rows: number; readonly createdAt: unknown },
): boolean {
  if (keepLast !== null && rank >= rows - keepLast) return true;
  return keepWithin !== null && isYoung(createdAt, keepWithin);
}

/** What was created in the second of the horizon may have been created after it. */
function isYoung(createdAt: unknown, { fromMs }: Horizon): boolean {
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
 * once more, up to the highest cut-off, and holds nothing but a few numbers for each topic.
 */
export function readRetained(
  db: Database,
  pageSize: number,
  plain: ReadonlyMap<Topic, TopicCutoff>,
  retention: Retention,
): ReadonlyMap<Topic, TopicCutoff> {
  const going = new Map([...plain].map(([topic, { below }]) => [topic, { below, rows: 0, bytes: 0 }]));
  const open = new Map(plain);
  const end = largest(NO_ROW, ...[...plain.values()].map(({ below }) => below));
  for (const [seq, topic, createdAt, payload] of rowsBelow(db, end)) {
    const limit = open.get(topic);
    const gone = going.get(topic);
    if (limit === undefined || gone === undefined || seq >= limit.below) continue;
    if (isFirstKept(retention, { rank: gone.rows, rows: limit.rows, createdAt })) {
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

function rowsBelow(db: Database, end: bigint): Iterable<Row> {
  const next = db.prepare<[bigint, bigint, number], Row>(NEXT_ROWS).raw();
  return inPages((after, rows) => next.all(after, end, rows));
}
