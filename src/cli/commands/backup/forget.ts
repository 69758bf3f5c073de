import { Command } from 'commander';
import type { ForgetPlan, ForgetReport, ForgetRequest } from '../../../operations/backup/forget.ts';
import type { CommandContext } from '../../command-context.ts';
import { helpFooter } from '../../help.ts';
import {
  count,
  duration,
  repositoryOf,
  size,
  withAskingOptions,
  withOutputOptions,
  withRepository,
  withWaitingOptions,
  type AskingOptions,
} from '../../options.ts';
import type { Session } from '../../session.ts';

interface ForgetOptions extends AskingOptions {
  readonly keepLast?: number;
  readonly keepDaily?: number;
  readonly keepWeekly?: number;
  readonly keepMonthly?: number;
  readonly keepWithin?: number;
  readonly maxSize?: number;
}

const EXIT_CODES: readonly number[] = [0, 1, 2, 10, 11, 13, 16, 18, 19, 70, 130];

export function forgetCommand(context: CommandContext): Command {
  const { host, work } = context;
  const command = withOutputOptions(withRepository(new Command('forget')))
    .description(
      'Remove the snapshots that no rule keeps. The newest and the last verified one of each directory always stay. Days, weeks and months are those of UTC.',
    )
    .option('--keep-last <n>', 'keep the last n snapshots', count)
    .option('--keep-daily <n>', 'keep the last n daily snapshots', count)
    .option('--keep-weekly <n>', 'keep the last n weekly snapshots', count)
    .option('--keep-monthly <n>', 'keep the last n monthly snapshots', count)
    .option('--keep-within <duration>', 'keep snapshots that are newer than this relative to the latest one', duration)
    .option('--max-size <size>', 'then remove the oldest until the rest is no larger than this', size);
  return withWaitingOptions(withAskingOptions(command), 'another run is at work')
    .addHelpText('after', helpFooter('chroma-maint backup forget /backup --keep-daily 7 --keep-weekly 4', EXIT_CODES))
    .action(async (repository: string | undefined, options: ForgetOptions) => {
      const request = requestOf(repositoryOf(repository, options), options);
      const [{ runSession }, { executeBackup }, { goingIn, planForget }] = await Promise.all([
        import('../../session.ts'),
        import('../../../operations/backup/execute.ts'),
        import('../../../operations/backup/forget.ts'),
      ]);
      const session: Session<ForgetPlan, ForgetReport> = {
        plan: (isDryRun) => planForget(request, host, isDryRun),
        execute(plan, execution) {
          const agreed = plan === null ? null : goingIn(plan).map(({ name }) => name);
          return executeBackup({ kind: 'backup forget', request, agreed }, work, execution, host);
        },
        growthOf: () => null,
        async loadWords() {
          const { FORGET_WORDS } = await import('../../backup-words.ts');
          return FORGET_WORDS;
        },
      };
      await runSession(session, options, context);
    });
}

function requestOf(repository: string, options: ForgetOptions): ForgetRequest {
  const policy = {
    last: options.keepLast ?? 0,
    daily: options.keepDaily ?? 0,
    weekly: options.keepWeekly ?? 0,
    monthly: options.keepMonthly ?? 0,
    withinMs: options.keepWithin ?? null,
    maxBytes: options.maxSize ?? null,
  };
  return { repository, policy, waitMs: options.wait };
}
