import { describe, expect, it } from 'vitest';
import { nextPages, nothingGiven, withStep, type Giving } from '../../src/operations/incremental/given.ts';

function after(goal: number, ...steps: readonly (readonly [pages: number, lockMs: number])[]): Giving {
  return steps.reduce<Giving>(
    (giving, [pages, lockMs]) => withStep(giving, { pages, bytes: pages * 4096, lockMs }),
    nothingGiven(goal),
  );
}

describe('pages that are given back in steps', () => {
  it('are few at first, and never more than there were', () => {
    expect(nextPages(nothingGiven(100_000))).toBe(64);
    expect(nextPages(nothingGiven(10))).toBe(10);
    expect(nextPages(nothingGiven(0))).toBe(0);
  });

  it.each([
    ['more where that was quick', [64, 5], 128],
    ['as many where it took its time', [64, 30], 64],
    ['half as many where it was slow', [64, 90], 32],
    ['one at least', [1, 900], 1],
    ['no more than a small journal holds', [1_000, 1], 1_000],
  ] as const)('are %s', (_, [pages, lockMs], expected) => {
    expect(nextPages(after(100_000, [pages, lockMs]))).toBe(expected);
  });

  it('are counted by what went, which may be less than was asked for', () => {
    expect(nextPages(after(100_000, [7, 30]))).toBe(7);
  });

  it('end with those that were free when it began', () => {
    expect(nextPages(after(100, [64, 1], [30, 1]))).toBe(6);
    expect(nextPages(after(100, [64, 1], [36, 1]))).toBe(0);
  });

  it('end where somebody else has filled the others', () => {
    expect(nextPages(after(100, [64, 1], [0, 1]))).toBe(0);
  });

  it('are summed up, with the longest lock', () => {
    expect(after(100, [64, 12], [20, 44], [16, 3])).toMatchObject({
      pages: 100,
      bytes: 409_600,
      transactions: 3,
      longestLockMs: 44,
    });
  });
});
