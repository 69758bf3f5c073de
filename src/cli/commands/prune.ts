import { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { helpFooter, WRITING_EXIT_CODES } from '../help.ts';
import { onlineLimitsOf, withOnlineOptions, type OnlineOptions } from '../online-options.ts';
import { targetOf, withWritingOptions, type WritingOptions } from '../options.ts';
import { retentionOf, withRetentionOptions, type RetentionOptions } from '../retention-options.ts';

interface PruneOptions extends WritingOptions, RetentionOptions, OnlineOptions {}

export function pruneCommand(context: CommandContext): Command {
  const command = withRetentionOptions(withWritingOptions(new Command('prune'))).description(
    'Delete the WAL rows that every segment has saved, from a persist directory not in use by Chroma. The file keeps its size: see vacuum.',
  );
  return withOnlineOptions(command, 'beside one running server, in short transactions with pauses between them')
    .addHelpText('after', helpFooter('chroma-maint prune ./persist --dry-run', WRITING_EXIT_CODES))
    .action(async (persistDir: string | undefined, options: PruneOptions) => {
      const retention = retentionOf(options, context.host.now());
      const target = { ...targetOf(persistDir, options), retention };
      const request = { target, online: onlineLimitsOf(options, 'prune') };
      const [{ runSession }, { pruneSession }] = await Promise.all([
        import('../session.ts'),
        import('../prune-session.ts'),
      ]);
      await runSession(pruneSession(request, context.host, context.work), options, context);
    });
}
