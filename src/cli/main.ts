import { CommanderError } from 'commander';
import { EXIT_DONE, MaintError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import type { Work } from '../operations/job.ts';
import { reportFailure } from './failure.ts';
import type { Io } from './io.ts';
import { buildProgram } from './program.ts';

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
    await buildProgram({ io, host, work, finish, run }).parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && ANSWERED.includes(error.code) && error.exitCode === 0) return EXIT_DONE;
    // Asked of argv, because a command line that cannot be parsed has no options yet.
    return reportFailure(asUsage(error), io, argv.includes('--json'));
  }
}

function asUsage(error: unknown): unknown {
  if (!(error instanceof CommanderError)) return error;
  if (ANSWERED.includes(error.code)) return usage('no command was given');
  return usage(error.message.replace(/^error: /, '').replaceAll('\n', ' '));
}

function usage(message: string): MaintError {
  return new MaintError('USAGE', { message, hint: 'see: chroma-maint --help' });
}
