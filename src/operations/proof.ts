/**
 * The proof that nobody else has the database open. A rename relies on it: SQLite's locks protect rows, not names.
 */
import { statSync } from 'node:fs';
import type { HolderScan } from '../host/host.ts';
import type { GuardContext } from './guard-context.ts';
import { uncertainty } from './in-use.ts';

export type Proof = { readonly isProved: true } | { readonly isProved: false; readonly because: string };

/**
 * Looks for holders, and asks the kernel through SQLite's `descriptor` of the database, null where it is not to be
 * found. Where the kernel does not answer, the scan counts only if it saw every process of the machine.
 */
export function proofOfNobody(
  { dir, host, ownProcesses }: Pick<GuardContext, 'dir' | 'host' | 'ownProcesses'>,
  descriptor: number | null,
): Proof {
  const { dev, ino } = statSync(dir.databasePath, { bigint: true });
  const scan = host.holdersOfFile({ device: dev, inode: ino }, ownProcesses);
  if (scan.holders.length > 0) return unproved('another process has the database open');
  const lease = descriptor === null ? 'unknown' : host.probeLease(descriptor);
  if (lease === 'granted') return { isProved: true };
  if (lease === 'refused') return unproved('a process that cannot be seen from here has the database open');
  const unknown = unseenIn(scan);
  return unknown === null ? { isProved: true } : unproved(unknown);
}

/** Why a look at the processes proves nothing, in words; null where it saw every one of the machine. */
export function unseenIn(scan: HolderScan): string | null {
  return (
    uncertainty(scan) ?? (scan.isWholeMachine ? null : 'processes outside this container cannot be seen from here')
  );
}

function unproved(because: string): Proof {
  return { isProved: false, because };
}
