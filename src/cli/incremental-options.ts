/**
 * --incremental and --auto-vacuum: pages given back step by step, and the file that can do so.
 */
import { Option, type Command } from 'commander';
import { MaintError } from '../errors.ts';
import type { OnlineLimits } from '../operations/online/pace.ts';
import type { VacuumMode } from '../operations/vacuum-mode.ts';
import { notBesideServer, onlineLimitsOf, withOnlineOptions, type OnlineOptions } from './online-options.ts';
import type { WritingOptions } from './options.ts';

export interface IncrementalOptions extends OnlineOptions {
  readonly incremental?: boolean;
  readonly autoVacuum?: 'incremental' | 'none';
}

/** What else is looked at, to tell what does not go together. */
interface Others extends WritingOptions {
  readonly mode?: VacuumMode | 'auto';
  readonly verify: 'usual' | 'full';
  readonly clean?: boolean;
  readonly autoPurge?: string;
}

export function withIncrementalOptions(command: Command): Command {
  const withSetting = command
    .addOption(
      new Option(
        '--auto-vacuum <setting>',
        'rewrite the database as one that --incremental can be used on, or as one that Chroma creates',
      ).choices(['incremental', 'none']),
    )
    .option('--incremental', 'rewrite nothing, give free pages back in short transactions; see --auto-vacuum');
  return withOnlineOptions(withSetting, 'with --incremental: beside one running server, with pauses between them');
}

/** Throws USAGE where --incremental was given something that is for a rewrite. */
export function modeOf(options: IncrementalOptions & Others): VacuumMode | 'auto' {
  const { incremental, mode, autoVacuum, tempDir, verify } = options;
  if (incremental !== true) return mode ?? 'auto';
  const rewriting = [
    mode === undefined ? [] : ['--mode'],
    autoVacuum === undefined ? [] : ['--auto-vacuum'],
    tempDir === undefined ? [] : ['--temp-dir'],
    verify === 'usual' ? [] : ['--verify full'],
  ].flat();
  if (rewriting[0] === undefined) return 'incremental';
  throw new MaintError('USAGE', {
    message: `${rewriting[0]} does not go with --incremental, which rewrites nothing`,
    hint: 'see: chroma-maint vacuum --help',
  });
}

/** How to go about it beside a server; null where none is expected. Throws USAGE for what cannot be done there. */
export function vacuumLimitsOf(options: IncrementalOptions & Others): OnlineLimits | null {
  const limits = onlineLimitsOf(options, 'vacuum');
  if (limits === null) return null;
  if (options.incremental !== true) {
    throw new MaintError('USAGE', {
      message: '--while-running goes with --incremental: a server cannot be kept waiting for a rewrite',
      hint: 'stop Chroma; or, for a database that is made for it, add --incremental',
    });
  }
  if (options.clean === true) throw notBesideServer('--clean');
  if (options.autoPurge !== undefined) throw notBesideServer('--auto-purge');
  return limits;
}
