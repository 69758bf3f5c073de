import { Command, Option } from 'commander';
import { MaintError } from '../../errors.ts';
import type { CleanRequest, Part } from '../../operations/clean/plan.ts';
import type { QuarantineRequest, Wish } from '../../operations/clean/quarantine.ts';
import type { Target } from '../../operations/target.ts';
import type { CommandContext } from '../command-context.ts';
import { helpFooter, CLEANING_EXIT_CODES } from '../help.ts';
import {
  duration,
  targetOf,
  withAskingOptions,
  withChangingOptions,
  withCommonOptions,
  type ChangingOptions,
} from '../options.ts';

/** What the options that `vacuum --clean` takes as well leave to be said. */
export interface CleaningOptions {
  readonly minAge: number;
  readonly delete?: boolean;
  readonly allowEmptyCatalog?: boolean;
}

interface CleanOptions extends ChangingOptions, CleaningOptions {
  readonly only?: Part;
  readonly restore?: string;
  readonly purgeQuarantine?: boolean;
  readonly olderThan?: number;
}

const ALL_PARTS: readonly Part[] = ['dirs', 'rows', 'topics'];
const HOUR_MS = 3_600_000;
const WEEK_MS = 7 * 24 * HOUR_MS;

export function cleanCommand(context: CommandContext): Command {
  const command = withAskingOptions(withCommonOptions(new Command('clean')))
    .description(
      'Remove what deleted collections and databases left behind: directories of their indexes are put aside inside the persist directory, their rows are deleted. For a persist directory not in use by Chroma.',
    )
    .addOption(new Option('--only <part>', 'only this part').choices([...ALL_PARTS]));
  return withChangingOptions(withCleaningOptions(command))
    .option('--restore <id>', 'take a quarantine back instead')
    .option('--purge-quarantine', 'delete what was put aside earlier instead')
    .option('--older-than <duration>', 'with --purge-quarantine: only what is older than this (default: 7d)', duration)
    .addHelpText('after', helpFooter('chroma-maint clean ./persist --dry-run', CLEANING_EXIT_CODES))
    .action(async (persistDir: string | undefined, options: CleanOptions) => {
      const target = targetOf(persistDir, options);
      const wish = wishOf(options);
      const [{ runSession }, { cleanSession, quarantineSession }] = await Promise.all([
        import('../session.ts'),
        import('../clean-session.ts'),
      ]);
      const { host, work } = context;
      if (wish === null) {
        const parts = options.only === undefined ? ALL_PARTS : [options.only];
        await runSession(cleanSession(cleanRequestOf(target, options, parts), host, work), options, context);
      } else {
        const request: QuarantineRequest = { target, wish };
        await runSession(quarantineSession(request, host, work), options, context);
      }
    });
}

/** Options of every command that cleans up. */
export function withCleaningOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--min-age <duration>', 'leave directories that were written to within this time')
        .argParser(duration)
        .default(HOUR_MS, '1h'),
    )
    .option('--delete', 'delete directories at once instead of putting them aside')
    .option('--allow-empty-catalog', 'believe that every collection was deleted; rows go only with --backup');
}

/** Throws USAGE where directories would be deleted for good on the word of an empty catalogue. */
export function cleanRequestOf(
  target: Target,
  options: CleaningOptions,
  parts: readonly Part[] = ALL_PARTS,
): CleanRequest {
  const [isDeleting, allowsEmptyCatalog] = [options.delete ?? false, options.allowEmptyCatalog ?? false];
  if (isDeleting && allowsEmptyCatalog) {
    throw new MaintError('USAGE', {
      message: '--delete and --allow-empty-catalog do not go together: an empty catalogue may be a damaged one',
      hint: 'leave out --delete, look whether Chroma still shows everything, then use --purge-quarantine',
    });
  }
  return { target, parts, minAgeMs: options.minAge, isDeleting, allowsEmptyCatalog };
}

function wishOf({ restore, purgeQuarantine, olderThan, ...others }: CleanOptions): Wish | null {
  if (restore === undefined && purgeQuarantine !== true) {
    if (olderThan !== undefined) throw together('--older-than goes with --purge-quarantine');
    return null;
  }
  const isAlone =
    others.only === undefined && !others.delete && !others.allowEmptyCatalog && others.backup === undefined;
  if (!isAlone || (restore !== undefined && (purgeQuarantine === true || olderThan !== undefined)))
    throw together('--restore and --purge-quarantine each stand alone');
  return restore === undefined
    ? { kind: 'purge', olderThanMs: olderThan ?? WEEK_MS }
    : { kind: 'restore', id: restore };
}

function together(message: string): MaintError {
  return new MaintError('USAGE', { message, hint: 'see: chroma-maint clean --help' });
}
