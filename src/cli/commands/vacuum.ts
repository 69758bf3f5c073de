import { Command, Option } from 'commander';
import { MaintError } from '../../errors.ts';
import type { CleanRequest } from '../../operations/clean/plan.ts';
import type { Target } from '../../operations/target.ts';
import type { MinReclaim } from '../../operations/vacuum.ts';
import type { VacuumMode } from '../../operations/vacuum-mode.ts';
import { autoPurgeWishOf, withAutoPurgeOptions, type AutoPurgeOptions } from '../auto-purge-options.ts';
import type { CommandContext } from '../command-context.ts';
import { cleanRequestOf, withCleaningOptions, type CleaningOptions } from './clean.ts';
import { helpFooter, WRITING_EXIT_CODES } from '../help.ts';
import { modeOf, vacuumLimitsOf, withIncrementalOptions, type IncrementalOptions } from '../incremental-options.ts';
import { minReclaim, targetOf, withWritingOptions, type WritingOptions } from '../options.ts';
import { retentionOf, withRetentionOptions, type RetentionOptions } from '../retention-options.ts';

interface VacuumOptions
  extends WritingOptions, RetentionOptions, CleaningOptions, AutoPurgeOptions, IncrementalOptions {
  readonly clean?: boolean;
  readonly prune: boolean;
  readonly minReclaim: MinReclaim;
  readonly mode?: VacuumMode | 'auto';
  readonly verify: 'usual' | 'full';
}

const ONE_PERCENT: MinReclaim = { kind: 'share', share: 0.01 };

export function vacuumCommand(context: CommandContext): Command {
  const command = withRetentionOptions(withWritingOptions(new Command('vacuum')))
    .description(
      'Prune, then rewrite the database without its free pages: gives the disk space back. For a persist directory not in use by Chroma, but for --incremental --while-running.',
    )
    .option('--no-prune', 'delete no WAL rows, only give free pages back')
    .addOption(
      new Option('--min-reclaim <share|size>', 'do nothing where less would be given back')
        .argParser(minReclaim)
        .default(ONE_PERCENT, '1%'),
    )
    .addOption(
      new Option(
        '--mode <mode>',
        'write a new file and put it in place, or rewrite the old one (default: auto)',
      ).choices(['auto', 'rebuild', 'in-place']),
    )
    .addOption(
      new Option('--verify <extent>', 'compare a new file with the old one: where rows were dropped, or row by row')
        .choices(['usual', 'full'])
        .default('usual'),
    )
    .option('--temp-dir <dir>', "where SQLite puts VACUUM's temporary copy")
    .option('--clean', 'first remove what deleted collections left behind; takes the next three options');
  return withIncrementalOptions(withAutoPurgeOptions(withCleaningOptions(command)))
    .addHelpText('after', helpFooter('chroma-maint vacuum ./persist --yes --min-reclaim 10%', WRITING_EXIT_CODES))
    .action(async (persistDir: string | undefined, options: VacuumOptions) => {
      verifyPruned(options);
      const target = { ...targetOf(persistDir, options), retention: retentionOf(options, context.host.now()) };
      const request = {
        target,
        withoutPrune: !options.prune,
        clean: cleanOf(target, options),
        minReclaim: options.minReclaim,
        tempDir: options.tempDir ?? null,
        mode: modeOf(options),
        isFullyVerified: options.verify === 'full',
        autoPurge: autoPurgeWishOf(options, 'vacuum'),
        autoVacuum: options.autoVacuum ?? null,
        online: vacuumLimitsOf(options),
      };
      const [{ runSession }, { vacuumSession }] = await Promise.all([
        import('../session.ts'),
        import('../vacuum-session.ts'),
      ]);
      await runSession(vacuumSession(request, context.host, context.work), options, context);
    });
}

/** Throws USAGE where something is said of a prune that is left out. */
function verifyPruned({ prune, ...options }: VacuumOptions): void {
  const [given] =
    Object.entries({
      '--collection': options.collection,
      '--exclude': options.exclude,
      '--keep-last': options.keepLast,
      '--keep-within': options.keepWithin,
      '--skip-index-check': options.skipIndexCheck,
      '--batch-rows': options.batchRows,
    }).find(([, value]) => value !== undefined) ?? [];
  if (!prune && given !== undefined) throw withoutPrune(given);
}

/** The refusal of an option of the prune where none is made. */
function withoutPrune(option: string): MaintError {
  return new MaintError('USAGE', {
    message: `${option} goes with a prune, which --no-prune leaves out`,
    hint: 'see: chroma-maint vacuum --help',
  });
}

/** Throws USAGE where an option of the clean-up is given without it. */
function cleanOf(target: Target, options: VacuumOptions): CleanRequest | null {
  if (options.clean === true) return cleanRequestOf(target, options);
  if (options.delete !== true && options.allowEmptyCatalog !== true) return null;
  throw new MaintError('USAGE', {
    message: `${options.delete === true ? '--delete' : '--allow-empty-catalog'} goes with --clean`,
    hint: 'see: chroma-maint vacuum --help',
  });
}
