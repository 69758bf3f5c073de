import { CommanderError } from 'commander';
import { EXIT_DONE, MaintError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import type { Work } from '../operations/job.ts';
import { reportFailure } from './failure.ts';
import type { Io } from './io.ts';
import { buildProgram, commandNamed } from './program.ts';

/** What commander throws where it has printed help or the version: asked for, or because there was no command. */
const ANSWERED: readonly string[] = ['commander.helpDisplayed', 'commander.help', 'commander.version'];

const inChild: Work = async (job, execution) => {
  const { runInChild } = await import('../operations/child.ts');
  return runInChild(job, execution);
};

/** Runs one command line and returns its exit code. The only place that catches everything. */
export async function main(argv: readonly string[], io: Io, host: Host, work: Work = inChild): Promise<number> {
  let exitCode = EXIT_DONE;
  const finish = (code: number): void => {
    exitCode = code;
  };
  try {
    const run = (other: readonly string[]): Promise<number> => main(other, io, host, work);
    const program = buildProgram({ argv, io, host, work, finish, run });
    const named = (words: readonly string[]): readonly string[] => commandNamed(program, words);
    try {
      await program.parseAsync([...withHelpOption(argv, named)], { from: 'user' });
      await io.stdout.drained();
      return exitCode;
    } catch (error) {
      throw asUsage(error, named(argv));
    }
  } catch (error) {
    if (error instanceof CommanderError) return EXIT_DONE;
    // Asked of argv, because a command line that cannot be parsed has no options yet.
    return reportFailure(error, io, argv.includes('--json'));
  }
}

/**
 * `help fts rebuild` as `fts rebuild --help`: commander takes one word, and answers one that it does not know with the
 * help of everything.
 */
function withHelpOption(
  argv: readonly string[],
  named: (words: readonly string[]) => readonly string[],
): readonly string[] {
  const [first, ...asked] = argv;
  const words = asked.filter((word) => !word.startsWith('-'));
  if (first !== 'help' || words.length === 0) return argv;
  if (named(words).length < words.length) throw usage(`there is no command ${words.join(' ')}`, named(words));
  return [...words, '--help'];
}

/** The failures of commander in the words of the others; that help or the version was printed is no failure. */
function asUsage(error: unknown, command: readonly string[]): unknown {
  if (!(error instanceof CommanderError)) return error;
  if (!ANSWERED.includes(error.code))
    return usage(error.message.replace(/^error: /, '').replaceAll('\n', ' '), command);
  return error.exitCode === 0 ? error : usage('no command was given', command);
}

function usage(message: string, command: readonly string[]): MaintError {
  return new MaintError('USAGE', { message, hint: `see: ${['chroma-maint', ...command, '--help'].join(' ')}` });
}
