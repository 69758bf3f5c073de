import { Command } from 'commander';
import { EXIT_DONE, EXIT_NEEDS_ATTENTION, MaintError } from '../../../errors.ts';
import { autoPurgeWishOf, withAutoPurgeOptions, type AutoPurgeOptions } from '../../auto-purge-options.ts';
import type { CommandContext } from '../../command-context.ts';
import { helpFooter, WRITING_EXIT_CODES } from '../../help.ts';
import { printJson } from '../../json.ts';
import {
  persistDirOf,
  targetOf,
  withAskingOptions,
  withChangingOptions,
  withCommonOptions,
  type ChangingOptions,
} from '../../options.ts';

interface ConfigOptions extends ChangingOptions, AutoPurgeOptions {}

export function configCommand(context: CommandContext): Command {
  const command = withAutoPurgeOptions(withAskingOptions(withCommonOptions(new Command('config'))));
  return withChangingOptions(command)
    .summary("Show Chroma's own purge, or switch it on or off.")
    .description(
      'Show whether Chroma purges its WAL itself and what that means for this directory, or set it with --auto-purge as Chroma writes it. To set it, the directory must not be in use by Chroma. Without --auto-purge nothing is changed.',
    )
    .addHelpText('after', helpFooter('chroma-maint wal config ./persist --auto-purge on', WRITING_EXIT_CODES))
    .action(async (persistDir: string | undefined, options: ConfigOptions, self: Command) => {
      const wish = autoPurgeWishOf(options, 'wal config');
      if (wish === null) {
        verifyOnlyShowing(self);
        return show(persistDir, options, context);
      }
      const request = { target: targetOf(persistDir, options), wish };
      const [{ runSession }, { autoPurgeSession }] = await Promise.all([
        import('../../session.ts'),
        import('../../auto-purge-session.ts'),
      ]);
      await runSession(autoPurgeSession(request, context.host, context.work), options, context);
    });
}

/** Exit code 3 where the setting is not one that Chroma writes. */
async function show(
  persistDir: string | undefined,
  options: ConfigOptions,
  { io, host, finish }: CommandContext,
): Promise<void> {
  const path = persistDirOf(persistDir, options);
  const [{ readAutoPurgeSetting }, { autoPurgeSettingLines }, { autoPurgeSettingJson }, { viewOf }] = await Promise.all(
    [
      import('../../../operations/auto-purge/show.ts'),
      import('../../render/auto-purge-text.ts'),
      import('../../render/auto-purge-json.ts'),
      import('../../render/view.ts'),
    ],
  );
  const setting = await readAutoPurgeSetting(path, host);
  if (options.json) printJson({ io, host }, autoPurgeSettingJson(setting));
  else io.stdout.write(`${autoPurgeSettingLines(setting, viewOf(io.stdout, options.color, io)).join('\n')}\n`);
  finish(setting.problem === null ? EXIT_DONE : EXIT_NEEDS_ATTENTION);
}

/** Options that say how something is to be changed, by the names that commander gives them. */
const FOR_CHANGING = {
  backup: '--backup',
  recoverJournal: '--recover-journal',
  allowNetworkFs: '--allow-network-fs',
  yes: '--yes',
  dryRun: '--dry-run',
  wait: '--wait',
  timeout: '--timeout',
};

/** Throws USAGE where somebody expects to change something. */
function verifyOnlyShowing(command: Command): void {
  const [, given] = Object.entries(FOR_CHANGING).find(([name]) => command.getOptionValueSource(name) === 'cli') ?? [];
  if (given === undefined) return;
  throw new MaintError('USAGE', {
    message: `${given} goes with --auto-purge: without that nothing is changed`,
    hint: 'see: chroma-maint wal config --help',
  });
}
