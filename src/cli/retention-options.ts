/**
 * --keep-last and --keep-within: what a prune is to leave although it could go.
 */
import { InvalidArgumentError, type Command } from 'commander';
import type { Horizon, Retention } from '../chroma/retention.ts';
import { duration } from './options.ts';

export interface RetentionOptions {
  readonly keepLast?: number;
  /** In milliseconds. */
  readonly keepWithin?: number;
}

/** The first moment that a time in ISO 8601 with four digits for the year can name. */
const EARLIEST_MS = Date.parse('0000-01-01T00:00:00Z');

export function withRetentionOptions(command: Command): Command {
  return command
    .option('--keep-last <n>', 'of the rows that could go, keep the newest n of every collection', rowCount)
    .option('--keep-within <duration>', 'keep the first row younger than this, and every row after it', duration);
}

/** What the options ask for, with the time of the call; null where they ask for nothing. */
export function retentionOf({ keepLast, keepWithin }: RetentionOptions, now: Date): Retention | null {
  if (keepLast === undefined && keepWithin === undefined) return null;
  const horizon = (spanMs: number): Horizon => ({ spanMs, fromMs: Math.max(now.getTime() - spanMs, EARLIEST_MS) });
  return { keepLast: keepLast ?? null, keepWithin: keepWithin === undefined ? null : horizon(keepWithin) };
}

function rowCount(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('A number of rows is at least 1.');
  return Number(text);
}
