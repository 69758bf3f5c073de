/**
 * backup restore: a snapshot copied to a new place, or put in the place of a directory.
 */
import { DATABASE_NAME } from '../../chroma/persist-dir.ts';
import { MaintError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { inWords } from '../../repository/failures.ts';
import { mayWrite } from '../../repository/permission.ts';
import {
  incomingPath,
  lookAt,
  moveIn,
  placing,
  removeIncoming,
  writtenDirectory,
  type Place,
} from '../../repository/placing.ts';
import { openRepository, reading, type Repository } from '../../repository/repository.ts';
import { findSnapshot, readSnapshots, type Snapshot } from '../../repository/snapshots.ts';
import { copyOut } from '../../repository/stored-files.ts';
import { swapIn, type Settled } from '../../repository/swap.ts';
import { shellWord } from '../../shell-word.ts';
import type { Allowances, Machine } from '../guard-context.ts';
import { settleHalfSwap } from '../half-swap.ts';
import type { Observer } from '../observer.ts';
import { verifyRoom } from '../space.ts';
import { counter } from './counter.ts';
import { verifyApart } from './places.ts';
import { totalsOf } from './totals.ts';
import { outgoingPath, verifyReplaceable, whileNobodyHas } from './replaceable.ts';

export interface RestoreRequest {
  readonly repository: string;
  /** An id, or `latest`. */
  readonly selector: string;
  readonly target: string;
  /** Puts the snapshot in the place of the directory that is there, which gets another name. */
  readonly isSwap: boolean;
  readonly allow: Allowances;
  readonly waitMs: number;
}

export interface RestorePlan {
  readonly isDryRun: boolean;
  readonly request: RestoreRequest;
  readonly repository: Repository;
  readonly snapshot: Snapshot;
  readonly place: Place;
  /** Bytes that are written. */
  readonly bytes: number;
}

export interface RestoreReport {
  readonly plan: RestorePlan;
  /** Where the directory is now that was there before, null where there was none. */
  readonly outgoing: string | null;
  /** A restore that was cut off before, and what became of it now; null where there was none. */
  readonly settled: Settled | null;
  /** False where this user could not give the files their owners. */
  readonly hasOwners: boolean;
}

/** Plans a restore. Reads only. */
export function planRestore(request: RestoreRequest, host: Host, isDryRun: boolean): Promise<RestorePlan> {
  return inWords(request.target, async () => {
    const place = freePlace(request);
    const repository = openRepository(request.repository);
    const snapshot = findSnapshot(repository, readSnapshots(repository), request.selector);
    const bytes = totalsOf(snapshot).allocatedBytes;
    const directory = writableDirectory(place);
    const need = { directory, bytes, purpose: 'the restored directory' };
    await verifyRoom(place, need, 'free some space there, or restore to another disk with --to <dir>', host);
    return { isDryRun, request, repository, snapshot, place, bytes };
  });
}

/** Restores. Nothing is at the target before the snapshot is there whole, every byte compared with its hash. */
export function restoreBackup(request: RestoreRequest, machine: Machine, observer: Observer): Promise<RestoreReport> {
  return inWords(request.target, async () => {
    observer.onStage('checking');
    const { host } = machine;
    const settled = await settleHalfSwap(request.target, request.waitMs, host);
    freePlace(request);
    return reading(openRepository(request.repository), { host, waitMs: request.waitMs }, async () => {
      const before = await planRestore(request, host, false);
      return placing(before.place, request.waitMs, async () => {
        // Looked at again, now that no other run can put anything there.
        const plan = { ...before, place: freePlace(request) };
        if (plan.place.occupation === 'directory') await verifyReplaceable(plan.place, request, machine);
        const outgoing = await restoreTo(plan, machine, observer);
        return { plan, outgoing, settled, hasOwners: host.userId() === 0 || isOwn(plan.snapshot, host) };
      });
    });
  });
}

async function restoreTo(
  { snapshot, place }: RestorePlan,
  machine: Machine,
  observer: Observer,
): Promise<string | null> {
  const { host } = machine;
  removeIncoming(place);
  try {
    observer.onStage('copying');
    await copyOut(snapshot, incomingPath(place), host, counter(snapshot.manifest, observer));
    if (place.occupation !== 'directory') {
      moveIn(place, DATABASE_NAME, host);
      return null;
    }
    observer.onStage('swapping');
    const outgoing = outgoingPath(place, host);
    await whileNobodyHas(place, machine, () => swapIn(place.path, outgoing, host));
    return outgoing;
  } catch (error) {
    // What was half swapped is whole, and whoever comes next needs it.
    if (!(error instanceof MaintError) || !error.changed) removeIncoming(place);
    throw error;
  }
}

/** Throws TARGET_EXISTS where something is in the way, before anything else is looked at. */
function freePlace({ target, repository, isSwap }: RestoreRequest): Place {
  const place = lookAt(target);
  const { occupation } = place;
  if (occupation === 'file' || (occupation === 'directory' && !isSwap)) {
    throw new MaintError('TARGET_EXISTS', {
      message: occupation === 'file' ? `this is a file: ${target}` : `this directory is not empty: ${target}`,
      hint: `name a directory that does not exist yet, or give --swap to put the snapshot in the place of ${shellWord(target)}`,
    });
  }
  verifyApart(target, repository);
  return place;
}

function writableDirectory(place: Place): string {
  const directory = writtenDirectory(place);
  if (mayWrite(directory)) return directory;
  throw new MaintError('NOT_WRITABLE', {
    message: `this user may not write here: ${directory}`,
    hint: 'run this as the user that owns it, or name another place with --to <dir>',
  });
}

function isOwn({ manifest }: Snapshot, host: Host): boolean {
  return manifest.files.every(({ uid, gid }) => uid === host.userId() && host.groupIds().includes(gid));
}
