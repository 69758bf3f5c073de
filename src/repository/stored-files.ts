/**
 * The files of a finished snapshot: verified where they are, or copied out of it. What the manifest says is not believed
 * until the bytes say the same, and no symbolic link is followed on the way to them.
 */
import { chmodSync, chownSync, lstatSync, mkdirSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MaintError, systemErrorCode } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { syncBelow } from './durable.ts';
import { copyTo, digestOf, withFile, type Digest, type OnBytes } from './file-content.ts';
import type { ManifestFile } from './manifest.ts';
import { dataOf, type Snapshot } from './snapshots.ts';
import { readTree } from './tree.ts';

/** One thing that is not as the manifest says. */
export interface Problem {
  readonly path: string;
  readonly what: string;
}

/** Reads every file of the snapshot and returns what is not as it was. */
export async function verifyFiles(snapshot: Snapshot, onBytes: OnBytes): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  for (const file of snapshot.manifest.files) {
    const what = await problemWith(snapshot, file, (descriptor) => digestOf(descriptor, onBytes));
    if (what !== null) problems.push({ path: file.path, what });
  }
  return [...problems, ...strangers(snapshot)];
}

/**
 * Copies the snapshot to `target`, a directory that does not exist yet, with the modes and times of the source, and as
 * root with its owners. Everything is on the disk when it returns. Throws CORRUPT at the first file that is damaged.
 */
export async function copyOut(snapshot: Snapshot, target: string, host: Host, onBytes: OnBytes): Promise<void> {
  const { directories, files } = snapshot.manifest;
  mkdirSync(target, { mode: 0o700 });
  for (const { path } of directories) if (path !== '') mkdirSync(join(target, path), { mode: 0o700 });
  for (const file of files) {
    const copy = (descriptor: number): Promise<Digest> =>
      copyTo(descriptor, join(target, file.path), file.allocated < file.size, onBytes);
    const what = await problemWith(snapshot, file, copy);
    if (what !== null) throw damaged(snapshot, { path: file.path, what });
  }
  const paths = { files: files.map(({ path }) => path), directories: directories.map(({ path }) => path) };
  syncBelow(target, paths, host);
  // The directories last, and those within others first: what happens in a directory changes its time.
  for (const { path, mode, uid, gid, mtime } of [...files, ...directories.toReversed()]) {
    const copied = join(target, path);
    if (host.userId() === 0) chownSync(copied, uid, gid);
    chmodSync(copied, mode);
    utimesSync(copied, secondsOf(mtime), secondsOf(mtime));
  }
}

/** Node.js cuts what a double does not hold, which would be a millisecond less: hence the half microsecond. */
function secondsOf(time: string): number {
  return (Date.parse(time) + 0.0005) / 1000;
}

/** The refusal of a snapshot that is not what was stored. */
export function damaged({ name }: Snapshot, ...problems: readonly Problem[]): MaintError {
  return new MaintError('CORRUPT', {
    message: `snapshot ${name} is damaged`,
    details: problems.map(({ path, what }) => `${path}: ${what}`),
    hint: 'use another snapshot; chroma-maint backup verify <repo> --all says which are sound',
  });
}

async function problemWith(
  { path: snapshotPath }: Snapshot,
  { path, size, sha256 }: ManifestFile,
  read: (descriptor: number) => Promise<Digest>,
): Promise<string | null> {
  const data = dataOf(snapshotPath);
  const strange = [snapshotPath, data, ...parentsOf(path).map((each) => join(data, each))].find(
    (each) => !isReal(each),
  );
  if (strange !== undefined) return 'the directory that it is in is missing, or none';
  const stat = lstatSync(join(data, path), { throwIfNoEntry: false });
  if (stat === undefined) return 'it is missing';
  if (!stat.isFile()) return 'it is no file';
  if (stat.size !== size) return `it has ${stat.size} bytes instead of ${size}`;
  try {
    const found = await withFile(join(data, path), read);
    return found.sha256 === sha256 ? null : 'its bytes are not those that were stored (sha256)';
  } catch (error) {
    // Of this file, and not of the one that it is copied to.
    if (!['EIO', 'EACCES', 'ELOOP', 'ENOENT'].includes(systemErrorCode(error) ?? '')) throw error;
    return `it cannot be read (${systemErrorCode(error)})`;
  }
}

/** What stands in the snapshot and not in its manifest. */
function strangers({ path, manifest }: Snapshot): readonly Problem[] {
  if (!isReal(dataOf(path))) return [{ path: '.', what: 'there is no directory of files' }];
  const found = readTree(dataOf(path), () => false);
  const files = new Set(manifest.files.map((file) => file.path));
  const directories = new Set(manifest.directories.map((directory) => directory.path));
  const missing = manifest.directories.filter((directory) => !isReal(join(dataOf(path), directory.path)));
  return [
    ...found.files.filter((file) => !files.has(file.path)),
    ...found.directories.filter((directory) => !directories.has(directory.path)),
    ...found.leftOut,
  ]
    .map((stranger) => ({ path: stranger.path, what: 'it was not stored with the snapshot' }))
    .concat(missing.map((directory) => ({ path: directory.path, what: 'the directory is missing' })));
}

function parentsOf(path: string): readonly string[] {
  const parent = dirname(path);
  return parent === '.' ? [] : [...parentsOf(parent), parent];
}

function isReal(directory: string): boolean {
  return lstatSync(directory, { throwIfNoEntry: false })?.isDirectory() === true;
}
