import type { Stage } from '../operations/agreement.ts';
import { formatElapsed } from '../units.ts';
import type { Output } from './io.ts';

const TICK_MS = 1_000;
const CLEAR_LINE = '\r\u001b[2K';

const WORDS: Readonly<Record<Exclude<Stage, object>, string>> = {
  checking: 'checking the database',
  pruning: 'deleting WAL rows',
  vacuuming: 'rewriting the database',
  rebuilding: 'writing the new database',
  verifying: 'verifying the new database',
  swapping: 'putting the new database in place',
};

export interface Progress {
  readonly stage: (stage: Stage) => void;
  readonly stop: () => void;
}

/**
 * One line on a terminal that says what is being done and for how long; nothing anywhere else, but for a wait that only
 * a person can end.
 */
export function startProgress(output: Output, isWanted: boolean): Progress {
  const isShown = isWanted && output.isTerminal;
  const started = performance.now();
  let current = WORDS.checking;
  const draw = (): void => {
    if (isShown) output.write(`${CLEAR_LINE}${current}   ${formatElapsed(performance.now() - started)}`);
  };
  const timer = isShown ? setInterval(draw, TICK_MS) : undefined;
  return {
    stage(stage) {
      if (typeof stage === 'object') {
        current = `done; waiting for pid ${stage.waitingFor} to close the old database`;
        if (!isShown) output.write(`${current}\n`);
      } else {
        current = WORDS[stage];
      }
      draw();
    },
    stop() {
      clearInterval(timer);
      if (isShown) output.write(CLEAR_LINE);
    },
  };
}
