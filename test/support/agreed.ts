/**
 * What the working process is given, made as the commands make it.
 */
import type { Host } from '../../src/host/host.ts';
import { realHost } from '../../src/host/real-host.ts';
import type { Agreement } from '../../src/operations/agreement.ts';
import type { PruneJob, VacuumJob } from '../../src/operations/job.ts';
import type { Observer } from '../../src/operations/observer.ts';
import type { Machine } from '../../src/operations/guard-context.ts';
import { planPrune } from '../../src/operations/prune.ts';
import type { Target } from '../../src/operations/target.ts';
import type { VacuumMode } from '../../src/operations/vacuum-mode.ts';

export const SILENT: Observer = { onPlanned: () => undefined, onStage: () => undefined, onBytes: () => undefined };

/** The machine on which this test is the whole run. */
export function on(host: Host): Machine {
  return { host, ownProcesses: [process.pid] };
}

/** The whole directory, with the defaults of the command line. */
export function target(path: string): Target {
  const allow = { recoverJournal: false, networkFs: false, whileRunning: false };
  const nothing = { only: [], exclude: [], retention: null, backup: null };
  return { path, ...nothing, allow, skipIndexCheck: false, waitMs: 0, redact: false };
}

export interface AgreedPrune extends PruneJob {
  readonly agreed: Agreement;
}

/** Plans a prune of everything, as if somebody had answered yes to it. */
export async function agreed(path: string): Promise<AgreedPrune> {
  const request = { target: target(path), online: null };
  const { prune } = await planPrune(request, realHost, false);
  return { kind: 'prune', request, agreed: { prune, isJournalRecovered: false } };
}

/** A vacuum of everything that nobody was asked about. */
export function vacuumOf(path: string, mode: VacuumMode): VacuumJob {
  const minReclaim = { kind: 'bytes', bytes: 0 } as const;
  const request = {
    target: target(path),
    withoutPrune: false,
    clean: null,
    minReclaim,
    tempDir: null,
    mode,
    isFullyVerified: true,
    autoPurge: null,
    autoVacuum: null,
    online: null,
  };
  return { kind: 'vacuum', request, agreed: null };
}
