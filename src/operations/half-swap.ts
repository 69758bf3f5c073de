/**
 * A restore that was cut off between its two renames: every command that may write settles it first, and the others say
 * what is the case.
 */
import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { MaintError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { isHalfSwapped } from '../repository/beside.ts';
import type { Settled } from '../repository/swap.ts';

/** Finishes or undoes a half-done swap at `path`. Returns null where there is none. */
export async function settleHalfSwap(path: string, waitMs: number, host: Host): Promise<Settled | null> {
  const target = placeOf(path);
  if (!isHalfSwapped(target)) return null;
  // Loaded only here: hardly any run has a swap to settle.
  const [{ placing }, { settle }] = await Promise.all([
    import('../repository/placing.ts'),
    import('../repository/swap.ts'),
  ]);
  return placing({ given: path, path: target }, waitMs, () => Promise.resolve(settle(target, host)));
}

/** For commands that change nothing: throws where a half-done swap has left no directory at `path`. */
export function verifyNotHalfSwapped(path: string): void {
  if (existsSync(path) || !isHalfSwapped(placeOf(path))) return;
  throw new MaintError('NOT_A_PERSIST_DIR', {
    message: `a restore was cut off before its directory was in place: ${path}`,
    details: ['the directory that was there and the restored one are both whole, beside it'],
    hint: 'the next command that may write finishes it: backup restore or create, prune or vacuum',
  });
}

/** Where the directory is or was: a link to it leads nowhere while it is swapped. */
function placeOf(path: string): string {
  return isLink(path) ? resolve(dirname(path), readlinkSync(path)) : resolve(path);
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    // What is wrong with the path is said where it is opened.
    return false;
  }
}
