/**
 * The child's side of child.ts: one job in, messages out.
 */
import { MaintError } from '../errors.ts';
import { realHost } from '../host/real-host.ts';
import type { Database } from '../sqlite/open.ts';
import type { Stage } from './agreement.ts';
import type { ChildMessage, Job, Outcome } from './child.ts';
import { pruneUnderLock } from './locked-prune.ts';
import { vacuumInPlace } from './vacuum-in-place.ts';

/** Waits for the parent's job and does it. */
export function serveParent(): void {
  process.once('message', (job: Job) => void work(job));
}

async function work(job: Job): Promise<void> {
  try {
    await tell({ kind: 'done', outcome: await perform(job) });
  } catch (error) {
    await tell(describe(error));
  }
  if (process.connected) process.disconnect();
}

async function perform({ kind, agreed, parent }: Job): Promise<Outcome> {
  const accompaniment = kind === 'vacuum' ? { onStage: tellStage, afterwards: vacuum } : { onStage: tellStage };
  return { deleted: await pruneUnderLock(agreed, realHost, [process.pid, parent], accompaniment) };
}

function vacuum(db: Database): void {
  tellStage('vacuuming');
  vacuumInPlace(db);
}

function tellStage(stage: Stage): void {
  void tell({ kind: 'stage', stage });
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
