/**
 * --auto-purge and --chroma-version: what is to become of Chroma's own purge.
 */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { DecidedAutoPurge } from '../chroma/auto-purge.ts';
import { MaintError } from '../errors.ts';
import type { AutoPurgeWish } from '../operations/auto-purge/step.ts';

export interface AutoPurgeOptions {
  readonly autoPurge?: DecidedAutoPurge;
  readonly chromaVersion?: string;
}

export function withAutoPurgeOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--auto-purge <setting>', "switch Chroma's own purge of the WAL on or off").choices(['on', 'off']),
    )
    .option(
      '--chroma-version <version>',
      'the version that will open the directory from now on, as 0.6.3; goes with --auto-purge',
      version,
    );
}

/** What the options wish for; null where they wish for nothing. Throws USAGE for a version without a wish. */
export function autoPurgeWishOf({ autoPurge, chromaVersion }: AutoPurgeOptions, command: string): AutoPurgeWish | null {
  if (autoPurge !== undefined) return { to: autoPurge, chromaVersion: chromaVersion ?? null };
  if (chromaVersion === undefined) return null;
  throw new MaintError('USAGE', {
    message: '--chroma-version goes with --auto-purge',
    hint: `see: chroma-maint ${command} --help`,
  });
}

function version(text: string): string {
  if (!/^\d{1,4}\.\d{1,4}\.\d{1,4}$/.test(text)) throw new InvalidArgumentError('A version looks like 0.6.3.');
  return text;
}
