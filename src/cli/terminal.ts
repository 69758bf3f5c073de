/**
 * The real terminal.
 */
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import type { Io, Output } from './io.ts';
import { Interrupted } from './io.ts';

const ENDING: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Returns the terminal of this process. */
export function terminal(): Io {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', endOnClosedPipe);
  return {
    stdout: output(process.stdout),
    stderr: output(process.stderr),
    environment: process.env,
    isInteractive: process.stdin.isTTY && process.stderr.isTTY,
    confirm,
    interruptible,
  };
}

function output(stream: NodeJS.WriteStream): Output {
  return {
    write: (text) => void stream.write(text),
    async drained() {
      if (stream.writableNeedDrain) await once(stream, 'drain');
      // A pipe that broke is told of as an event, for which the loop has to turn.
      await setImmediate();
    },
    columns: stream.isTTY ? stream.columns : undefined,
    isTerminal: stream.isTTY,
  };
}

/** The reader of a pipe may leave early, as `head` does; that is not a failure of the work. */
function endOnClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
}

async function confirm(question: string): Promise<boolean> {
  // Loaded at the moment of asking: it costs a tenth of a second that no other run should pay.
  const prompts = await import('@inquirer/prompts');
  try {
    return await prompts.confirm({ message: question, default: false }, { output: process.stderr });
  } catch (error) {
    if (error instanceof Error && ['ExitPromptError', 'AbortPromptError'].includes(error.name)) throw new Interrupted();
    throw error;
  }
}

async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  for (const signal of ENDING) process.on(signal, abort);
  try {
    return await work(controller.signal);
  } finally {
    for (const signal of ENDING) process.off(signal, abort);
  }
}
