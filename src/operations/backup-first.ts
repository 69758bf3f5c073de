/**
 * A snapshot before anything else: counted in the plan, made before the lock is taken, and of exactly the database that
 * is then locked.
 */
import type { PersistDir } from '../chroma/persist-dir.ts';
import { MaintError } from '../errors.ts';
import { findRepository, nearestDirectory } from '../repository/repository.ts';
import { readSnapshots } from '../repository/snapshots.ts';
import { borrowedDescriptor, readChangeCounter } from '../sqlite/descriptor.ts';
import { bytesToStore, createBackup, latestOf, type CreateReport } from './backup/create.ts';
import { verifyApart } from './backup/places.ts';
import { readSource } from './backup/source.ts';
import type { GuardContext, SpaceNeed, Machine } from './guard-context.ts';
import type { Observer } from './observer.ts';
import type { BackupFirst, Target } from './target.ts';

/** Directories that a snapshot is written to. */
export function backupPlaces({ backup }: Target): readonly string[] {
  return backup === null ? [] : [nearestDirectory(backup.repository)];
}

/** What the snapshot needs. Throws where it could not be made at all. */
export function backupNeed({ repository }: BackupFirst, dir: PersistDir): SpaceNeed {
  const found = findRepository(repository);
  verifyApart(dir.path, repository);
  const previous = found === null ? null : latestOf(readSnapshots(found), dir);
  const bytes = bytesToStore(readSource(dir).files, previous);
  return { directory: nearestDirectory(repository), bytes, purpose: 'the snapshot' };
}

/** Makes the snapshot and verifies it. */
export function backUp(
  { repository, toolVersion }: BackupFirst,
  { dir, allow, waitMs }: GuardContext,
  machine: Machine,
  observer: Observer,
): Promise<CreateReport> {
  const request = { path: dir.path, repository, allow, waitMs, isVerified: true, toolVersion };
  return createBackup(request, machine, observer);
}

/**
 * Under the lock: throws PLAN_STALE where the database is not the one that was copied, but for what this run itself has
 * committed since. SQLite counts every transaction that writes once.
 */
export function verifyCopied({ changeCounter }: CreateReport, commitsSince: number, dir: PersistDir): void {
  const descriptor = borrowedDescriptor(dir.databasePath);
  if (descriptor !== null && readChangeCounter(descriptor) === changeCounter + commitsSince) return;
  throw new MaintError('PLAN_STALE', {
    message: `${dir.given} changed after its snapshot was made`,
    hint: 'make sure that Chroma is stopped, then run this again',
  });
}

/** The failure of what came after the snapshot. */
export function statingBackup(error: unknown, backup: CreateReport | null): unknown {
  if (backup === null || !(error instanceof MaintError)) return error;
  return error.withDetail(`snapshot ${backup.snapshot.id} was made before, in ${backup.request.repository}`);
}
