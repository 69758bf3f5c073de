import { describe, expect, it } from 'vitest';
import { nextBatchRows, pauseAfter } from '../../src/operations/online/pace.ts';

const LIMITS = { batchRows: 1_000, pauseMs: 0 };

describe('the pace of a prune beside a server', () => {
  it('begins with few rows, and never takes more than it may', () => {
    expect(nextBatchRows(LIMITS, null)).toBe(100);
    expect(nextBatchRows({ ...LIMITS, batchRows: 7 }, null)).toBe(7);
    expect(nextBatchRows({ ...LIMITS, batchRows: 7 }, { rows: 7, lockMs: 1 })).toBe(7);
  });

  it.each([
    ['doubles what was quick', 100, 19, 200],
    ['stops at the limit', 800, 1, 1_000],
    ['keeps what took its time', 400, 20, 400],
    ['keeps what took its time', 400, 50, 400],
    ['halves what was slow', 400, 51, 200],
    ['comes back to few rows', 12, 5_000, 10],
  ])('%s', (_, rows, lockMs, expected) => {
    expect(nextBatchRows(LIMITS, { rows, lockMs })).toBe(expected);
  });

  it('leaves the server alone for four times as long as it was kept waiting, or for longer', () => {
    expect(pauseAfter(LIMITS, 30)).toBe(120);
    expect(pauseAfter(LIMITS, 0.3)).toBe(2);
    expect(pauseAfter({ ...LIMITS, pauseMs: 500 }, 30)).toBe(500);
    expect(pauseAfter({ ...LIMITS, pauseMs: 500 }, 200)).toBe(800);
  });
});
