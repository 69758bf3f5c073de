/**
 * The commands that the program has, and command lines in texts.
 */
import type { Command } from 'commander';
import { buildProgram } from '../../src/cli/program.ts';
import { realHost } from '../../src/host/real-host.ts';

/** Every command with its subcommands; nothing in it can be run. */
export const COMMANDS: readonly Command[] = commandTree();

function commandTree(): readonly Command[] {
  const silent = { write: () => undefined, drained: () => Promise.resolve(), columns: undefined, isTerminal: false };
  const io = {
    stdout: silent,
    stderr: silent,
    environment: {},
    isInteractive: false,
    confirm: () => Promise.resolve(false),
    interruptible: <T>(work: (signal: AbortSignal) => Promise<T>) => work(new AbortController().signal),
  };
  return buildProgram({
    argv: [],
    io,
    host: realHost,
    work: () => Promise.reject(new Error('not here')),
    finish: () => undefined,
    run: () => Promise.resolve(0),
  }).commands.flatMap((command) => [command, ...command.commands]);
}

/** `backup create`: a command as it is typed. */
export function fullName(command: Command): string {
  const { parent } = command;
  return parent === null || parent.parent === null ? command.name() : `${parent.name()} ${command.name()}`;
}

/** The options of the command `name`; undefined where there is no such command. */
export function optionsOf(name: string): readonly string[] | undefined {
  const command = COMMANDS.find((each) => fullName(each) === name);
  return command?.options.map(({ long }) => long ?? '');
}

export interface CommandLine {
  readonly line: string;
  readonly name: string;
  readonly options: readonly string[];
}

/** The command lines of this program that stand in `text`: whatever follows its name and is a command, to the end of the line. */
export function commandLinesIn(text: string): readonly CommandLine[] {
  const leaves = COMMANDS.filter(({ commands }) => commands.length === 0).map(fullName);
  const named = new RegExp(`chroma-maint (${leaves.join('|')})\\b([^\\n\`|#]*)`, 'g');
  return [...text.matchAll(named)].map(([line, name = '', rest = '']) => ({
    line,
    name,
    options: rest.split(/[\s=]+/).filter((word) => /^--[a-z]/.test(word)),
  }));
}
