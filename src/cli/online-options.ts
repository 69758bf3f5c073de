/**
 * --while-running and what goes with it: how to work beside a server.
 */
import type { Command } from 'commander';
import { MaintError } from '../errors.ts';
import type { OnlineLimits } from '../operations/online/pace.ts';
import { count, timer, type WritingOptions } from './options.ts';

export interface OnlineOptions {
  readonly whileRunning?: boolean;
  readonly batchRows?: number;
  /** In milliseconds. */
  readonly pause?: number;
}

const BATCH_ROWS = 1_000;

export function withOnlineOptions(command: Command, beside: string): Command {
  return command
    .option('--while-running', beside)
    .option('--batch-rows <n>', `with --while-running: rows per transaction, at most (default: ${BATCH_ROWS})`, count)
    .option(
      '--pause <duration>',
      'with it: the shortest pause between two transactions; it is at least four times as long as the transaction',
      timer,
    );
}

/** What protects a directory that a server writes to is never switched off, and a snapshot would be of another moment. */
const NOT_WHILE_RUNNING = [
  ['skipIndexCheck', '--skip-index-check'],
  ['allowNetworkFs', '--allow-network-fs'],
  ['recoverJournal', '--recover-journal'],
  ['backup', '--backup'],
] as const;

/** How to go about it beside a server; null where none is expected. Throws USAGE for options that do not go together. */
export function onlineLimitsOf(options: OnlineOptions & WritingOptions, command: string): OnlineLimits | null {
  if (options.whileRunning !== true) {
    const alone = options.batchRows !== undefined ? '--batch-rows' : options.pause !== undefined ? '--pause' : null;
    if (alone === null) return null;
    throw new MaintError('USAGE', {
      message: `${alone} goes with --while-running`,
      hint: `see: chroma-maint ${command} --help`,
    });
  }
  const [, forbidden] = NOT_WHILE_RUNNING.find(([option]) => options[option] !== undefined) ?? [];
  if (forbidden !== undefined) throw notBesideServer(forbidden);
  return { batchRows: options.batchRows ?? BATCH_ROWS, pauseMs: options.pause ?? 0 };
}

/** The refusal of an option that takes a directory which nobody uses. */
export function notBesideServer(option: string): MaintError {
  return new MaintError('USAGE', {
    message: `${option} does not go with --while-running`,
    hint:
      option === '--backup'
        ? 'make the snapshot first, which works beside a server: chroma-maint backup create'
        : 'stop Chroma for that',
  });
}
