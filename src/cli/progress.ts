import type { Growth } from '../operations/growth.ts';
import type { Stage } from '../operations/observer.ts';
import { formatBytes, formatElapsed } from '../units.ts';
import type { Output } from './io.ts';

const TICK_MS = 1_000;
const LOG_MS = 10_000;
const CLEAR_LINE = '\r\u001b[2K';

const WORDS: Readonly<Record<Exclude<Stage, object>, string>> = {
  checking: 'checking the database',
  pruning: 'deleting WAL rows',
  cleaning: 'removing what deleted collections left',
  indexing: 'making the full-text index',
  merging: 'merging the full-text index',
  asking: 'asking the full-text index',
  vacuuming: 'rewriting the database',
  shrinking: 'giving free pages back',
  rebuilding: 'writing the new file',
  verifying: 'verifying the new file',
  swapping: 'putting it in place',
  copying: 'copying files',
  hashing: 'comparing hashes',
  examining: 'reading the directory',
  integrity: 'checking every page',
  comparing: 'comparing records, vectors and documents',
  removing: 'removing files',
  exporting: 'writing the export',
  overwriting: 'overwriting the old file',
  gathering: 'reading what was deleted',
  searching: 'searching every file',
};

export interface Progress {
  readonly stage: (stage: Stage) => void;
  readonly stop: () => void;
}

/**
 * Says what is being done, for how long, and how far a file that is being written has grown: on a terminal in one line
 * that is drawn again every second, in a log in one line every ten seconds. A wait that only a person can end is told
 * in any case.
 */
export function startProgress(output: Output, isWanted: boolean, growthIn: (stage: Stage) => Growth | null): Progress {
  const { isTerminal } = output;
  const started = performance.now();
  let current: Stage = 'checking';
  let since = started;
  let most = 0;
  const line = (): string => {
    const now = performance.now();
    const growth = growthIn(current);
    // A temporary file is gone a moment before the work is done.
    most = Math.max(most, growth?.written ?? 0);
    const rest = growth === null ? formatElapsed(now - started) : growthText({ ...growth, written: most }, now - since);
    return `${wordsFor(current)}   ${rest}`;
  };
  const draw = (): void => {
    // A line that wraps could not be cleared. Every character of it is one column wide.
    output.write(isTerminal ? CLEAR_LINE + line().slice(0, (output.columns ?? 80) - 1) : `${line()}\n`);
  };
  const timer = isWanted ? setInterval(draw, isTerminal ? TICK_MS : LOG_MS) : undefined;
  return {
    stage(stage) {
      current = stage;
      since = performance.now();
      most = 0;
      if (isWanted && isTerminal) draw();
      else if (typeof stage === 'object') output.write(`${wordsFor(stage)}\n`);
    },
    stop() {
      clearInterval(timer);
      if (isWanted && isTerminal) output.write(CLEAR_LINE);
    },
  };
}

function wordsFor(stage: Stage): string {
  return typeof stage === 'object'
    ? `done; waiting for pid ${stage.waitingFor} to close the old database`
    : WORDS[stage];
}

/** `71 %   279.0 MiB of 393.0 MiB   212.0 MiB/s   0:01 left`. The expected size is an estimate and may be passed. */
export function growthText({ written, expected }: Growth, elapsedMs: number): string {
  const share = expected === 0 ? 1 : Math.min(written / expected, 0.99);
  const bytes = `${Math.floor(share * 100)} %   ${formatBytes(written)} of ${formatBytes(expected)}`;
  if (written === 0 || elapsedMs < TICK_MS) return bytes;
  const rate = written / (elapsedMs / 1_000);
  const left = Math.ceil(Math.max(expected - written, 0) / rate);
  const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
  return `${bytes}   ${formatBytes(Math.round(rate))}/s   ${clock} left`;
}
