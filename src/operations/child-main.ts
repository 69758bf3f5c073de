/**
 * The child's side of child.ts: one job in, messages out.
 */
import { MaintError } from '../errors.ts';
import { realHost } from '../host/real-host.ts';
import type { Database } from '../sqlite/open.ts';
import type { Stage } from './agreement.ts';
import type { ChildMessage, Errand, Outcome } from './child.ts';
import { pruneUnderLock } from './locked-prune.ts';
import { rebuildUnderLock } from './rebuild.ts';
import { vacuumInPlace } from './vacuum-in-place.ts';

/** Waits for the parent's job and does it. */
export function serveParent(): void {
  process.once('message', (errand: Errand) => void work(errand));
}

async function work(errand: Errand): Promise<void> {
  try {
    await tell({ kind: 'done', outcome: await perform(errand) });
  } catch (error) {
    await tell(describe(error));
  }
  if (process.connected) process.disconnect();
}

async function perform({ job, parent }: Errand): Promise<Outcome> {
  const own = [process.pid, parent];
  const accompaniment = { onStage: tellStage };
  switch (job.kind) {
    case 'prune':
      return { deleted: await pruneUnderLock(job.agreed, realHost, own, accompaniment) };
    case 'vacuum':
      return { deleted: await pruneUnderLock(job.agreed, realHost, own, { ...accompaniment, afterwards: vacuum }) };
    case 'rebuild':
      return { deleted: await rebuildUnderLock(job.agreed, realHost, own, { ...accompaniment, isFull: job.isFull }) };
  }
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
