/**
 * May the directory at a place be put aside? Its name is about to change, and SQLite's locks protect no names.
 */
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DATABASE_NAME, locatePersistDir, type PersistDir } from '../../chroma/persist-dir.ts';
import { MaintError } from '../../errors.ts';
import type { Host, HolderScan } from '../../host/host.ts';
import type { Place } from '../../repository/placing.ts';
import { borrowedDescriptor } from '../../sqlite/descriptor.ts';
import { withLock } from '../../sqlite/open.ts';
import { compactTime } from '../../units.ts';
import type { Allowances, Machine } from '../guard-context.ts';
import { verifyLocalFileSystem } from '../guards.ts';
import { inUse, verifyNotInUse } from '../in-use.ts';
import { proofOfNobody, unseenIn } from '../proof.ts';

/** Throws where the directory is none of Chroma's, cannot be renamed, or is in use when the wait is over. */
export async function verifyReplaceable(
  place: Place,
  { allow, waitMs }: { readonly allow: Allowances; readonly waitMs: number },
  { host, ownProcesses }: Machine,
): Promise<void> {
  if (!existsSync(join(place.path, DATABASE_NAME))) {
    throw new MaintError('NOT_A_PERSIST_DIR', {
      message: `the directory that would be replaced holds no ${DATABASE_NAME}: ${place.given}`,
      hint: 'name a persist directory, or restore to a directory that does not exist yet',
    });
  }
  if (statSync(place.path).dev !== statSync(dirname(place.path)).dev) {
    throw new MaintError('UNSAFE_PLACE', {
      message: `a file system is mounted here, so the directory cannot be renamed: ${place.given}`,
      hint: 'stop Chroma, move what is in it elsewhere, then restore into the empty directory without --swap',
    });
  }
  verifyLocalFileSystem({ dir: place, host, allow });
  await verifyNotInUse({ dir: place, host, ownProcesses, waitMs });
}

/** A free name beside the place for the directory that is there. */
export function outgoingPath({ path }: Place, host: Host): string {
  const time = compactTime(host.now().toISOString());
  for (let count = 1; ; count += 1) {
    const name = `${path}.before-${time}${count === 1 ? '' : `-${count}`}`;
    if (!existsSync(name)) return name;
  }
}

/**
 * Runs `work` where it is proved that nobody has the directory open, and under SQLite's lock on its database where that
 * can be had without changing a byte of it. Throws IN_USE otherwise.
 */
export async function whileNobodyHas(place: Place, machine: Machine, work: () => void): Promise<void> {
  const dir = lockable(place);
  if (dir === null) {
    const unknown = unseenIn(verifyNobodyServes(place, machine));
    if (unknown !== null) throw unproved(place, unknown);
    return work();
  }
  await withLock(dir.databasePath, 'exclusive', 0, () => {
    verifyNobodyServes(place, machine);
    const proof = proofOfNobody({ dir, ...machine }, borrowedDescriptor(dir.databasePath));
    if (!proof.isProved) throw unproved(place, proof.because);
    return Promise.resolve(work());
  });
}

/** Null where opening the database would change it, or where it is none: then only the processes can be looked at. */
function lockable({ path }: Place): PersistDir | null {
  try {
    const dir = locatePersistDir(path);
    return dir.journal === 'hot' || dir.walMode || dir.walFiles.length > 0 ? null : dir;
  } catch (error) {
    if (error instanceof MaintError) return null;
    throw error;
  }
}

/** Throws IN_USE where a process is seen that has the directory open, and says otherwise what was seen. */
function verifyNobodyServes({ given, path }: Place, { host, ownProcesses }: Machine): HolderScan {
  const scan = host.holdersOf(path, ownProcesses);
  if (scan.holders.length > 0) throw inUse(given, scan.holders);
  return scan;
}

function unproved({ given }: Place, because: string): MaintError {
  return new MaintError('IN_USE', {
    message: `it is not certain that nobody has ${given} open`,
    details: [because],
    hint: 'run this as root, outside of containers; or restore to a new directory and exchange the two by hand, Chroma being stopped',
  });
}
