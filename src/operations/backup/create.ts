/**
 * backup create: one consistent copy of a persist directory, whole or not at all.
 */
import { dirname, join } from 'node:path';
import { isRunaway } from '../../chroma/hnsw-files.ts';
import type { PersistDir } from '../../chroma/persist-dir.ts';
import { inWords } from '../../repository/failures.ts';
import type { Manifest } from '../../repository/manifest.ts';
import {
  beginUnfinished,
  changing,
  createRepository,
  discard,
  findRepository,
  type Repository,
} from '../../repository/repository.ts';
import { finishSnapshot, readSnapshots, type Snapshot, type SnapshotList } from '../../repository/snapshots.ts';
import { emptyData, storeFiles, type Stored } from '../../repository/store.ts';
import type { LeftOut, Tree, TreeFile } from '../../repository/tree.ts';
import { READ_WAIT_MS, type Allowances, type GuardContext, type Machine } from '../guard-context.ts';
import { verifyLocalFileSystem, verifyPath } from '../guards.ts';
import { settleHalfSwap } from '../half-swap.ts';
import { locateSettled } from '../journal.ts';
import type { Observer } from '../observer.ts';
import { verifyRoom } from '../space.ts';
import { counter } from './counter.ts';
import { verifyApart } from './places.ts';
import { copyConsistently, damagedIndexes, type Copied } from './source.ts';
import { verifyAndRecord } from './verification.ts';

export interface CreateRequest {
  readonly path: string;
  readonly repository: string;
  readonly allow: Allowances;
  /** How long to wait for a lock, in milliseconds. */
  readonly waitMs: number;
  /** Reads the snapshot again and compares its hashes. */
  readonly isVerified: boolean;
  readonly toolVersion: string;
}

export interface CreateReport {
  readonly request: CreateRequest;
  readonly snapshot: Snapshot;
  /** Bytes that this snapshot added to the repository. */
  readonly newBytes: number;
  readonly leftOut: readonly LeftOut[];
  /** `link_lists.bin` files that have run away. */
  readonly runaways: readonly TreeFile[];
  /** Vector segments whose files were damaged when they were copied, by id. */
  readonly damagedIndexes: readonly string[];
  /** True where the snapshot before carries a later time. */
  readonly isClockSetBack: boolean;
  /** SQLite's file change counter of the database that was copied. */
  readonly changeCounter: number;
}

/** Makes a snapshot. Nothing stays of one that could not be finished. */
export function createBackup(request: CreateRequest, machine: Machine, observer: Observer): Promise<CreateReport> {
  return inWords(request.repository, async () => {
    observer.onStage('checking');
    const { host, ownProcesses } = machine;
    const { allow, waitMs } = request;
    const found = findRepository(request.repository);
    verifyApart(request.path, request.repository);
    await settleHalfSwap(request.path, waitMs, host);
    const dir = await locateSettled(request.path, READ_WAIT_MS, machine);
    const context: GuardContext = { dir, host, allow, waitMs, ownProcesses };
    await verifyPath(context);
    verifyLocalFileSystem(context);
    const repository = found ?? createRepository(request.repository, host);
    return changing(repository, { host, waitMs }, async () => {
      const unfinished = beginUnfinished(repository, String(process.pid));
      try {
        return await makeSnapshot(repository, unfinished, request, context, observer);
      } catch (error) {
        discard(unfinished);
        throw error;
      }
    });
  });
}

async function makeSnapshot(
  repository: Repository,
  unfinished: string,
  request: CreateRequest,
  context: GuardContext,
  observer: Observer,
): Promise<CreateReport> {
  const { dir, host } = context;
  const list = readSnapshots(repository);
  const previous = latestOf(list, dir);
  const time = host.now().toISOString();
  const copied = await copyConsistently(context, observer, async (source, tree) => {
    const need = { directory: repository.path, bytes: bytesToStore(tree.files, previous), purpose: 'the snapshot' };
    await verifyRoom(dir, need, 'free some space there, or name another repository', host);
    observer.onStage('copying');
    const path = emptyData(unfinished);
    return { path, stored: await storeFiles(source, tree, path, { previous, host, onBytes: counter(tree, observer) }) };
  });
  const manifest = { time, number: nextNumber(list), previous, toolVersion: request.toolVersion, source: dir.path };
  const snapshot = finishSnapshot(repository, unfinished, manifestOf(copied, manifest), host);
  return {
    request,
    snapshot: request.isVerified ? await verifyAndRecord(snapshot, host, observer) : snapshot,
    newBytes: copied.stored.newBytes,
    leftOut: copied.tree.leftOut,
    runaways: runawaysIn(copied.tree),
    damagedIndexes: damagedIndexes(copied.description),
    isClockSetBack: previous !== null && previous.manifest.time > time,
    changeCounter: copied.description.changeCounter,
  };
}

function manifestOf(
  { tree, stored, description, wasInUse }: Copied<Stored>,
  {
    previous,
    source,
    ...rest
  }: Pick<Manifest, 'time' | 'number' | 'toolVersion'> & {
    readonly previous: Snapshot | null;
    readonly source: string;
  },
): Omit<Manifest, 'schema'> {
  return {
    ...rest,
    previous: previous?.name ?? null,
    source: { path: source, wasInUse },
    contents: description.contents,
    directories: [...tree.directories],
    files: [...stored.files],
    leftOut: [...tree.leftOut],
  };
}

/** The last snapshot of the directory, null where there is none. */
export function latestOf({ snapshots }: SnapshotList, { path }: PersistDir): Snapshot | null {
  return snapshots.findLast(({ manifest }) => manifest.source.path === path) ?? null;
}

/** Counted over all sources, and not by the clock, which may have been set back. */
function nextNumber({ snapshots }: SnapshotList): number {
  return 1 + (snapshots.at(-1)?.manifest.number ?? 0);
}

/** Bytes that a snapshot of `files` adds, by the look of them: those that have another size or time than before. */
export function bytesToStore(files: readonly TreeFile[], previous: Snapshot | null): number {
  const before = new Map(previous?.manifest.files.map((file) => [file.path, file]));
  const isKnown = ({ path, size, mtime }: TreeFile): boolean =>
    before.get(path)?.size === size && before.get(path)?.mtime === mtime;
  return files.reduce((sum, file) => (isKnown(file) ? sum : sum + file.allocated), 0);
}

function runawaysIn({ files }: Tree): readonly TreeFile[] {
  const sizes = new Map(files.map(({ path, size }) => [path, size]));
  return files.filter(({ path, size }) => {
    if (!path.endsWith('/link_lists.bin')) return false;
    return isRunaway(size, sizes.get(join(dirname(path), 'data_level0.bin')) ?? 0);
  });
}
