import { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { printJson } from '../json.ts';
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
      const [{ inspect }, { inspectionLines }, { inspectionJson }, { viewOf }] = await Promise.all([
        import('../../operations/inspect.ts'),
        import('../render/inspection-text.ts'),
        import('../render/inspection-json.ts'),
        import('../render/view.ts'),
      ]);
      const inspection = await inspect({ path, redact: options.redact ?? false }, host);
      if (options.json) {
        printJson({ io, host }, inspectionJson(inspection));
        return;
      }
      io.stdout.write(`${inspectionLines(inspection, viewOf(io.stdout, options.color, io)).join('\n')}\n`);
    });
}
