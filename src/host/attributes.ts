import { chmodSync, chownSync, statSync, utimesSync } from 'node:fs';
import { spawnSync } from 'node:child_process';

/** Which attributes of a file a copy was given. */
export type KeptAttributes = 'all' | 'owner and mode';

/** What {@link copyAttributes} can keep on this machine: everything where GNU cp is there to do it. */
export function attributesKept(): KeptAttributes {
  const { status } = spawnSync('cp', ['--attributes-only', '--preserve=all', '--version'], { stdio: 'ignore' });
  return status === 0 ? 'all' : 'owner and mode';
}

/**
 * Gives `to` the owner, group and mode of `from`, and its extended attributes and ACLs where that can be done. Throws
 * the system's error where the owner cannot be kept.
 */
export function copyAttributes(from: string, to: string): void {
  const { uid, gid, mode } = statSync(from);
  chownSync(to, uid, gid);
  chmodSync(to, mode & 0o7777);
  spawnSync('cp', ['--attributes-only', '--preserve=all', '--', from, to], { stdio: 'ignore' });
  // cp keeps the times as well, and a backup that goes by them would not see that the file is another one.
  const now = new Date();
  utimesSync(to, now, now);
}
