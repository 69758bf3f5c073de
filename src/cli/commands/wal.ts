import { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { helpFooter, CLEANING_EXIT_CODES } from '../help.ts';
import { configCommand } from './wal/config.ts';
import { exportCommand } from './wal/export.ts';
import { listCommand } from './wal/list.ts';
import { showCommand } from './wal/show.ts';

export function walCommand(context: CommandContext): Command {
  const wal = new Command('wal')
    .description(
      "Look into Chroma's write-ahead log, the table embeddings_queue, and set whether Chroma purges it itself.",
    )
    .helpCommand('help [command]', 'show help for a command');
  for (const build of [listCommand, showCommand, exportCommand, configCommand]) wal.addCommand(build(context));
  return wal.addHelpText('after', helpFooter('chroma-maint wal list ./persist', CLEANING_EXIT_CODES));
}
