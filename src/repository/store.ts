/**
 * Puts the files of a source into a snapshot in the making.
 */
import { chmodSync, constants, copyFileSync, linkSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { copyTo, digestOf, digestOfSame, withFile, type Digest, type OnBytes } from './file-content.ts';
import type { ManifestFile } from './manifest.ts';
import { dataOf, type Snapshot } from './snapshots.ts';
import type { Tree, TreeFile } from './tree.ts';

/** Where the bytes of a source are read from. */
export interface Source {
  readonly root: string;
  /** A file that must not be opened by its name in this process, and its descriptor. */
  readonly borrowed: { readonly path: string; readonly descriptor: number } | null;
}

export interface Stored {
  readonly files: readonly ManifestFile[];
  /** Bytes that were written, and not found in the snapshot before. */
  readonly newBytes: number;
}

/** Files from so many bytes on are sent to the disk while others are copied and the copy is read. */
const LARGE = 16 * 1024 * 1024;

/** What an attempt that is made over again begins with. */
export function emptyData(unfinished: string): string {
  const data = dataOf(unfinished);
  rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { mode: 0o700 });
  return data;
}

/**
 * Stores every file of `tree`: as a second name of the file in `previous` where both were read and are the same, else as
 * a copy that shares its blocks with the source where the file system can do that, else as a copy. Nothing is synced.
 */
export async function storeFiles(
  source: Source,
  tree: Tree,
  data: string,
  { previous, host, onBytes }: { readonly previous: Snapshot | null; readonly host: Host; readonly onBytes: OnBytes },
): Promise<Stored> {
  for (const { path } of tree.directories) if (path !== '') mkdirSync(join(data, path), { mode: 0o700 });
  const before = new Map(previous?.manifest.files.map((file) => [file.path, file]));
  const cloning = { isPossible: true };
  const files: ManifestFile[] = [];
  let newBytes = 0;
  // The large ones last: creating a file takes many times as long while another one is being sent to the disk.
  for (const file of tree.files.toSorted((a, b) => a.size - b.size)) {
    const target = join(data, file.path);
    const old = previous === null ? undefined : before.get(file.path);
    const stored = await withSource(source, file, async (descriptor) => {
      const linked =
        old?.size === file.size && previous !== null
          ? await linkIfSame(descriptor, { stored: join(dataOf(previous.path), file.path), ...old }, target, onBytes)
          : null;
      if (linked !== null) return { ...linked, isNew: false };
      if (cloning.isPossible) cloning.isPossible = clone(source, file, target, host);
      const isCloned = cloning.isPossible;
      const digest = isCloned
        ? await withFile(target, (cloned) => digestOf(cloned, onBytes))
        : await copyTo(descriptor, target, file.allocated < file.size, onBytes);
      return { ...digest, isNew: true };
    });
    if (stored.isNew) {
      newBytes += Math.min(file.allocated, stored.bytes);
      if (stored.bytes >= LARGE) void host.syncAhead(target);
    }
    files.push(manifestFile(file, stored));
  }
  return { files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)), newBytes };
}

function withSource<T>(source: Source, file: TreeFile, work: (descriptor: number) => Promise<T>): Promise<T> {
  if (source.borrowed?.path === file.path) return work(source.borrowed.descriptor);
  return withFile(join(source.root, file.path), work);
}

/**
 * Gives the stored file another name at `target`. Not before it was read again: a copy that has rotted on its disk must
 * not become the only one of a file that is still sound.
 */
async function linkIfSame(
  descriptor: number,
  { stored, sha256 }: { readonly stored: string; readonly sha256: string },
  target: string,
  onBytes: OnBytes,
): Promise<Digest | null> {
  try {
    let read = 0;
    const count = (bytes: number): void => void (read += bytes);
    const digest = await withFile(stored, (other) => digestOfSame(descriptor, other, count));
    if (digest === null || digest.sha256 !== sha256) return null;
    linkSync(stored, target);
    onBytes(read);
    return digest;
  } catch (error) {
    // Not there or not readable any more; too many names; a file system without such links: then it is copied.
    if (systemErrorCode(error) === undefined) throw error;
    return null;
  }
}

/** Only files that this process may open can be cloned by it. */
function clone({ root, borrowed }: Source, { path }: TreeFile, target: string, host: Host): boolean {
  try {
    if (borrowed?.path !== path)
      copyFileSync(join(root, path), target, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    else if (!host.clone(join(root, path), target)) throw new Error('not on this file system');
    chmodSync(target, 0o600);
    return true;
  } catch {
    rmSync(target, { force: true });
    return false;
  }
}

function manifestFile(file: TreeFile, { bytes, sha256 }: Digest): ManifestFile {
  const { path, allocated, mode, uid, gid, mtime } = file;
  return { path, size: bytes, allocated, sha256, mode, uid, gid, mtime };
}
