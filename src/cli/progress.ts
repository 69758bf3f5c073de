import type { Stage } from '../operations/job.ts';
import { formatBytes, formatElapsed } from '../units.ts';
import type { Output } from './io.ts';

const TICK_MS = 1_000;
const LOG_MS = 10_000;
const CLEAR_LINE = '\r\u001b[2K';

const WORDS: Readonly<Record<Exclude<Stage, object>, string>> = {
  checking: 'checking the database',
  pruning: 'deleting WAL rows',
  vacuuming: 'rewriting the database',
  rebuilding: 'writing the new file',
  verifying: 'verifying the new file',
  swapping: 'putting the new file in place',
};

/** Bytes of a file that is being written. */
export interface Growth {
  readonly written: number;
  readonly expected: number;
}

export interface Progress {
  /** Says how large a file that is written is going to be. */
  readonly expect: (bytes: number) => void;
  readonly stage: (stage: Stage) => void;
  readonly stop: () => void;
}

/**
 * Says what is being done, for how long, and how far a file that is being written has grown: on a terminal in one line
 * that is drawn again every second, in a log in one line every ten seconds. A wait that only a person can end is told
 * in any case.
 */
export function startProgress(output: Output, isWanted: boolean, writtenBytes: () => number | null): Progress {
  const { isTerminal } = output;
  const started = performance.now();
  let words = WORDS.checking;
  let writingSince: number | null = null;
  let expected = 0;
  const line = (): string => {
    const now = performance.now();
    const written = writingSince === null ? null : writtenBytes();
    const rest =
      written === null ? formatElapsed(now - started) : growthText({ written, expected }, now - (writingSince ?? now));
    return `${words}   ${rest}`;
  };
  const draw = (): void => {
    // A line that wraps could not be cleared. Every character of it is one column wide.
    output.write(isTerminal ? CLEAR_LINE + line().slice(0, (output.columns ?? 80) - 1) : `${line()}\n`);
  };
  const timer = isWanted ? setInterval(draw, isTerminal ? TICK_MS : LOG_MS) : undefined;
  return {
    expect(bytes) {
      expected = bytes;
    },
    stage(stage) {
      const isWait = typeof stage === 'object';
      words = isWait ? `done; waiting for pid ${stage.waitingFor} to close the old database` : WORDS[stage];
      writingSince = stage === 'rebuilding' ? performance.now() : null;
      if (isWanted && isTerminal) draw();
      else if (isWait) output.write(`${words}\n`);
    },
    stop() {
      clearInterval(timer);
      if (isWanted && isTerminal) output.write(CLEAR_LINE);
    },
  };
}

/** `71 %   279.0 MiB of 393.0 MiB   212.0 MiB/s   0:01 left`. The expected size is an estimate and may be passed. */
export function growthText({ written, expected }: Growth, elapsedMs: number): string {
  const share = expected === 0 ? 1 : Math.min(written / expected, 0.99);
  const bytes = `${Math.floor(share * 100)} %   ${formatBytes(written)} of ${formatBytes(expected)}`;
  if (written === 0 || elapsedMs < TICK_MS) return bytes;
  const rate = written / (elapsedMs / 1_000);
  const left = Math.ceil(Math.max(expected - written, 0) / rate);
  const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
  return `${bytes}   ${formatBytes(rate)}/s   ${clock} left`;
}
