/**
 * Work that another process does: watched on the terminal, and ended by Ctrl-C.
 */
import type { Growth } from '../operations/growth.ts';
import type { Execution } from '../operations/job.ts';
import type { Planned, Stage } from '../operations/observer.ts';
import type { Io } from './io.ts';
import type { CommonOptions } from './options.ts';
import { startProgress } from './progress.ts';

/** How far a file has grown that process `pid` writes; null where there is none. */
export type GrowthOf = (stage: Stage, pid: number, expectedBytes: number) => Growth | null;

interface Watch {
  readonly io: Io;
  readonly options: Pick<CommonOptions, 'progress' | 'quiet'> & {
    readonly timeout?: number;
    readonly tempDir?: string;
  };
  readonly growthOf: GrowthOf;
  readonly onPlanned: (planned: Planned) => void;
}

/** Runs `work` with an execution whose progress is shown. What the process itself says of its bytes comes first. */
export function executing<T>(
  { io, options, growthOf, onPlanned }: Watch,
  work: (execution: Execution) => Promise<T>,
): Promise<T> {
  return io.interruptible(async (signal) => {
    const worker = { pid: 0, expectedBytes: 0, told: null as Growth | null };
    const growth = (stage: Stage): Growth | null => worker.told ?? growthOf(stage, worker.pid, worker.expectedBytes);
    const progress = startProgress(io.stderr, options.progress && options.quiet !== true, growth);
    const { timeout = null, tempDir = null } = options;
    try {
      return await work({
        signal,
        timeoutMs: timeout,
        tempDir,
        onStarted(pid) {
          worker.pid = pid;
        },
        onPlanned(planned) {
          worker.expectedBytes = planned.expectedBytes;
          onPlanned(planned);
        },
        onStage(stage) {
          worker.told = null;
          progress.stage(stage);
        },
        onBytes(written, expected) {
          worker.told = { written, expected };
        },
      });
    } finally {
      progress.stop();
    }
  });
}
