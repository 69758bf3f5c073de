import type { Host } from '../../host/host.ts';
import { changing, findRepository, removeUnbegun } from '../../repository/repository.ts';

/** How long the clean-up after an ended process may wait for a lock: its holder is gone, so nobody should have it. */
export const CLEANUP_WAIT_MS = 10_000;

/** Removes what a process that was ended has left in the repository at `given`. */
export async function removeLeftovers(given: string, host: Host): Promise<void> {
  const repository = findRepository(given);
  if (repository === null) return removeUnbegun(given);
  // Taking the lock is enough: whoever has it removes what others have left.
  await changing(repository, { host, waitMs: CLEANUP_WAIT_MS }, () => Promise.resolve());
}
