import { Command } from 'commander';
import type { CommandContext } from '../../command-context.ts';
import { helpFooter } from '../../help.ts';
import { persistDirOf, withCommonOptions, withWaitingOptions, type CommonOptions } from '../../options.ts';
import { readOwnVersion } from '../../version.ts';

interface CreateOptions extends CommonOptions {
  readonly to: string;
  readonly wait: number;
  readonly timeout?: number;
  readonly allowNetworkFs?: boolean;
}

const EXIT_CODES: readonly number[] = [0, 1, 2, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 70, 130];

export function createCommand(context: CommandContext): Command {
  const { host, work } = context;
  const command = withCommonOptions(new Command('create'))
    .description(
      'Copy a persist directory into a repository: database and index files of one moment. Works beside a running server, whose writes wait meanwhile.',
    )
    .requiredOption('--to <repo>', 'the repository; it is made where there is none')
    .option('--allow-network-fs', 'copy from a network file system');
  return withWaitingOptions(command, 'the directory is locked or another run is at work')
    .addHelpText('after', helpFooter('chroma-maint backup create ./persist --to /backup', EXIT_CODES))
    .action(async (persistDir: string | undefined, options: CreateOptions) => {
      const request = {
        path: persistDirOf(persistDir, options),
        repository: options.to,
        allow: { recoverJournal: false, networkFs: options.allowNetworkFs ?? false, whileRunning: false },
        waitMs: options.wait,
        isVerified: false,
        toolVersion: readOwnVersion(),
      };
      const [{ executeBackup }, { runReport }, { createLines, createWarnings }, { createJson }] = await Promise.all([
        import('../../../operations/backup/execute.ts'),
        import('../../run-report.ts'),
        import('../../render/backup/create-text.ts'),
        import('../../render/backup/json.ts'),
      ]);
      await runReport(context, options, {
        execute: (execution) => executeBackup({ kind: 'backup create', request }, work, execution, host),
        warnings: createWarnings,
        lines: createLines,
        json: (report) => ({ schema: 'chroma-maint/backup-create@1', ...createJson(report) }),
      });
    });
}
