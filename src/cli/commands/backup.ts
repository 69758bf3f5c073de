import { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { CLEANING_EXIT_CODES, helpFooter } from '../help.ts';
import { createCommand } from './backup/create.ts';
import { forgetCommand } from './backup/forget.ts';
import { listCommand } from './backup/list.ts';
import { restoreCommand } from './backup/restore.ts';
import { verifyCommand } from './backup/verify.ts';

export function backupCommand(context: CommandContext): Command {
  const backup = new Command('backup')
    .description('Make, look at, restore and forget copies of a whole persist directory.')
    .helpCommand('help [command]', 'show help for a command');
  for (const build of [createCommand, listCommand, verifyCommand, restoreCommand, forgetCommand]) {
    backup.addCommand(build(context));
  }
  return backup.addHelpText(
    'after',
    helpFooter('chroma-maint backup create ./persist --to /backup', CLEANING_EXIT_CODES),
  );
}
