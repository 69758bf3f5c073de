/**
 * How much of a server's time a prune beside it takes: short transactions, and pauses several times as long.
 */

/** How a prune beside a server goes about it. Plain data. */
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

/** Rows of the next transaction, after one of `rows` that held the lock for `lockMs`; the first where there was none. */
export function nextBatchRows({ batchRows }: OnlineLimits, last: { rows: number; lockMs: number } | null): number {
  if (last === null) return Math.min(FIRST_ROWS, batchRows);
  if (last.lockMs > TOO_LONG_MS) return Math.min(Math.max(Math.floor(last.rows / 2), FEWEST_ROWS), batchRows);
  return last.lockMs < SHORT_MS ? Math.min(last.rows * 2, batchRows) : last.rows;
}

/** How long to leave the server alone after a transaction that held the lock for `lockMs`. */
export function pauseAfter({ pauseMs }: OnlineLimits, lockMs: number): number {
  return Math.max(pauseMs, Math.ceil(PAUSE_FACTOR * lockMs));
}
