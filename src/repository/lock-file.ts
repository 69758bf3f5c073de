/**
 * Runs that keep each other out: SQLite's lock on a file that holds nothing, which ends with the process that has it.
 */
import { existsSync } from 'node:fs';
import { MaintError } from '../errors.ts';
import { createLockFile, withLock, type Lock } from '../sqlite/open.ts';

/** Runs `work` under the lock at `path`, which is made where it is missing. Throws `refusal()` where it cannot be had. */
export async function withLockFile<T>(
  path: string,
  { lock, waitMs, refusal }: { readonly lock: Lock; readonly waitMs: number; readonly refusal: () => MaintError },
  work: () => Promise<T>,
): Promise<T> {
  if (!existsSync(path)) createLockFile(path);
  let isHeld = false;
  try {
    return await withLock(path, lock, waitMs, () => {
      isHeld = true;
      return work();
    });
  } catch (error) {
    // What the work itself met is its own failure.
    throw !isHeld && error instanceof MaintError && error.code === 'IN_USE' ? refusal() : error;
  }
}
