/**
 * The snapshots of a repository, and what is known of each.
 */
import { lstatSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { MaintError, systemErrorCode, type ErrorCode } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { shellWord } from '../shell-word.ts';
import { syncBelow } from './durable.ts';
import { formatManifest, parseManifest, snapshotId, snapshotName, type Manifest } from './manifest.ts';
import { finish, type Repository } from './repository.ts';
import { allocatedBytes, readTree } from './tree.ts';

const MANIFEST_NAME = 'manifest.json';
const VERIFICATION_NAME = 'verification.json';
/** Holds the files of the snapshot as they were: a persist directory that can be copied back by hand. */
const DATA_NAME = 'data';

const Verification = v.object({
  time: v.pipe(v.string(), v.isoTimestamp()),
  extent: v.picklist(['hashes', 'full']),
  /** How many files or checks were not as they should be. */
  problems: v.number(),
});

export type Verification = v.InferOutput<typeof Verification>;

/** A snapshot whose manifest is the one that was written with it. Its files may be damaged all the same. */
export interface Snapshot {
  readonly id: string;
  /** Of its directory. */
  readonly name: string;
  readonly path: string;
  readonly manifest: Manifest;
  /** The last one; null where there was none. */
  readonly verification: Verification | null;
}

/** A snapshot whose manifest cannot be believed, so that nothing is known of it but that it is there. */
export interface UnreadableSnapshot {
  readonly id: string;
  readonly name: string;
  /** Why, as data: an error loses what it says on its way from one process to another. */
  readonly because: { readonly code: ErrorCode; readonly message: string; readonly details: readonly string[] };
}

export interface SnapshotList {
  /** In the order in which they were made, whatever the clock said. */
  readonly snapshots: readonly Snapshot[];
  readonly unreadable: readonly UnreadableSnapshot[];
}

/** Reads every snapshot. One that is removed meanwhile is not there. */
export function readSnapshots({ path }: Repository): SnapshotList {
  const snapshots: Snapshot[] = [];
  const unreadable: UnreadableSnapshot[] = [];
  for (const name of readdirSync(path).toSorted()) {
    const id = snapshotId(name);
    if (id === undefined) continue;
    const place = { id, name, path: join(path, name) };
    try {
      const manifest = readManifest(place.path, name);
      if (manifest !== null) snapshots.push({ ...place, manifest, verification: readVerification(place.path) });
    } catch (error) {
      if (!(error instanceof MaintError)) throw error;
      const { code, message, details } = error;
      unreadable.push({ id, name, because: { code, message, details } });
    }
  }
  return { snapshots: snapshots.toSorted((a, b) => a.manifest.number - b.manifest.number), unreadable };
}

/** Where the files of a snapshot are. */
export function dataOf(snapshotPath: string): string {
  return join(snapshotPath, DATA_NAME);
}

/**
 * Makes a snapshot of what was stored at `unfinished`: from here on it is there, whole and on the disk.
 */
export function finishSnapshot(
  repository: Repository,
  unfinished: string,
  manifest: Omit<Manifest, 'schema'>,
  host: Host,
): Snapshot {
  const text = formatManifest(manifest);
  writeFileSync(join(unfinished, MANIFEST_NAME), text, { flag: 'wx', mode: 0o600 });
  const { files, directories } = readTree(unfinished, () => false);
  syncBelow(
    unfinished,
    { files: files.map(({ path }) => path), directories: directories.map(({ path }) => path) },
    host,
  );
  const name = snapshotName(manifest.time, text);
  finish(repository, unfinished, name, host);
  return {
    id: snapshotId(name) ?? '',
    name,
    path: join(repository.path, name),
    manifest: parseManifest(name, text),
    verification: null,
  };
}

/** The snapshot that `selector` names: an id or the beginning of one, a directory's name, or `latest`. */
export function findSnapshot(repository: Repository, list: SnapshotList, selector: string): Snapshot {
  const { given } = repository;
  const see = `see them with: chroma-maint backup list ${shellWord(given)}`;
  if (selector === 'latest') return latest(repository, list, see);
  const isMeant = ({ id, name }: Pick<Snapshot, 'id' | 'name'>): boolean =>
    name === selector || (selector.length >= 4 && id.startsWith(selector));
  const broken = list.unreadable.find(isMeant);
  if (broken !== undefined) throw unbelievable(broken, see);
  const [found, ...others] = list.snapshots.filter(isMeant);
  if (found === undefined) {
    throw new MaintError('USAGE', {
      message: `there is no snapshot ${JSON.stringify(selector)} in ${given}`,
      hint: see,
    });
  }
  if (others.length > 0) {
    throw new MaintError('USAGE', { message: `several snapshots answer to ${JSON.stringify(selector)}`, hint: see });
  }
  return found;
}

/** Keeps the result of a verification beside the snapshot. Returns false where that cannot be written. */
export function recordVerification({ path }: Snapshot, verification: Verification, host: Host): boolean {
  const target = join(path, VERIFICATION_NAME);
  const unfinished = `${target}.new`;
  try {
    writeFileSync(unfinished, `${JSON.stringify(verification)}\n`, { mode: 0o600 });
    host.sync(unfinished);
    renameSync(unfinished, target);
    return true;
  } catch {
    rmSync(unfinished, { force: true });
    return false;
  }
}

/** Bytes that each snapshot added to the repository when those made before it were there: files that share none. */
export function newBytes(snapshots: readonly Snapshot[]): ReadonlyMap<Snapshot, number> {
  const seen = new Set<string>();
  return new Map(
    snapshots.map((snapshot) => {
      let bytes = 0;
      for (const { path } of snapshot.manifest.files) {
        const stat = lstatSync(join(dataOf(snapshot.path), path), { bigint: true, throwIfNoEntry: false });
        if (stat === undefined || seen.has(`${stat.dev}:${stat.ino}`)) continue;
        seen.add(`${stat.dev}:${stat.ino}`);
        bytes += allocatedBytes(stat);
      }
      return [snapshot, bytes] as const;
    }),
  );
}

/** The newest snapshot of each source. Throws where there is none. */
export function latestOfEach({ given }: Repository, { snapshots, unreadable }: SnapshotList): readonly Snapshot[] {
  const bySource = new Map(snapshots.map((snapshot) => [snapshot.manifest.source.path, snapshot]));
  if (bySource.size > 0) return [...bySource.values()];
  const [broken] = unreadable;
  if (broken !== undefined) throw unbelievable(broken, 'restore by hand what can be used, or make a new snapshot');
  throw new MaintError('USAGE', {
    message: `there is no snapshot in ${given}`,
    hint: `make one: chroma-maint backup create <persist-dir> --to ${shellWord(given)}`,
  });
}

function latest(repository: Repository, list: SnapshotList, see: string): Snapshot {
  const [found, ...others] = latestOfEach(repository, list);
  if (found !== undefined && others.length === 0) return found;
  throw new MaintError('USAGE', {
    message: `${repository.given} holds snapshots of several directories, and each has a latest one`,
    details: [found, ...others].map((each) => `${each?.id}  ${each?.manifest.source.path}`),
    hint: `give the id; ${see}`,
  });
}

function unbelievable({ because: { code, message, details } }: UnreadableSnapshot, hint: string): MaintError {
  return new MaintError(code, { message, details, hint });
}

/** Null where the snapshot is gone. */
function readManifest(path: string, name: string): Manifest | null {
  const file = join(path, MANIFEST_NAME);
  try {
    const stat = lstatSync(path);
    if (!stat.isDirectory() || !lstatSync(file).isFile()) throw notReadable(name, 'it is not a file in a directory');
    return parseManifest(name, readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof MaintError) throw error;
    if (systemErrorCode(error) === 'ENOENT' && lstatSync(path, { throwIfNoEntry: false }) === undefined) return null;
    throw notReadable(name, error instanceof Error ? error.message : '');
  }
}

function readVerification(path: string): Verification | null {
  try {
    const parsed = v.safeParse(Verification, JSON.parse(readFileSync(join(path, VERIFICATION_NAME), 'utf8')));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}

function notReadable(name: string, detail: string): MaintError {
  return new MaintError('CORRUPT', {
    message: `the manifest of snapshot ${name} cannot be read`,
    details: [detail],
    hint: 'use another snapshot; see them with: chroma-maint backup list <repo>',
  });
}
