import { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { helpFooter, WRITING_EXIT_CODES } from '../help.ts';
import { targetOf, withWritingOptions, type WritingOptions } from '../options.ts';

export function pruneCommand(context: CommandContext): Command {
  return withWritingOptions(new Command('prune'))
    .description(
      'Delete the WAL rows that every segment has saved, from a persist directory not in use by Chroma. The file keeps its size: see vacuum.',
    )
    .addHelpText('after', helpFooter('chroma-maint prune ./persist --dry-run', WRITING_EXIT_CODES))
    .action(async (persistDir: string | undefined, options: WritingOptions) => {
      const target = targetOf(persistDir, options);
      const [{ runSession }, { pruneSession }] = await Promise.all([
        import('../session.ts'),
        import('../prune-session.ts'),
      ]);
      await runSession(pruneSession(target, context.host, context.work), options, context);
    });
}
