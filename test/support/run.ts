/**
 * Runs a command line in this process, on a terminal or without one, and keeps what it printed.
 */
import type { Host } from '../../src/host/host.ts';
import { realHost } from '../../src/host/real-host.ts';
import type { Work } from '../../src/operations/job.ts';
import { doJob } from '../../src/operations/work.ts';
import { Interrupted, type Io } from '../../src/cli/io.ts';
import { main } from '../../src/cli/main.ts';

export interface Terminal {
  /** What the person at the terminal answers; undefined where there is no terminal. */
  readonly answer?: 'yes' | 'no' | 'ctrl-c' | (() => boolean);
  readonly columns?: number;
  readonly environment?: NodeJS.ProcessEnv;
  /** Aborted to stand for a signal. */
  readonly signal?: AbortSignal;
}

export interface Run {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Questions that were asked. */
  readonly questions: readonly string[];
}

function drained(): Promise<void> {
  return Promise.resolve();
}

export async function run(argv: readonly string[], terminal: Terminal = {}, host: Partial<Host> = {}): Promise<Run> {
  const written = { stdout: '', stderr: '' };
  const questions: string[] = [];
  const { answer, columns, environment = {}, signal = new AbortController().signal } = terminal;
  const io: Io = {
    stdout: { write: (text) => void (written.stdout += text), drained, columns, isTerminal: columns !== undefined },
    stderr: { write: (text) => void (written.stderr += text), drained, columns, isTerminal: false },
    environment,
    isInteractive: answer !== undefined,
    confirm(question) {
      questions.push(question);
      if (answer === 'ctrl-c') return Promise.reject(new Interrupted());
      return Promise.resolve(typeof answer === 'function' ? answer() : answer === 'yes');
    },
    interruptible: (work) => work(signal),
  };
  const machine = { ...realHost, ...host };
  // A faked machine cannot be handed to another process, so the work is done in this one.
  const here: Work = (job, execution) => doJob(job, { host: machine, ownProcesses: [process.pid] }, execution) as never;
  const exitCode = await main(argv, io, machine, Object.keys(host).length === 0 ? undefined : here);
  return { exitCode, ...written, questions };
}

/** Runs a command line with `--json` and returns the object it printed on stdout. */
export async function runJson<T>(argv: readonly string[], host: Partial<Host> = {}): Promise<T> {
  const { stdout } = await run([...argv, '--json'], {}, host);
  return JSON.parse(stdout) as T;
}
