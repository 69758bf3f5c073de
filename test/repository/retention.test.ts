import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyPolicy, isEmpty, type Candidate, type Policy } from '../../src/repository/retention.ts';

const NOTHING: Policy = { last: 0, daily: 0, weekly: 0, monthly: 0, withinMs: null, maxBytes: null };
const DAY_MS = 86_400_000;
const NOW = new Date('2026-11-21T12:00:00Z');

interface Sized extends Candidate {
  readonly bytes: number;
}

function snapshot(time: string, { isVerified = false, bytes = 1 } = {}): Sized {
  return { id: time, time, isVerified, bytes };
}

function daily(first: string, count: number): readonly Sized[] {
  return Array.from({ length: count }, (_, day) => snapshot(new Date(Date.parse(first) + day * DAY_MS).toISOString()));
}

function decide(snapshots: readonly Sized[], policy: Partial<Policy>, now = NOW) {
  const bytesOf = (kept: readonly Sized[]): number => kept.reduce((sum, { bytes }) => sum + bytes, 0);
  return applyPolicy(snapshots, { ...NOTHING, ...policy }, { now, bytesOf });
}

function keptOf(snapshots: readonly Sized[], policy: Partial<Policy>, now = NOW): readonly string[] {
  return decide(snapshots, policy, now)
    .filter(({ reasons }) => reasons.length > 0)
    .map(({ snapshot: { time } }) => time);
}

describe("restic's published examples", () => {
  const sundays = Array.from({ length: 12 }, (_, week) =>
    snapshot(new Date(Date.parse('2019-09-01T11:00:00Z') + week * 7 * DAY_MS).toISOString()),
  );

  it('one backup every Sunday for 12 weeks, --keep-daily 4: the last four Sundays', () => {
    expect(keptOf(sundays, { daily: 4 }).map((time) => time.slice(0, 10))).toEqual([
      '2019-10-27',
      '2019-11-03',
      '2019-11-10',
      '2019-11-17',
    ]);
  });

  it('one backup every day for years, --keep-daily 7 --keep-weekly 5 --keep-monthly 12', () => {
    const days = daily('2016-01-01T10:00:00Z', 3_000);
    const decisions = decide(days, { daily: 7, weekly: 5, monthly: 12 });
    const withReason = (reason: string): readonly string[] =>
      decisions.filter(({ reasons }) => reasons.includes(reason)).map(({ snapshot: { time } }) => time);
    expect(withReason('daily snapshot')).toHaveLength(7);
    expect(withReason('weekly snapshot')).toHaveLength(5);
    expect(withReason('monthly snapshot')).toHaveLength(12);
    // "4 last-day-of-the-week ones, since the 7 dailies already include 1 weekly", then 12 or 11 of months.
    const dailies = new Set(withReason('daily snapshot'));
    expect(withReason('weekly snapshot').filter((time) => !dailies.has(time))).toHaveLength(3);
    for (const time of withReason('weekly snapshot').slice(0, -1)) expect(new Date(time).getUTCDay()).toBe(0);
    for (const time of withReason('monthly snapshot').slice(0, -1)) {
      expect(new Date(Date.parse(time) + DAY_MS).getUTCDate()).toBe(1);
    }
  });

  it('too few snapshots for a rule: the oldest is kept additionally, and marked as oldest', () => {
    const hours = ['2026-11-20T08:00:00Z', '2026-11-20T09:00:00Z', '2026-11-20T10:00:00Z'].map((time) =>
      snapshot(time),
    );
    expect(decide(hours, { daily: 3 }).map(({ reasons }) => reasons)).toEqual([
      ['oldest daily snapshot'],
      [],
      ['daily snapshot', 'newest snapshot'],
    ]);
  });

  it('--keep-within counts from the latest snapshot, which must not be in the future', () => {
    const days = [...daily('2026-11-01T00:00:00Z', 10), snapshot('2027-05-01T00:00:00Z')];
    expect(keptOf(days, { withinMs: 3 * DAY_MS }).map((time) => time.slice(0, 10))).toEqual([
      '2026-11-08',
      '2026-11-09',
      '2026-11-10',
      '2027-05-01',
    ]);
  });
});

describe('what always stays', () => {
  it('is the newest snapshot and the last verified one, whatever the rules say', () => {
    const days = daily('2026-11-01T00:00:00Z', 5).map((each, at) => ({ ...each, isVerified: at < 2 }));
    expect(decide(days, { last: 1 }).map(({ reasons }) => reasons)).toEqual([
      [],
      ['last verified snapshot'],
      [],
      [],
      ['last snapshot', 'newest snapshot'],
    ]);
  });

  it('stays beyond --max-size too', () => {
    const days = daily('2026-11-01T00:00:00Z', 5).map((each, at) => ({ ...each, isVerified: at === 1, bytes: 10 }));
    expect(keptOf(days, { maxBytes: 5 }).map((time) => time.slice(8, 10))).toEqual(['02', '05']);
    expect(keptOf(days, { maxBytes: 30 }).map((time) => time.slice(8, 10))).toEqual(['02', '04', '05']);
    expect(keptOf(days, { maxBytes: 50 })).toHaveLength(5);
    expect(keptOf(days, { last: 2, maxBytes: 30 }).map((time) => time.slice(8, 10))).toEqual(['02', '04', '05']);
  });

  it('a clock set back does not make the last made snapshot an old one', () => {
    const days = [...daily('2026-11-10T00:00:00Z', 3), snapshot('2026-11-01T00:00:00Z')];
    expect(keptOf(days, { last: 1 })).toEqual(['2026-11-01T00:00:00Z']);
  });
});

describe('the weeks', () => {
  it.each([
    ['2024-12-30', '2025-01-05', 1],
    ['2027-01-03', '2027-01-04', 2],
    ['2020-12-31', '2021-01-03', 1],
  ])('%s and %s are in %i', (first, second, weeks) => {
    const two = [snapshot(`${first}T12:00:00.000Z`), snapshot(`${second}T12:00:00.000Z`)];
    const kept = decide([snapshot('2001-01-01T00:00:00.000Z'), ...two], { weekly: 9 }, new Date('2030-01-01'));
    const counted = kept.slice(1).filter(({ reasons }) => reasons.includes('weekly snapshot'));
    expect(counted).toHaveLength(weeks);
  });
});

/** Weeks since the first Monday: 1970-01-01 was a Thursday. */
function mondaysSince(time: Date): string {
  return String(Math.floor((Math.floor(time.getTime() / DAY_MS) + 3) / 7));
}

/**
 * The rules once more, as plain as the manual states them: of the last n days that have a snapshot, the most recent one
 * of each; the same for weeks and months; the oldest where there are not enough.
 */
function model(snapshots: readonly Sized[], policy: Policy): ReadonlySet<string> {
  const newestFirst = snapshots.toReversed();
  const kept = new Set<string>();
  const keep = (count: number, keyOf: (time: Date) => string): void => {
    const firstOfEach = newestFirst.filter(
      (each, at) => at === 0 || keyOf(new Date(each.time)) !== keyOf(new Date(newestFirst[at - 1]?.time ?? '')),
    );
    const chosen = firstOfEach.slice(0, count);
    const oldest = newestFirst.at(-1);
    for (const { id } of chosen) kept.add(id);
    if (chosen.length < count && oldest !== undefined) kept.add(oldest.id);
  };
  if (policy.last > 0) for (const { id } of newestFirst.slice(0, policy.last)) kept.add(id);
  if (policy.daily > 0) keep(policy.daily, (time) => String(Math.floor(time.getTime() / DAY_MS)));
  if (policy.weekly > 0) keep(policy.weekly, mondaysSince);
  if (policy.monthly > 0) keep(policy.monthly, (time) => `${time.getUTCFullYear()}-${time.getUTCMonth()}`);
  const latest = Math.max(...snapshots.map(({ time }) => Date.parse(time)));
  if (policy.withinMs !== null)
    for (const { id, time } of snapshots) if (Date.parse(time) > latest - policy.withinMs) kept.add(id);
  const newest = snapshots.at(-1);
  const verified = snapshots.findLast(({ isVerified }) => isVerified);
  for (const each of [newest, verified]) if (each !== undefined) kept.add(each.id);
  return kept;
}

const count = fc.integer({ min: 0, max: 5 });
const policies = fc
  .record({
    last: count,
    daily: count,
    weekly: count,
    monthly: count,
    withinMs: fc.option(fc.integer({ min: 0, max: 60 * DAY_MS })),
    maxBytes: fc.constant(null),
  })
  .filter((policy) => !isEmpty(policy));
const histories = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 20 * DAY_MS }), fc.boolean()), { maxLength: 40 })
  .map((steps) => {
    let time = Date.parse('2024-01-01T00:00:00Z');
    return steps.map(([step, isVerified], at) => {
      time += step;
      return { id: String(at), time: new Date(time).toISOString(), isVerified, bytes: 1 };
    });
  });

describe('any history under any policy', () => {
  it('keeps what the plain model keeps, with a reason, and in the order given', () => {
    fc.assert(
      fc.property(histories, policies, (snapshots, policy) => {
        const decisions = decide(snapshots, policy);
        expect(decisions.map(({ snapshot: { id } }) => id)).toEqual(snapshots.map(({ id }) => id));
        const kept = decisions.filter(({ reasons }) => reasons.length > 0).map(({ snapshot: { id } }) => id);
        expect(new Set(kept)).toEqual(model(snapshots, policy));
      }),
      { numRuns: 2_000 },
    );
  });

  it('drops the oldest beyond --max-size, and nothing that fits', () => {
    fc.assert(
      fc.property(histories, policies, fc.integer({ min: 0, max: 20 }), (snapshots, policy, maxBytes) => {
        const without = keptOf(snapshots, policy);
        const kept = keptOf(snapshots, { ...policy, maxBytes });
        const protectedOnes = new Set([snapshots.at(-1), snapshots.findLast(({ isVerified }) => isVerified)]);
        const dropped = without.filter((time) => !kept.includes(time));
        for (const time of dropped) {
          for (const other of kept.filter((each) => each < time))
            expect([...protectedOnes].map((each) => each?.time)).toContain(other);
        }
        expect(dropped.length === 0 || without.length > maxBytes).toBe(true);
        expect(kept.length).toBeLessThanOrEqual(Math.max(maxBytes, protectedOnes.size));
      }),
      { numRuns: 500 },
    );
  });

  it('a second forget finds nothing', () => {
    fc.assert(
      fc.property(histories, policies, (snapshots, policy) => {
        const left = new Set(keptOf(snapshots, policy));
        const again = snapshots.filter(({ time }) => left.has(time));
        // The oldest that is left may stay for the history's sake, never go for it.
        expect(keptOf(again, policy)).toEqual([...left]);
      }),
      { numRuns: 500 },
    );
  });
});
