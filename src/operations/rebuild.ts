/**
 * Prune and vacuum in one: the rows that live are copied into a new file, which takes the old one's place by a rename.
 * Runs in the working process. Nothing is written to the old file before the rename, which is the only commit point.
 */
import { statSync } from 'node:fs';
import { writeAutoPurge } from '../chroma/auto-purge.ts';
import { readCopiedLastSeqId, withRowsToKeep } from '../chroma/embeddings-queue.ts';
import { totalRows } from '../chroma/prune-plan.ts';
import { MaintError, messageOf } from '../errors.ts';
import type { FileIdentity } from '../host/host.ts';
import { readAutoVacuum, type AutoVacuum } from '../sqlite/auto-vacuum.ts';
import { COPY, differenceFromCopy, fillCopy, withCopyAttached } from '../sqlite/copy.ts';
import { borrowedDescriptor, overwrite, spoilHeader } from '../sqlite/descriptor.ts';
import { indexTablesOf, refillFullTextTable } from '../sqlite/full-text-table.ts';
import { inExclusiveTransaction, type Database } from '../sqlite/open.ts';
import { quickCheck } from '../sqlite/quick-check.ts';
import { createRebuiltFile, putInPlace, removeLeftover } from '../sqlite/rebuilt-file.ts';
import { allQueueRows } from './collections.ts';
import type { GuardContext } from './guard-context.ts';
import { inUse } from './in-use.ts';
import type { Observer } from './observer.ts';
import type { PlannedWork, Strategy } from './planning.ts';
import { proofOfNobody } from './proof.ts';
import { NOT_OVERWRITTEN } from './scrub/state.ts';
import { syncIndexes } from './under-lock.ts';
import { logVacuum } from './vacuum-in-place.ts';

export interface RebuildOptions {
  readonly observer: Observer;
  /** Compare every row of every table with the old file, not only those of the queue and of small tables. */
  readonly isFull: boolean;
  /** The setting of Chroma's own purge that the new file is to have; null for that of the old one. */
  readonly autoPurgeText: string | null;
  /** How the new file gives pages back. */
  readonly autoVacuum: AutoVacuum;
  /** Nothing that was deleted is to be left in either file; null where only the live rows matter. */
  readonly scrubbing: Scrubbing | null;
}

export interface Scrubbing {
  /** The full-text table, whose index is made anew: it answers for deleted texts until FTS5 has merged them away. */
  readonly fullTextTable: string;
}

const POLL_MS = 500;

/** What a rebuild has done beside what was planned. */
export interface Rebuilt {
  /** Bytes of the old file that zeros were written over: all of it where it was scrubbed, else none. */
  readonly overwrittenBytes: number;
}

/**
 * Puts a new file with the rows that stay in the old one's place. The caller's connection has kept the exclusive lock
 * since it planned. Throws IN_USE where somebody opened the old file meanwhile. Whatever is thrown before the rename
 * leaves the directory as it was.
 */
export function rebuild(db: Database, planned: PlannedWork<Strategy>, options: RebuildOptions): Rebuilt {
  const { databasePath } = planned.context.dir;
  try {
    return replace(db, planned, options);
  } finally {
    removeLeftover(databasePath);
  }
}

function replace(db: Database, planned: PlannedWork<Strategy>, options: RebuildOptions): Rebuilt {
  const { context } = planned;
  const { dir, host } = context;
  const descriptor = borrowedDescriptor(dir.databasePath);
  if (descriptor === null) throw new Error('the descriptor of the open database is not to be found');
  const old = statSync(dir.databasePath, { bigint: true });
  const path = createRebuiltFile(dir.databasePath);
  withCopyAttached(db, path, options.autoVacuum, () => copy(db, planned, options));
  options.observer.onStage('swapping');
  keepAttributes(context, path, options);
  host.sync(path);
  const proof = proofOfNobody(context, descriptor);
  if (!proof.isProved) throw openedMeanwhile(context, proof.because, options);
  putInPlace(dir.databasePath);
  return finish(context, descriptor, { device: old.dev, inode: old.ino }, options);
}

function keepAttributes({ dir, host }: GuardContext, path: string, { scrubbing }: RebuildOptions): void {
  try {
    host.copyAttributes(dir.databasePath, path);
  } catch (error) {
    throw new MaintError('NOT_WRITABLE', {
      message: `the new file cannot be given owner and mode of the old one: ${dir.databasePath}`,
      details: [messageOf(error)],
      hint:
        scrubbing === null ? 'let it be rewritten in place: --mode in-place' : 'run this as the owner of the database',
      cause: error,
    });
  }
}

/** Fills the copy and verifies it. */
function copy(db: Database, planned: PlannedWork<Strategy>, options: RebuildOptions): void {
  const { observer, isFull, autoPurgeText, autoVacuum, scrubbing } = options;
  const { plan, reading } = planned;
  const empty = scrubbing === null ? [] : indexTablesOf(scrubbing.fullTextTable);
  observer.onStage('rebuilding');
  syncIndexes(planned);
  const kept = allQueueRows(reading) - totalRows(plan.prune);
  withRowsToKeep(db, plan.prune.steps, kept, (filter) => {
    inExclusiveTransaction(db, () => fillCopy(db, filter, empty));
    observer.onStage('verifying');
    const difference = differenceFromCopy(db, filter, isFull, empty);
    if (difference !== null) throw new Error(`the new file is not what it should be: ${difference}`);
    const setting = readAutoVacuum(db, COPY);
    if (setting !== autoVacuum) throw new Error(`the auto-vacuum of the new file is ${setting}, not ${autoVacuum}`);
    // Only now that all else is known to be equal: of this table the two files may differ.
    if (autoPurgeText !== null) writeAutoPurge(db, autoPurgeText, 'copy');
    if (scrubbing !== null) {
      observer.onStage('indexing');
      inExclusiveTransaction(db, () => refillFullTextTable(db, COPY, scrubbing.fullTextTable));
    }
    const [damage] = quickCheck(db, COPY);
    if (damage !== undefined) throw new Error(`the new file is damaged: ${damage}`);
    const last = readCopiedLastSeqId(db);
    if (last !== reading.lastSeqId)
      throw new Error(`the last seq_id of the new file is ${last}, not ${reading.lastSeqId}`);
    logVacuum(db, COPY);
  });
}

/** The last steps, once the new file has the old one's name: nothing of this may claim that nothing was changed. */
function finish(
  context: GuardContext,
  descriptor: number,
  file: FileIdentity,
  { observer, scrubbing }: RebuildOptions,
): Rebuilt {
  const { dir, host } = context;
  try {
    host.sync(dir.path);
  } catch (error) {
    throw new MaintError('FAILED', {
      message: `the directory could not be synced after the new database was put in place: ${dir.path}`,
      details: [messageOf(error)],
      state: 'the new database is in place and whole; a power cut now could bring the old one back',
      hint: 'look at the kernel log (dmesg); if the disk is failing, copy the directory first',
      cause: error,
    });
  }
  // Only now: spoiled before the directory is on the disk, a power cut would leave no database at all.
  spoilHeader(descriptor);
  const overwrittenBytes = scrubbing === null ? 0 : overwriteOld(context, descriptor, observer);
  waitForLateHolders(context, file, observer);
  return { overwrittenBytes };
}

/** The last way to the blocks of the old file is this descriptor: its name is gone. */
function overwriteOld({ dir }: GuardContext, descriptor: number, { onStage, onBytes }: Observer): number {
  onStage('overwriting');
  try {
    return overwrite(descriptor, onBytes);
  } catch (error) {
    throw new MaintError('FAILED', {
      message: `the old database could not be overwritten to its end: ${dir.path}`,
      details: [messageOf(error)],
      state: `the new database is in place and whole; ${NOT_OVERWRITTEN}`,
      hint: 'look at the kernel log (dmesg); to be sure, overwrite the free space of the disk',
      cause: error,
    });
  }
}

/**
 * Somebody may have opened the old file between the last look and the rename. SQLite stops its writes
 * (READONLY_DBMOVED) and the spoiled header its reads, but at its close it would remove a journal of the new database,
 * which has the same name. The lock on the old file keeps it from getting that far, so it is held until they are gone.
 */
function waitForLateHolders(context: GuardContext, file: FileIdentity, { onStage }: Observer): void {
  const { host, ownProcesses } = context;
  let told = '';
  for (;;) {
    const { holders } = host.holdersOfFile(file, ownProcesses);
    if (holders.length === 0) return;
    const pids = holders.map(({ pid }) => pid).join(', ');
    if (pids !== told) onStage({ waitingFor: pids });
    told = pids;
    // The connection must stay open meanwhile, and closes when this call returns.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS);
  }
}

function openedMeanwhile(
  { dir, host, ownProcesses }: GuardContext,
  because: string,
  { scrubbing }: RebuildOptions,
): MaintError {
  const { holders } = host.holdersOf(dir.path, ownProcesses);
  if (holders.length > 0) return inUse(dir.given, holders);
  return new MaintError('IN_USE', {
    message: `${dir.given} was opened by somebody while it was rebuilt`,
    details: [because],
    hint: `make sure that Chroma is stopped, then run this again${scrubbing === null ? '; or give --mode in-place' : ''}`,
  });
}
