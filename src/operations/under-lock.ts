/**
 * What every writing verb does around SQLite's exclusive lock, in the working process: look once more before it asks for
 * the lock, and plan once more when it has it.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { INDEX_FILE_NAMES } from '../chroma/hnsw-files.ts';
import { locatePersistDir } from '../chroma/persist-dir.ts';
import { isSamePlan, type PrunePlan } from '../chroma/prune-plan.ts';
import { MaintError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import type { Database } from '../sqlite/open.ts';
import type { AgreedPrune } from './agreement.ts';
import type { GuardContext } from './guard-context.ts';
import { verifyPath } from './guards.ts';
import { verifyNotInUse } from './in-use.ts';
import { indexDirectories } from './planning.ts';
import { planFromReading, readDirectory, type Reading } from './reading.ts';
import { redacted } from './redact.ts';
import { excludedBy } from './target.ts';

/** Runs the guards that need no lock, and returns what the others are given. */
export async function contextBeforeLock(
  { target }: AgreedPrune,
  host: Host,
  ownProcesses: readonly number[],
): Promise<GuardContext> {
  const dir = locatePersistDir(target.path);
  const context: GuardContext = { dir, host, allow: target.allow, waitMs: target.waitMs, ownProcesses };
  await verifyPath(context);
  await verifyNotInUse(context);
  return context;
}

/**
 * Reads and plans again under the lock: it shuts out a Chroma that would save an index inside an uncommitted
 * transaction. Throws PLAN_STALE where other rows would be deleted now than those that were agreed to.
 */
export function planAgain(
  db: Database,
  { dir }: GuardContext,
  { target, plan, isPruning }: AgreedPrune,
): { readonly reading: Reading; readonly current: PrunePlan } {
  const found = readDirectory(db, dir);
  const reading = target.redact ? redacted(found) : found;
  const options = { excluded: excludedBy(target, found.collections), skipIndexCheck: target.skipIndexCheck };
  const current = isPruning ? planFromReading(db, reading, options) : plan;
  if (isSamePlan(current, plan)) return { reading, current };
  throw new MaintError('PLAN_STALE', {
    message: `${dir.given} changed after the plan was shown`,
    details: ['other rows would be deleted now than those that were agreed to'],
    hint: 'make sure that Chroma is stopped, then run this again',
  });
}

/**
 * Chroma never syncs its index files. Until they are on the disk, a power loss could take them and leave the deleted
 * rows deleted: then nobody would hold those vectors.
 */
export function syncIndexes({ dir, host }: GuardContext, reading: Reading, plan: PrunePlan): void {
  for (const directory of indexDirectories(dir, reading, plan)) {
    const files = INDEX_FILE_NAMES.map((name) => join(directory, name)).filter((path) => existsSync(path));
    for (const path of [...files, directory]) host.sync(path);
  }
}
