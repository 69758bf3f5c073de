import { Command } from 'commander';
import { MaintError } from '../../errors.ts';
import type { OnlineLimits } from '../../operations/online/pace.ts';
import type { CommandContext } from '../command-context.ts';
import { helpFooter, WRITING_EXIT_CODES } from '../help.ts';
import { count, duration, targetOf, withWritingOptions, type WritingOptions } from '../options.ts';
import { retentionOf, withRetentionOptions, type RetentionOptions } from '../retention-options.ts';

interface PruneOptions extends WritingOptions, RetentionOptions {
  readonly whileRunning?: boolean;
  readonly batchRows?: number;
  readonly pause?: number;
}

const BATCH_ROWS = 1_000;

export function pruneCommand(context: CommandContext): Command {
  return withRetentionOptions(withWritingOptions(new Command('prune')))
    .description(
      'Delete the WAL rows that every segment has saved, from a persist directory not in use by Chroma. The file keeps its size: see vacuum.',
    )
    .option('--while-running', 'beside one running server, in short transactions with pauses between them')
    .option('--batch-rows <n>', `rows that one of them looks at, at the most (default: ${BATCH_ROWS})`, count)
    .option('--pause <duration>', 'the shortest pause; it is at least four times as long as the transaction', duration)
    .addHelpText('after', helpFooter('chroma-maint prune ./persist --dry-run', WRITING_EXIT_CODES))
    .action(async (persistDir: string | undefined, options: PruneOptions) => {
      const retention = retentionOf(options, context.host.now());
      const target = { ...targetOf(persistDir, options), retention };
      const request = { target, online: limitsOf(options) };
      const [{ runSession }, { pruneSession }] = await Promise.all([
        import('../session.ts'),
        import('../prune-session.ts'),
      ]);
      await runSession(pruneSession(request, context.host, context.work), options, context);
    });
}

/** What protects a directory that a server writes to is never switched off, and a snapshot would be of another moment. */
const NOT_WHILE_RUNNING = [
  ['skipIndexCheck', '--skip-index-check'],
  ['allowNetworkFs', '--allow-network-fs'],
  ['recoverJournal', '--recover-journal'],
  ['backup', '--backup'],
] as const;

/** How to go about it beside a server; null where none is expected. Throws USAGE for options that do not go together. */
function limitsOf(options: PruneOptions): OnlineLimits | null {
  if (options.whileRunning !== true) {
    const alone = options.batchRows !== undefined ? '--batch-rows' : options.pause !== undefined ? '--pause' : null;
    if (alone === null) return null;
    throw new MaintError('USAGE', {
      message: `${alone} goes with --while-running`,
      hint: 'see: chroma-maint prune --help',
    });
  }
  const [, forbidden] = NOT_WHILE_RUNNING.find(([option]) => options[option] !== undefined) ?? [];
  if (forbidden !== undefined) {
    throw new MaintError('USAGE', {
      message: `${forbidden} does not go with --while-running`,
      hint:
        forbidden === '--backup'
          ? 'make the snapshot first, which works beside a server: chroma-maint backup create'
          : 'stop Chroma for that',
    });
  }
  return { batchRows: options.batchRows ?? BATCH_ROWS, pauseMs: options.pause ?? 0 };
}
