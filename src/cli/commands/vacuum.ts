import { Command, Option } from 'commander';
import type { MinReclaim } from '../../operations/vacuum.ts';
import type { CommandContext } from '../command-context.ts';
import { helpFooter, WRITING_EXIT_CODES } from '../help.ts';
import { minReclaim, targetOf, withWritingOptions, type WritingOptions } from '../options.ts';

interface VacuumOptions extends WritingOptions {
  readonly prune: boolean;
  readonly minReclaim: MinReclaim;
  readonly tempDir?: string;
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
    .option('--temp-dir <dir>', "where SQLite puts VACUUM's temporary copy")
    .addHelpText('after', helpFooter('chroma-maint vacuum ./persist --yes --min-reclaim 10%', WRITING_EXIT_CODES))
    .action(async (persistDir: string | undefined, options: VacuumOptions) => {
      const request = {
        target: targetOf(persistDir, options),
        withoutPrune: !options.prune,
        minReclaim: options.minReclaim,
        tempDir: options.tempDir ?? null,
      };
      const [{ runSession }, { vacuumSession }] = await Promise.all([
        import('../session.ts'),
        import('../vacuum-session.ts'),
      ]);
      await runSession(vacuumSession(request, context.host), options, context);
    });
}
