/**
 * Quantities as people write and read them. Pure; imports nothing.
 */
const KIB = 1024;
const BYTE_UNITS: readonly string[] = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
const SIZE_SUFFIXES = 'KMGTP';
const MS_PER: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3, w: 604_800e3 };

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

/** A duration as {@link parseDuration} reads it, in the largest unit that gives a whole number: `1h`, `90s`, `7d`. */
export function formatDuration(ms: number): string {
  const [unit = 's', per = 1e3] =
    Object.entries(MS_PER).findLast(([, each]) => ms >= each && ms % each === 0) ?? Object.entries(MS_PER)[0] ?? [];
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
