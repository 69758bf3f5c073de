/**
 * Quantities as people write and read them. Pure; imports nothing.
 */
const KIB = 1024;
const BYTE_UNITS: readonly string[] = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
const SIZE_SUFFIXES = 'KMGTP';
const WEEK_MS = 604_800e3;
const MS_PER: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3, w: WEEK_MS };
const UNITS = Object.entries(MS_PER);

/** Binary units, one decimal up to MiB and two from GiB on: `0 B`, `776.5 MiB`, `1.14 GiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < KIB) return `${bytes} B`;
  let value = bytes / KIB;
  let unit = 0;
  // Rounded first, so that 1,023.96 KiB reads 1.0 MiB.
  while (Number(value.toFixed(1)) >= KIB && unit < BYTE_UNITS.length - 1) {
    value /= KIB;
    unit += 1;
  }
  return `${value.toFixed(unit >= 2 ? 2 : 1)} ${BYTE_UNITS[unit]}`;
}

/** Thousands separated by commas, whatever the locale: output is compared and pasted. */
export function formatCount(count: number | bigint): string {
  return count.toString().replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 row`, `1,254 rows`. */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${formatCount(count)} ${count === 1 ? singular : plural}`;
}

/** Seconds below a minute with one decimal, then minutes and seconds: `2.4 s`, `3 min 05 s`. */
export function formatElapsed(ms: number): string {
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

/** `20261121T031500Z`, as part of a file's name, of a time in ISO 8601. */
export function compactTime(time: string): string {
  return time.replaceAll(/[-:]|\.\d+/g, '');
}

/** Milliseconds of a duration like `0s 90s 15m 2h 7d 4w`; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,9})([smhdw])$/.exec(text) ?? [];
  const ms = unit === undefined ? undefined : MS_PER[unit];
  return ms === undefined ? undefined : Number(digits) * ms;
}

/** The first moment that a time in ISO 8601 with four digits for the year can name, in Unix milliseconds. */
export const EARLIEST_MS = Date.parse('0000-01-01T00:00:00Z');

const MOMENT = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/;

/**
 * A moment like `2026-11-21`, `2026-11-21T03:15:00Z` or `2026-11-21 05:15+02:00`, in UTC where it names no zone, or a
 * duration before `now` like `2h`; undefined for anything else, a day that there is not included.
 */
export function parseMoment(text: string, now: Date): Date | undefined {
  const ago = parseDuration(text);
  if (ago !== undefined) return new Date(Math.max(now.getTime() - ago, EARLIEST_MS));
  const [, day, time = '00:00', seconds = ':00', zone = 'Z'] = MOMENT.exec(text) ?? [];
  if (day === undefined || dayOf(new Date(`${day}T00:00Z`)) !== day) return undefined;
  const moment = new Date(`${day}T${time}${seconds}${zone.replace(/(\d\d):?(\d\d)$/, '$1:$2')}`);
  return dayOf(moment) === '' ? undefined : moment;
}

/** The day in UTC; nothing where there is no such moment. A 31st of February is one of March to JavaScript. */
function dayOf(moment: Date): string {
  return Number.isNaN(moment.getTime()) ? '' : moment.toISOString().slice(0, 10);
}

/**
 * A duration as {@link parseDuration} reads it, in the largest unit that gives a whole number: `1h`, `90s`, `2w`. A week
 * is `7d`, as most people write it.
 */
export function formatDuration(ms: number): string {
  const [unit = 's', per = 1e3] =
    UNITS.findLast(([, each]) => ms >= each && ms % each === 0 && !(each === WEEK_MS && ms === WEEK_MS)) ??
    UNITS[0] ??
    [];
  return `${Math.round(ms / per)}${unit}`;
}

/** Bytes of a size like `0 4096 500M 2G` (powers of 1024); undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const [, digits, suffix] = /^(\d{1,12}(?:\.\d{1,3})?)([KMGTP]?)$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const bytes = Math.round(Number(digits) * KIB ** (SIZE_SUFFIXES.indexOf(suffix || '-') + 1));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The share of a percentage like `10%` or `0.5%`, at most 1; undefined for anything else. */
export function parseShare(text: string): number | undefined {
  const [, digits] = /^(\d{1,3}(?:\.\d{1,3})?)%$/.exec(text) ?? [];
  const share = Number(digits) / 100;
  return share <= 1 ? share : undefined;
}
