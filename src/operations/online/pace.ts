/**
 * How much of a server's time is taken by work beside it: short transactions, and pauses several times as long.
 */

/** How to go about it beside a server. Plain data. */
export interface OnlineLimits {
  /** Rows of the queue that one transaction looks at, at the most. */
  readonly batchRows: number;
  /** The shortest pause between two transactions, in milliseconds. */
  readonly pauseMs: number;
}

/** The lock is to be gone before anybody notices: 100 ms are the limit, and the next batch may be a slower one. */
const TOO_LONG_MS = 50;
const SHORT_MS = 20;
const FIRST_ROWS = 100;
const FEWEST_ROWS = 10;

/** A server gets four times as long as it was kept waiting. */
const PAUSE_FACTOR = 4;

/** How much one transaction may do. */
export interface Range {
  readonly first: number;
  readonly fewest: number;
  readonly most: number;
}

/** What the next transaction is to do, after one that did `amount` and held the lock for `lockMs`; null before the first. */
export function nextAmount(
  { first, fewest, most }: Range,
  last: { readonly amount: number; readonly lockMs: number } | null,
): number {
  if (last === null) return Math.min(first, most);
  if (last.lockMs > TOO_LONG_MS) return Math.min(Math.max(Math.floor(last.amount / 2), fewest), most);
  return last.lockMs < SHORT_MS ? Math.min(last.amount * 2, most) : last.amount;
}

/** Rows of the next transaction, after one of `rows` that held the lock for `lockMs`; the first where there was none. */
export function nextBatchRows({ batchRows }: OnlineLimits, last: { rows: number; lockMs: number } | null): number {
  const range = { first: FIRST_ROWS, fewest: FEWEST_ROWS, most: batchRows };
  return nextAmount(range, last === null ? null : { amount: last.rows, lockMs: last.lockMs });
}

/** How long to leave the server alone after a transaction that held the lock for `lockMs`. */
export function pauseAfter({ pauseMs }: OnlineLimits, lockMs: number): number {
  return Math.max(pauseMs, Math.ceil(PAUSE_FACTOR * lockMs));
}
