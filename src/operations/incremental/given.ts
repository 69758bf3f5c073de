/**
 * How far pages have been given back, and how many go next. Pure.
 */
import type { GivenBack } from '../../sqlite/auto-vacuum.ts';
import { nextAmount } from '../online/pace.ts';

/** One transaction that gave pages back. */
export interface GivenStep extends GivenBack {
  /** How long others were kept from writing, in milliseconds. */
  readonly lockMs: number;
}

/** What was given back, all transactions together. */
export interface Given extends GivenBack {
  readonly transactions: number;
  readonly longestLockMs: number;
}

/** The same while it goes on. */
export interface Giving extends Given {
  /** Pages that were free when it began: what a server frees meanwhile is for the next run. */
  readonly goal: number;
  readonly last: GivenStep | null;
}

/** Pages of one transaction: its rollback journal is to stay small, too. */
export const MOST_PAGES = 1_000;
const PACE = { first: 64, fewest: 1, most: MOST_PAGES };

export function nothingGiven(goal: number): Giving {
  return { goal, pages: 0, bytes: 0, transactions: 0, longestLockMs: 0, last: null };
}

/** Pages of the next transaction; 0 where nothing is left to do, because all went or somebody else has filled them. */
export function nextPages({ goal, pages, last }: Giving): number {
  if (last?.pages === 0) return 0;
  const next = nextAmount(PACE, last === null ? null : { amount: last.pages, lockMs: last.lockMs });
  return Math.min(next, goal - pages);
}

export function withStep(giving: Giving, step: GivenStep): Giving {
  return {
    goal: giving.goal,
    pages: giving.pages + step.pages,
    bytes: giving.bytes + step.bytes,
    transactions: giving.transactions + 1,
    longestLockMs: Math.max(giving.longestLockMs, step.lockMs),
    last: step,
  };
}
