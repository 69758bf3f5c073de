/**
 * What the working process is given, made as the commands make it.
 */
import { realHost } from '../../src/host/real-host.ts';
import type { AgreedPrune } from '../../src/operations/agreement.ts';
import { planPrune } from '../../src/operations/prune.ts';
import type { Target } from '../../src/operations/target.ts';

export const SILENT = { onStage: () => undefined };

/** The whole directory, with the defaults of the command line. */
function target(path: string): Target {
  const allow = { recoverJournal: false, networkFs: false };
  return { path, only: [], exclude: [], allow, skipIndexCheck: false, waitMs: 0, redact: false };
}

/** Plans a prune of everything, as if somebody had answered yes to it. */
export async function agreed(path: string): Promise<AgreedPrune> {
  const { prune } = await planPrune(target(path), realHost, false);
  return { target: target(path), plan: prune, isPruning: true };
}
