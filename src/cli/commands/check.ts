import { Command, Option } from 'commander';
import { EXIT_DONE, EXIT_NEEDS_ATTENTION } from '../../errors.ts';
import type { CheckReport, CheckRequest } from '../../operations/check/report.ts';
import type { Severity } from '../../operations/findings/texts.ts';
import type { CommandContext } from '../command-context.ts';
import { helpFooter } from '../help.ts';
import { persistDirOf, timer, withCommonOptions, type CommonOptions } from '../options.ts';

interface CheckOptions extends CommonOptions {
  readonly deep?: boolean;
  readonly whileRunning?: boolean;
  readonly failOn: Severity | 'never';
  readonly timeout?: number;
}

const EXIT_CODES: readonly number[] = [0, 1, 2, 3, 10, 11, 18, 70, 130];

export function checkCommand(context: CommandContext): Command {
  const { work } = context;
  return withCommonOptions(new Command('check'))
    .description(
      'Find everything that is wrong or wasteful in a persist directory, with a remedy for each. Changes nothing; works on a copy, on a read-only mount and beside a running server.',
    )
    .option('--deep', 'read every page, and compare every record with its vector and its document')
    .option('--while-running', 'with --deep: also beside a server, which cannot save anything meanwhile')
    .addOption(
      new Option('--fail-on <severity>', 'end with exit code 3 where something at least this severe was found')
        .choices(['error', 'warning', 'info', 'never'])
        .default('error'),
    )
    .option('--timeout <duration>', 'end the work after this long', timer)
    .addHelpText('after', helpFooter('chroma-maint check ./persist --deep', EXIT_CODES))
    .action(async (persistDir: string | undefined, options: CheckOptions) => {
      const request: CheckRequest = {
        path: persistDirOf(persistDir, options),
        isDeep: options.deep ?? false,
        isWhileRunning: options.whileRunning ?? false,
        redact: options.redact ?? false,
      };
      const [{ runReport }, { executeCheck }, { checkReportLines }, { checkReportJson }] = await Promise.all([
        import('../run-report.ts'),
        import('../../operations/check/execute.ts'),
        import('../render/check-text.ts'),
        import('../render/check-json.ts'),
      ]);
      await runReport(context, options, {
        execute: (execution) => executeCheck({ kind: 'check', request }, work, execution),
        warnings: () => [],
        lines: (report, _, view) => checkReportLines(report, view),
        json: checkReportJson,
        exitCodeOf: (report) => exitCodeOf(report, options.failOn),
      });
    });
}

/** From the least severe on. */
const SEVERITIES: readonly Severity[] = ['info', 'warning', 'error'];

function exitCodeOf({ counts }: CheckReport, failOn: CheckOptions['failOn']): number {
  if (failOn === 'never') return EXIT_DONE;
  const counted = SEVERITIES.slice(SEVERITIES.indexOf(failOn));
  return counted.some((severity) => counts[severity] > 0) ? EXIT_NEEDS_ATTENTION : EXIT_DONE;
}
