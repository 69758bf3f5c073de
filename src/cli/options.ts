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
import { readOwnVersion } from './version.ts';

/** Timers of Node.js and of SQLite count milliseconds in 31 bits: 24 days. Beyond that they would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const LARGEST_SEQ_ID = 2n ** 63n - 1n;

/** What every command takes. */
export interface CommonOptions {
  readonly path?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly progress: boolean;
  readonly color: ColorChoice;
  readonly redact?: boolean;
}

/** What every command takes that shows a plan and asks. */
export interface AskingOptions extends CommonOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly wait: number;
  readonly timeout?: number;
  readonly recoverJournal?: boolean;
  readonly tempDir?: string;
}

/** What every command takes that changes a persist directory. */
export interface ChangingOptions extends AskingOptions {
  readonly allowNetworkFs?: boolean;
  readonly backup?: string;
}

/** What every command takes that deletes WAL rows of collections. */
export interface WritingOptions extends ChangingOptions {
  readonly skipIndexCheck?: boolean;
  readonly collection?: readonly string[];
  readonly exclude?: readonly string[];
}

export function withCommonOptions(command: Command, json?: string): Command {
  return withOutputOptions(withPersistDir(command), json).option(
    '--redact',
    'show hashes instead of names, for pasting into an issue',
  );
}

/** For a command on a persist directory. */
export function withPersistDir(command: Command): Command {
  return command
    .argument('[persist-dir]', 'the directory that holds chroma.sqlite3')
    .option('--path <dir>', 'the same as the argument');
}

/** For a command on a repository. */
export function withRepository(command: Command): Command {
  return command
    .argument('[repo]', 'the directory that the snapshots are in')
    .option('--path <dir>', 'the same as the argument');
}

/** How a command is to print; `json` where `--json` is not one object. */
export function withOutputOptions(command: Command, json = 'print one JSON object on stdout'): Command {
  return command
    .option('--json', json)
    .option('--quiet', 'print no progress and no warnings')
    .option('--no-progress', 'print no progress')
    .addOption(new Option('--color <when>', 'colour the output').choices(['auto', 'always', 'never']).default('auto'));
}

/** How long a command waits and works. */
export function withWaitingOptions(command: Command, what: string): Command {
  return command
    .addOption(new Option('--wait <duration>', `how long to wait while ${what}`).argParser(timer).default(0, '0s'))
    .option('--timeout <duration>', 'end the work after this long', timer);
}

/** For a command that shows a plan and asks. */
export function withAskingOptions(command: Command): Command {
  return command.option('--dry-run', 'show the plan, change nothing').option('--yes', 'do not ask');
}

/** For a command that changes a persist directory, and takes what it is to change first. */
export function withChangingOptions(command: Command): Command {
  return withWaitingOptions(command, 'the directory is in use')
    .option('--backup <repo>', 'make a snapshot first, verify it, and go on only with it')
    .option('--recover-journal', 'let SQLite play back a hot journal first')
    .option('--allow-network-fs', 'work on a network file system');
}

/** For a command that deletes WAL rows of collections. */
export function withWritingOptions(command: Command): Command {
  const selecting = withAskingOptions(withCommonOptions(command))
    .option('--collection <name>', 'only this collection, by name or id (repeatable)', collect)
    .option('--exclude <name>', 'all but this collection (repeatable)', collect);
  return withChangingOptions(selecting).option(
    '--skip-index-check',
    'do not ask the index for the ids of the rows to be deleted',
  );
}

/** The directory that was named, by argument or --path. Throws USAGE where there is none, or two different ones. */
export function persistDirOf(argument: string | undefined, { path }: CommonOptions): string {
  return named(argument, path, {
    missing: 'no persist directory was named',
    twice: 'two different directories were named',
    hint: 'name the directory that holds chroma.sqlite3',
  });
}

function named(
  argument: string | undefined,
  path: string | undefined,
  { missing, twice, hint }: { readonly missing: string; readonly twice: string; readonly hint: string },
): string {
  const given = argument ?? path;
  if (given === undefined || given === '') throw new MaintError('USAGE', { message: missing, hint });
  if (argument !== undefined && path !== undefined && resolve(argument) !== resolve(path)) {
    throw new MaintError('USAGE', { message: `${twice}: ${argument} and --path ${path}`, hint: 'name one' });
  }
  return given;
}

export function targetOf(
  argument: string | undefined,
  options: ChangingOptions & Partial<WritingOptions> & { readonly whileRunning?: boolean },
): Target {
  return {
    path: persistDirOf(argument, options),
    only: options.collection ?? [],
    exclude: options.exclude ?? [],
    allow: {
      recoverJournal: options.recoverJournal ?? false,
      networkFs: options.allowNetworkFs ?? false,
      whileRunning: options.whileRunning ?? false,
    },
    skipIndexCheck: options.skipIndexCheck ?? false,
    retention: null,
    backup: options.backup === undefined ? null : { repository: options.backup, toolVersion: readOwnVersion() },
    waitMs: options.wait,
    redact: options.redact ?? false,
  };
}

/** The repository that was named, by argument or --path. Throws USAGE where there is none, or two different ones. */
export function repositoryOf(argument: string | undefined, { path }: Pick<CommonOptions, 'path'>): string {
  return named(argument, path, {
    missing: 'no repository was named',
    twice: 'two different repositories were named',
    hint: 'name the directory that the snapshots are in',
  });
}

/** A whole number that JavaScript counts exactly, at least 1. */
export function count(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text))
    throw new InvalidArgumentError('A number is at least 1, and has 15 digits at most.');
  return Number(text);
}

export function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError('A duration looks like 0s, 90s, 15m, 2h, 7d or 4w.');
  return ms;
}

export function size(text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined) throw new InvalidArgumentError('A size looks like 500M or 2G.');
  return bytes;
}

/** A number of a row in the WAL: up to 2^63 - 1. */
export function seqId(text: string): bigint {
  const number = /^\d{1,19}$/.test(text) ? BigInt(text) : LARGEST_SEQ_ID + 1n;
  if (number > LARGEST_SEQ_ID) throw new InvalidArgumentError('A seq_id is a whole number, as wal list shows it.');
  return number;
}

/** Milliseconds that something is waited for, at most what a timer can count. */
export function timer(text: string): number {
  return Math.min(duration(text), LONGEST_TIMER_MS);
}

export function minReclaim(text: string): MinReclaim {
  const share = parseShare(text);
  if (share !== undefined) return { kind: 'share', share };
  const bytes = parseSize(text);
  if (bytes === undefined) throw new InvalidArgumentError('A share looks like 10%, a size like 500M or 2G.');
  return { kind: 'bytes', bytes };
}

export function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}
