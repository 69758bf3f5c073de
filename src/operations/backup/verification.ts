/**
 * A snapshot that was just made, read back; and what the last look at one said.
 */
import type { Host } from '../../host/host.ts';
import { recordVerification, type Snapshot } from '../../repository/snapshots.ts';
import { damaged, verifyFiles } from '../../repository/stored-files.ts';
import type { Observer } from '../observer.ts';
import { counter } from './counter.ts';

/** Verifies the hashes of a snapshot that was just made. Throws CORRUPT where the disk did not keep what it was given. */
export async function verifyAndRecord(snapshot: Snapshot, host: Host, observer: Observer): Promise<Snapshot> {
  observer.onStage('hashing');
  const problems = await verifyFiles(snapshot, counter(snapshot.manifest, observer));
  const verification = { time: host.now().toISOString(), extent: 'hashes', problems: problems.length } as const;
  recordVerification(snapshot, verification, host);
  if (problems.length > 0) throw damaged(snapshot, ...problems);
  return { ...snapshot, verification };
}

/** True where the last verification found the snapshot sound. */
export function isVerified({ verification }: Snapshot): boolean {
  return verification !== null && verification.problems === 0;
}
