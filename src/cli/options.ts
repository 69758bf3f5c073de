/**
 * Arguments and options that several commands share, and the parsers of their values.
 */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { resolve } from 'node:path';
import { MaintError } from '../errors.ts';
import type { MinReclaim } from '../operations/vacuum.ts';
import type { Target } from '../operations/target.ts';
import { parseDuration, parseShare, parseSize } from '../units.ts';
import type { ColorChoice } from './render/style.ts';

/** Timers of Node.js and of SQLite count milliseconds in 31 bits: 24 days. Beyond that they would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What every command takes. */
export interface CommonOptions {
  readonly path?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly progress: boolean;
  readonly color: ColorChoice;
  readonly redact?: boolean;
}

/** What every writing command takes. */
export interface WritingOptions extends CommonOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly wait: number;
  readonly timeout?: number;
  readonly recoverJournal?: boolean;
  readonly allowNetworkFs?: boolean;
  readonly skipIndexCheck?: boolean;
  readonly collection?: readonly string[];
  readonly exclude?: readonly string[];
}

export function withCommonOptions(command: Command): Command {
  return command
    .argument('[persist-dir]', 'the directory that holds chroma.sqlite3')
    .option('--path <dir>', 'the same as the argument')
    .option('--json', 'print one JSON object on stdout')
    .option('--quiet', 'print no progress and no warnings')
    .option('--no-progress', 'print no progress')
    .addOption(new Option('--color <when>', 'colour the output').choices(['auto', 'always', 'never']).default('auto'))
    .option('--redact', 'show hashes instead of names, for pasting into an issue');
}

export function withWritingOptions(command: Command): Command {
  return withCommonOptions(command)
    .option('--dry-run', 'show the plan, change nothing')
    .option('--yes', 'do not ask')
    .option('--collection <name>', 'only this collection, by name or id (repeatable)', collect)
    .option('--exclude <name>', 'all but this collection (repeatable)', collect)
    .addOption(
      new Option('--wait <duration>', 'how long to wait while the directory is in use')
        .argParser(timer)
        .default(0, '0s'),
    )
    .option('--timeout <duration>', 'end the work after this long', timer)
    .option('--recover-journal', 'let SQLite play back a hot journal first')
    .option('--allow-network-fs', 'work on a network file system')
    .option('--skip-index-check', 'do not ask the index for the ids of the rows to be deleted');
}

/** The directory that was named, by argument or --path. Throws USAGE where there is none, or two different ones. */
export function persistDirOf(argument: string | undefined, { path }: CommonOptions): string {
  const given = argument ?? path;
  if (given === undefined || given === '') {
    throw new MaintError('USAGE', {
      message: 'no persist directory was named',
      hint: 'name the directory that holds chroma.sqlite3',
    });
  }
  if (argument !== undefined && path !== undefined && resolve(argument) !== resolve(path)) {
    throw new MaintError('USAGE', {
      message: `two different directories were named: ${argument} and --path ${path}`,
      hint: 'name one',
    });
  }
  return given;
}

export function targetOf(argument: string | undefined, options: WritingOptions): Target {
  return {
    path: persistDirOf(argument, options),
    only: options.collection ?? [],
    exclude: options.exclude ?? [],
    allow: { recoverJournal: options.recoverJournal ?? false, networkFs: options.allowNetworkFs ?? false },
    skipIndexCheck: options.skipIndexCheck ?? false,
    waitMs: options.wait,
    redact: options.redact ?? false,
  };
}

/** Milliseconds that something is waited for, at most what a timer can count. */
function timer(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError('A duration looks like 0s, 90s, 15m, 2h, 7d or 4w.');
  return Math.min(ms, LONGEST_TIMER_MS);
}

export function minReclaim(text: string): MinReclaim {
  const share = parseShare(text);
  if (share !== undefined) return { kind: 'share', share };
  const bytes = parseSize(text);
  if (bytes === undefined) throw new InvalidArgumentError('A share looks like 10%, a size like 500M or 2G.');
  return { kind: 'bytes', bytes };
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}
