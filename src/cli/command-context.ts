import type { Host } from '../host/host.ts';
import type { Work } from '../operations/job.ts';
import type { Io } from './io.ts';

/** What a command works with besides its arguments. */
export interface CommandContext {
  /** The command line, as it was typed. */
  readonly argv: readonly string[];
  readonly io: Io;
  readonly host: Host;
  /** Does what is to be written, in a process that can be ended. */
  readonly work: Work;
  /** Sets the exit code of the run. */
  readonly finish: (exitCode: number) => void;
  /** Runs another command line on the same terminal and returns its exit code. */
  readonly run: (argv: readonly string[]) => Promise<number>;
}
