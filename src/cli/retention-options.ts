/**
 * --keep-last and --keep-within: what a prune is to leave although it could go.
 */
import type { Command } from 'commander';
import type { Horizon, Retention } from '../chroma/retention.ts';
import { EARLIEST_MS } from '../units.ts';
import { count, duration } from './options.ts';

export interface RetentionOptions {
  readonly keepLast?: number;
  /** In milliseconds. */
  readonly keepWithin?: number;
}

export function withRetentionOptions(command: Command): Command {
  return command
    .option('--keep-last <n>', 'of the rows that could go, keep the newest n of every collection', count)
    .option('--keep-within <duration>', 'keep the first row younger than this, and every row after it', duration);
}

/** What the options ask for, with the time of the call; null where they ask for nothing. */
export function retentionOf({ keepLast, keepWithin }: RetentionOptions, now: Date): Retention | null {
  if (keepLast === undefined && keepWithin === undefined) return null;
  const horizon = (spanMs: number): Horizon => ({ spanMs, fromMs: Math.max(now.getTime() - spanMs, EARLIEST_MS) });
  return { keepLast: keepLast ?? null, keepWithin: keepWithin === undefined ? null : horizon(keepWithin) };
}
