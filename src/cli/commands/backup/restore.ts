import { Command } from 'commander';
import type { RestorePlan, RestoreReport } from '../../../operations/backup/restore.ts';
import type { CommandContext } from '../../command-context.ts';
import { helpFooter } from '../../help.ts';
import { withAskingOptions, withOutputOptions, withWaitingOptions, type AskingOptions } from '../../options.ts';
import type { Session } from '../../session.ts';

interface RestoreOptions extends AskingOptions {
  readonly from: string;
  readonly to: string;
  readonly swap?: boolean;
  readonly allowNetworkFs?: boolean;
}

const EXIT_CODES: readonly number[] = [0, 1, 2, 10, 11, 13, 14, 15, 17, 18, 19, 20, 70, 130];

export function restoreCommand(context: CommandContext): Command {
  const { host, work } = context;
  const command = withOutputOptions(new Command('restore').argument('<id>', 'a snapshot, or: latest'))
    .description(
      'Copy a snapshot to a directory that does not exist yet or is empty, or put it in the place of one with --swap.',
    )
    .requiredOption('--from <repo>', 'the repository')
    .requiredOption('--to <dir>', 'where the persist directory is to be')
    .option('--swap', 'replace the directory that is there, which is kept under another name')
    .option('--allow-network-fs', 'replace a directory on a network file system');
  return withWaitingOptions(withAskingOptions(command), 'the directory is in use or another run is at work')
    .addHelpText('after', helpFooter('chroma-maint backup restore latest --from /backup --to ./restored', EXIT_CODES))
    .action(async (selector: string, options: RestoreOptions) => {
      const request = {
        repository: options.from,
        selector,
        target: options.to,
        isSwap: options.swap ?? false,
        allow: { recoverJournal: false, networkFs: options.allowNetworkFs ?? false, whileRunning: false },
        waitMs: options.wait,
      };
      const [{ runSession }, { executeBackup }] = await Promise.all([
        import('../../session.ts'),
        import('../../../operations/backup/execute.ts'),
      ]);
      const session: Session<RestorePlan, RestoreReport> = {
        async plan(isDryRun) {
          const { planRestore } = await import('../../../operations/backup/restore.ts');
          return planRestore(request, host, isDryRun);
        },
        execute: (_, execution) => executeBackup({ kind: 'backup restore', request }, work, execution, host),
        growthOf: () => null,
        async loadWords() {
          const { RESTORE_WORDS } = await import('../../backup-words.ts');
          return RESTORE_WORDS;
        },
      };
      await runSession(session, options, context);
    });
}
