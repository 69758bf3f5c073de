import { Command, Option } from 'commander';
import type { MinReclaim } from '../../operations/vacuum.ts';
import type { VacuumMode } from '../../operations/vacuum-mode.ts';
import type { CommandContext } from '../command-context.ts';
import { helpFooter, WRITING_EXIT_CODES } from '../help.ts';
import { minReclaim, targetOf, withWritingOptions, type WritingOptions } from '../options.ts';

interface VacuumOptions extends WritingOptions {
  readonly prune: boolean;
  readonly minReclaim: MinReclaim;
  readonly mode: VacuumMode | 'auto';
  readonly verify: 'usual' | 'full';
}

const ONE_PERCENT: MinReclaim = { kind: 'share', share: 0.01 };

export function vacuumCommand(context: CommandContext): Command {
  return withWritingOptions(new Command('vacuum'))
    .description(
      'Prune, then rewrite the database without its free pages: gives the disk space back. For a persist directory not in use by Chroma.',
    )
    .option('--no-prune', 'delete no WAL rows, only give free pages back')
    .addOption(
      new Option('--min-reclaim <share|size>', 'do nothing where less would be given back')
        .argParser(minReclaim)
        .default(ONE_PERCENT, '1%'),
    )
    .addOption(
      new Option('--mode <mode>', 'write a new file and put it in place, or rewrite the old one')
        .choices(['auto', 'rebuild', 'in-place'])
        .default('auto'),
    )
    .addOption(
      new Option('--verify <extent>', 'compare a new file with the old one: where rows were dropped, or row by row')
        .choices(['usual', 'full'])
        .default('usual'),
    )
    .option('--temp-dir <dir>', "where SQLite puts VACUUM's temporary copy")
    .addHelpText('after', helpFooter('chroma-maint vacuum ./persist --yes --min-reclaim 10%', WRITING_EXIT_CODES))
    .action(async (persistDir: string | undefined, options: VacuumOptions) => {
      const request = {
        target: targetOf(persistDir, options),
        withoutPrune: !options.prune,
        minReclaim: options.minReclaim,
        tempDir: options.tempDir ?? null,
        mode: options.mode,
        isFullyVerified: options.verify === 'full',
      };
      const [{ runSession }, { vacuumSession }] = await Promise.all([
        import('../session.ts'),
        import('../vacuum-session.ts'),
      ]);
      await runSession(vacuumSession(request, context.host, context.work), options, context);
    });
}
