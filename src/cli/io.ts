/**
 * The terminal, as far as commands may know it. Nothing outside cli/ prints or asks.
 */
export interface Output {
  write(text: string): void;
  /**
   * Waits until what was written can be taken, and until a reader that is gone was noticed. Throws where it could not be
   * written.
   */
  drained(): Promise<void>;
  /** Columns of the terminal, undefined where it is none. */
  readonly columns: number | undefined;
  readonly isTerminal: boolean;
}

export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly environment: NodeJS.ProcessEnv;
  /** True where a person can be asked: a terminal for the question and for the answer. */
  readonly isInteractive: boolean;
  /** Asks a yes-no question, no by default. Throws Interrupted on Ctrl-C. */
  confirm(question: string): Promise<boolean>;
  /**
   * Runs `work` with a signal that Ctrl-C, SIGTERM and a closed terminal abort. Called once, for what a command is there to
   * do: where they come behind it, the first one is let pass for what has to be said of the work.
   */
  interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

/** Ctrl-C at the question. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}
