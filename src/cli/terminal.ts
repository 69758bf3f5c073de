/**
 * The real terminal.
 */
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { MaintError } from '../errors.ts';
import type { Io, Output } from './io.ts';
import { Interrupted } from './io.ts';

const ENDING: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Returns the terminal of this process. */
export function terminal(): Io {
  return {
    stdout: output(process.stdout, 'the output'),
    stderr: output(process.stderr, 'what goes to stderr'),
    environment: process.env,
    isInteractive: process.stdin.isTTY && process.stderr.isTTY,
    confirm,
    interruptible,
  };
}

function output(stream: NodeJS.WriteStream, name: string): Output {
  let failure: NodeJS.ErrnoException | null = null;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // The reader of a pipe may leave early, as `head` does; that is not a failure of the work.
    if (error.code === 'EPIPE') process.exit();
    failure ??= error;
  });
  return {
    write: (text) => void stream.write(text),
    async drained() {
      // It is rejected where the stream fails, which is told of below.
      if (stream.writableNeedDrain && failure === null) await once(stream, 'drain').catch(() => undefined);
      // A pipe that broke is told of as an event, for which the loop has to turn.
      await setImmediate();
      if (failure !== null) throw notWritten(name, failure);
    },
    columns: stream.isTTY ? stream.columns : undefined,
    isTerminal: stream.isTTY,
  };
}

function notWritten(name: string, error: NodeJS.ErrnoException): MaintError {
  const isFull = ['ENOSPC', 'EDQUOT'].includes(error.code ?? '');
  return new MaintError(isFull ? 'NO_SPACE' : 'FAILED', {
    message: `${name} cannot be written${isFull ? ': the disk is full' : ''}`,
    details: [error.message],
    state: 'what was printed is not all of it; what the command was to do may be done',
    hint: isFull ? 'free some space, or send it somewhere else, then run this again' : 'send it somewhere else',
    cause: error,
  });
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
    for (const signal of ENDING) {
      process.off(signal, abort);
      // What is done is still told: one signal that comes too late to end the work does not end the report either.
      process.once(signal, () => undefined);
    }
  }
}
