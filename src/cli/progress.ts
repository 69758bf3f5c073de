import type { Stage } from '../operations/agreement.ts';
import { formatElapsed } from '../units.ts';
import type { Output } from './io.ts';

const TICK_MS = 1_000;
const CLEAR_LINE = '\r\u001b[2K';

const WORDS: Readonly<Record<Stage, string>> = {
  checking: 'checking the database',
  pruning: 'deleting WAL rows',
  vacuuming: 'rewriting the database',
};

export interface Progress {
  readonly stage: (stage: Stage) => void;
  readonly stop: () => void;
}

/** One line on a terminal that says what is being done and for how long; nothing anywhere else. */
export function startProgress(output: Output, isWanted: boolean): Progress {
  if (!isWanted || !output.isTerminal) return { stage: () => undefined, stop: () => undefined };
  const started = performance.now();
  let current: Stage = 'checking';
  const draw = (): void =>
    output.write(`${CLEAR_LINE}${WORDS[current]}   ${formatElapsed(performance.now() - started)}`);
  const timer = setInterval(draw, TICK_MS);
  return {
    stage(stage) {
      current = stage;
      draw();
    },
    stop() {
      clearInterval(timer);
      output.write(CLEAR_LINE);
    },
  };
}
