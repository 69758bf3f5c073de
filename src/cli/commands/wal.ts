import { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { configCommand } from './wal/config.ts';

export function walCommand(context: CommandContext): Command {
  const wal = new Command('wal')
    .description("Look into Chroma's write-ahead log, and set whether Chroma purges it itself.")
    .helpCommand('help [command]', 'show help for a command');
  for (const build of [configCommand]) wal.addCommand(build(context));
  return wal;
}
