/**
 * The command tree. Cheap to build: every command loads what it does only when it runs.
 */
import { Command } from 'commander';
import type { CommandContext } from './command-context.ts';
import { backupCommand } from './commands/backup.ts';
import { checkCommand } from './commands/check.ts';
import { cleanCommand } from './commands/clean.ts';
import { demoCommand } from './commands/demo.ts';
import { explainCommand } from './commands/explain.ts';
import { ftsCommand } from './commands/fts.ts';
import { inspectCommand } from './commands/inspect.ts';
import { pruneCommand } from './commands/prune.ts';
import { scrubCommand } from './commands/scrub.ts';
import { vacuumCommand } from './commands/vacuum.ts';
import { walCommand } from './commands/wal.ts';
import { ALL_EXIT_CODES, helpFooter } from './help.ts';
import { readVersion } from './version.ts';

const WIDEST_HELP = 100;
/** Descriptions are wrapped beside their command where so much room is left. */
const LEAST_HELP = 24;

/** Builds the tree on `context`. Nothing in it exits the process or prints errors: main.ts does. */
export function buildProgram(context: CommandContext): Command {
  const { stdout, stderr } = context.io;
  const program = new Command('chroma-maint')
    .description('Offline maintenance for Chroma persist directories.')
    .version(readVersion(), '--version', 'print the versions of chroma-maint, Node.js and better-sqlite3')
    .helpCommand('help [command]', 'show help for a command')
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: () => undefined,
    })
    .configureHelp({ helpWidth: Math.min(stdout.columns ?? 80, WIDEST_HELP), minWidthToWrap: LEAST_HELP })
    .addHelpText('after', helpFooter('chroma-maint inspect ./persist', ALL_EXIT_CODES))
    .exitOverride();
  for (const build of [
    inspectCommand,
    checkCommand,
    explainCommand,
    pruneCommand,
    vacuumCommand,
    cleanCommand,
    ftsCommand,
    walCommand,
    scrubCommand,
    backupCommand,
    demoCommand,
  ]) {
    inherit(build(context), program);
  }
  return program;
}

/** The command that the first words of a command line name, as they are typed: `wal list`; nothing where they name none. */
export function commandNamed(program: Command, words: readonly string[]): readonly string[] {
  const [word] = words;
  const command = program.commands.find((each) => each.name() === word);
  return command === undefined ? [] : [command.name(), ...commandNamed(command, words.slice(1))];
}

/** Adds `command` with its subcommands, which take their settings from `parent` as well. */
function inherit(command: Command, parent: Command): void {
  if (!parent.commands.includes(command)) parent.addCommand(command);
  command.copyInheritedSettings(parent);
  for (const below of command.commands) inherit(below, command);
}
