import type { Host } from '../host/host.ts';
import type { Io } from './io.ts';

/** What a command works with besides its arguments. */
export interface CommandContext {
  readonly io: Io;
  readonly host: Host;
  /** Sets the exit code of the run. */
  readonly finish: (exitCode: number) => void;
  /** Runs another command line on the same terminal and returns its exit code. */
  readonly run: (argv: readonly string[]) => Promise<number>;
}
