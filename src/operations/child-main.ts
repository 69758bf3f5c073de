/**
 * The child's side of child.ts: one job in, messages out.
 */
import { constants } from 'node:os';
import { EXIT_CODE, MaintError } from '../errors.ts';
import { realHost } from '../host/real-host.ts';
import type { ChildMessage, Errand } from './child.ts';
import type { Job } from './job.ts';
import type { Planned, Stage } from './observer.ts';
import { doJob } from './work.ts';

/** Waits for the parent's job and does it. */
export function serveParent(): void {
  process.once('message', (errand: Errand) => void work(errand));
}

async function work({ job, parent }: Errand): Promise<void> {
  const observer = {
    onPlanned: (planned: Planned): void => void tell({ kind: 'planned', planned }),
    onStage(stage: Stage): void {
      if (job.kind === 'scrub') holdSignals(stage);
      void tell({ kind: 'stage', stage });
    },
    onBytes: (done: number, all: number): void => void tell({ kind: 'bytes', done, all }),
  };
  // Work with pauses can last for hours, and nobody would see it; between two transactions nothing is open.
  if (isPaced(job)) process.once('disconnect', abandoned);
  try {
    const machine = { host: realHost, ownProcesses: [process.pid, parent] };
    await tell({ kind: 'done', report: await doJob(job, machine, observer) });
  } catch (error) {
    await tell(describe(error));
  }
  process.off('disconnect', abandoned);
  if (process.connected) process.disconnect();
}

/** True for work beside a server. */
function isPaced(job: Job): boolean {
  return (job.kind === 'prune' || job.kind === 'vacuum') && job.request.online !== null;
}

function abandoned(): void {
  process.exit(EXIT_CODE.FAILED);
}

/**
 * Once the new file of a scrub takes the old one's place, the old one can be reached only until it is closed. So what is
 * to end the process has to wait until all of it is overwritten: a handler runs when the synchronous work is done.
 */
function holdSignals(stage: Stage): void {
  if (stage === 'swapping') process.once('SIGTERM', terminated);
  else if (stage !== 'overwriting') process.off('SIGTERM', terminated);
}

function terminated(): void {
  process.exit(128 + constants.signals.SIGTERM);
}

function describe(error: unknown): ChildMessage {
  if (error instanceof MaintError) {
    const { code, message, details, state, hint } = error;
    return { kind: 'failed', failure: { code, message, details, state, hint } };
  }
  return { kind: 'bug', stack: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

/** Sends to the parent. A parent that is gone leaves nobody to tell, and the work is finished all the same. */
function tell(message: ChildMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send) process.send(message, undefined, {}, () => resolve());
    else resolve();
  });
}
