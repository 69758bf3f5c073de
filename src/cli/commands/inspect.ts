import { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { helpFooter, READING_EXIT_CODES } from '../help.ts';
import { persistDirOf, withCommonOptions, type CommonOptions } from '../options.ts';

export function inspectCommand({ io, host }: CommandContext): Command {
  return withCommonOptions(new Command('inspect'))
    .description(
      'Say what a persist directory is, where its bytes are and what maintenance would give back. Changes nothing; works on a read-only mount and beside a running server.',
    )
    .addHelpText('after', helpFooter('chroma-maint inspect ./persist', READING_EXIT_CODES))
    .action(async (persistDir: string | undefined, options: CommonOptions) => {
      const path = persistDirOf(persistDir, options);
      const [{ inspect }, { inspectionLines }, { inspectionJson }, { styleFor }] = await Promise.all([
        import('../../operations/inspect.ts'),
        import('../render/inspection-text.ts'),
        import('../render/inspection-json.ts'),
        import('../render/style.ts'),
      ]);
      const inspection = await inspect({ path, redact: options.redact ?? false }, host);
      if (options.json) {
        io.stdout.write(
          `${JSON.stringify({ ...inspectionJson(inspection), time: host.now().toISOString() }, null, 2)}\n`,
        );
        return;
      }
      const view = { width: io.stdout.columns ?? 80, style: styleFor(options.color, io.stdout, io) };
      io.stdout.write(`${inspectionLines(inspection, view).join('\n')}\n`);
    });
}
