import { Command, Option } from 'commander';
import { EXIT_DONE, EXIT_NEEDS_ATTENTION, MaintError } from '../../../errors.ts';
import type { VerifyRequest } from '../../../operations/backup/verify.ts';
import type { CommandContext } from '../../command-context.ts';
import { helpFooter } from '../../help.ts';
import {
  repositoryOf,
  withOutputOptions,
  withRepository,
  withWaitingOptions,
  type CommonOptions,
} from '../../options.ts';

interface VerifyOptions extends CommonOptions {
  readonly latest?: boolean;
  readonly all?: boolean;
  readonly full?: boolean;
  readonly tempDir?: string;
  readonly wait: number;
  readonly timeout?: number;
}

const EXIT_CODES: readonly number[] = [0, 1, 2, 3, 10, 11, 13, 14, 15, 18, 19, 70, 130];

export function verifyCommand(context: CommandContext): Command {
  const { host, work } = context;
  const command = withOutputOptions(
    withRepository(new Command('verify')).argument('[id]', 'a snapshot; the latest of each directory if not given'),
  )
    .description('Read snapshots and compare every byte with what was stored. Exit code 3 where one is damaged.')
    .addOption(new Option('--latest', 'the latest snapshot of each directory, the default').conflicts('all'))
    .option('--all', 'every snapshot')
    .option(
      '--full',
      'restore each into a temporary directory as well, and check database, full-text index and rows there',
    )
    .option('--temp-dir <dir>', 'where that directory is made; in the repository if not given');
  return withWaitingOptions(command, 'another run is at work')
    .addHelpText('after', helpFooter('chroma-maint backup verify /backup --latest --full', EXIT_CODES))
    .action(async (repository: string | undefined, id: string | undefined, options: VerifyOptions) => {
      const request = requestOf(repository, id, options);
      const [{ executeBackup }, { runReport }, { isDamaged, verifyLines }, { verifyJson }] = await Promise.all([
        import('../../../operations/backup/execute.ts'),
        import('../../run-report.ts'),
        import('../../render/backup/verify-text.ts'),
        import('../../render/backup/json.ts'),
      ]);
      await runReport(context, options, {
        execute: (execution) => executeBackup({ kind: 'backup verify', request }, work, execution, host),
        warnings: () => [],
        lines: (report, _, view) => verifyLines(report, view),
        json: verifyJson,
        exitCodeOf: ({ results }) => (results.some(isDamaged) ? EXIT_NEEDS_ATTENTION : EXIT_DONE),
      });
    });
}

/** With --path the only argument is the snapshot. */
function requestOf(first: string | undefined, second: string | undefined, options: VerifyOptions): VerifyRequest {
  const isPathGiven = options.path !== undefined && second === undefined;
  const repository = repositoryOf(isPathGiven ? undefined : first, options);
  const id = isPathGiven ? first : second;
  if (id !== undefined && (options.all === true || options.latest === true)) {
    throw new MaintError('USAGE', {
      message: `a snapshot was named (${id}), and --${options.all ? 'all' : 'latest'} as well`,
      hint: 'give one of them',
    });
  }
  const { full, tempDir, wait } = options;
  return { repository, which: which(id, options), isFull: full ?? false, tempDir: tempDir ?? null, waitMs: wait };
}

function which(id: string | undefined, { all }: VerifyOptions): VerifyRequest['which'] {
  if (all === true) return { kind: 'all' };
  return id === undefined || id === 'latest' ? { kind: 'latest' } : { kind: 'one', selector: id };
}
