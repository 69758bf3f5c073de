import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  counted,
  formatBytes,
  formatCount,
  formatElapsed,
  formatDuration,
  parseDuration,
  parseMoment,
  parseShare,
  parseSize,
} from '../src/units.ts';

const RUNS = { numRuns: 1000 };
const UNITS: Readonly<Record<string, number>> = { B: 0, KiB: 1, MiB: 2, GiB: 3, TiB: 4, PiB: 5 };

describe('bytes', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1024 * 1024 - 1, '1.0 MiB'],
    [1023.96 * 1024, '1.0 MiB'],
    [814_219_264, '776.5 MiB'],
    [1024 ** 3, '1.00 GiB'],
    [1.14 * 1024 ** 3, '1.14 GiB'],
    [1024 ** 5, '1.00 PiB'],
    [Number.MAX_SAFE_INTEGER, '8.00 PiB'],
  ])('%d read %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it('read as what they are, to the last digit shown, and never as 1024 of a unit', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (bytes) => {
        const [digits = '', unit = ''] = formatBytes(bytes).split(' ');
        const scale = 1024 ** (UNITS[unit] ?? NaN);
        const places = digits.split('.')[1]?.length ?? 0;
        expect(Math.abs(Number(digits) * scale - bytes)).toBeLessThanOrEqual((scale * 0.51) / 10 ** places);
        expect(Number(digits)).toBeLessThan(1024);
      }),
      RUNS,
    );
  });
});

describe('counts', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [1_234_567, '1,234,567'],
    [-1000, '-1,000'],
    [2n ** 63n - 1n, '9,223,372,036,854,775,807'],
  ])('%s reads %s', (count, text) => {
    expect(formatCount(count)).toBe(text);
  });

  it('lose no digit and gain nothing but commas', () => {
    fc.assert(
      fc.property(fc.bigInt(), (count) => {
        const text = formatCount(count);
        expect(text.replaceAll(',', '')).toBe(count.toString());
        expect(text).toMatch(/^-?\d{1,3}(,\d{3})*$/);
      }),
      RUNS,
    );
  });

  it('come with their noun, singular for one alone', () => {
    expect([0, 1, 2, 1254].map((count) => counted(count, 'row'))).toEqual(['0 rows', '1 row', '2 rows', '1,254 rows']);
    expect(counted(2, 'index', 'indexes')).toBe('2 indexes');
  });
});

describe('elapsed time', () => {
  it.each([
    [0, '0.0 s'],
    [2449, '2.4 s'],
    [59_949, '59.9 s'],
    [59_950, '1 min 00 s'],
    [185_000, '3 min 05 s'],
    [119_600, '2 min 00 s'],
    [3_600_000, '60 min 00 s'],
  ])('of %d ms reads %s', (ms, text) => {
    expect(formatElapsed(ms)).toBe(text);
  });
});

describe('what people type', () => {
  it.each(['0s', '90s', '15m', '2h', '7d', '10d', '4w', '999999999w'])('%s is repeated as it was typed', (text) => {
    expect(formatDuration(parseDuration(text) ?? -1)).toBe(text);
  });

  it.each([
    ['0s', 0],
    ['90s', 90_000],
    ['15m', 900_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['4w', 2_419_200_000],
    ['999999999w', 604_800_000 * 999_999_999],
  ])('%s is a duration', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', '5', 's', '-5s', '1.5h', ' 5s', '5s ', '5S', '5ms', '1e3s', '٥s', '1234567890s', '5s\n'])(
    '%j is no duration',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  it.each([
    ['0', 0],
    ['4096', 4096],
    ['500M', 500 * 1024 ** 2],
    ['1.5G', 1.5 * 1024 ** 3],
    ['2T', 2 * 1024 ** 4],
    ['1P', 1024 ** 5],
    ['0.001K', 1],
  ])('%s is a size', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(['', 'K', '-1', '1k', '1KB', '1,5G', '.5G', '1.G', '0x10', '9999999999P', 'Infinity', '1G\n'])(
    '%j is no size',
    (text) => {
      expect(parseSize(text)).toBeUndefined();
    },
  );

  it.each([
    ['0%', 0],
    ['10%', 0.1],
    ['0.5%', 0.005],
    ['100%', 1],
  ])('%s is a share', (text, share) => {
    expect(parseShare(text)).toBeCloseTo(share, 12);
  });

  it.each(['', '%', '10', '101%', '100.001%', '-1%', '1e1%', '10 %', '10%\n'])('%j is no share', (text) => {
    expect(parseShare(text)).toBeUndefined();
  });

  it('is refused or understood, and never becomes NaN or a negative number', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^[\d.]{0,14}[smhdwKMGTP%]?$/));
    fc.assert(
      fc.property(text, (typed) => {
        for (const parsed of [parseDuration(typed), parseSize(typed), parseShare(typed)]) {
          expect(parsed === undefined || parsed >= 0).toBe(true);
        }
      }),
      RUNS,
    );
  });
});

describe('a moment', () => {
  const now = new Date('2026-11-23T12:00:00.500Z');

  it.each([
    ['2026-11-21', '2026-11-21T00:00:00.000Z'],
    ['2026-11-21T03:15', '2026-11-21T03:15:00.000Z'],
    ['2026-11-21 03:15:09', '2026-11-21T03:15:09.000Z'],
    ['2026-11-21T03:15:09.25Z', '2026-11-21T03:15:09.250Z'],
    ['2026-11-21T00:15+02:00', '2026-11-20T22:15:00.000Z'],
    ['2026-11-21T00:15-0130', '2026-11-21T01:45:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['2h', '2026-11-23T10:00:00.500Z'],
    ['1w', '2026-11-16T12:00:00.500Z'],
  ])('%s is %s', (text, iso) => expect(parseMoment(text, now)?.toISOString()).toBe(iso));

  it.each(['', 'now', '2026', '2026-11', '2026-02-29', '2026-13-01', '2026-11-21T24:01', '2026-11-21T', '21.11.2026'])(
    '%j is none',
    (text) => expect(parseMoment(text, now)).toBeUndefined(),
  );
});
