/**
 * A directory as it is on disk: what would be copied, and what would not.
 */
import { lstatSync, readdirSync, type BigIntStats, type Dirent } from 'node:fs';
import { join } from 'node:path';

export interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** ISO 8601. */
  readonly mtime: string;
}

export interface TreeDirectory extends Attributes {
  /** Relative to the root, with slashes; empty for the root itself. */
  readonly path: string;
}

export interface TreeFile extends TreeDirectory {
  readonly size: number;
  /** Bytes that it occupies: fewer than `size` where it has holes. */
  readonly allocated: number;
  /** Changes whenever the file does, or another takes its name. */
  readonly signature: string;
}

export interface LeftOut {
  readonly path: string;
  readonly kind: 'symbolic link' | 'socket' | 'pipe' | 'device' | 'temporary file';
}

export interface Tree {
  readonly directories: readonly TreeDirectory[];
  readonly files: readonly TreeFile[];
  readonly leftOut: readonly LeftOut[];
}

/** `st_blocks` counts these, by POSIX. */
const BLOCK_BYTES = 512n;

function rethrow(_: string, error: unknown): never {
  throw error;
}

/**
 * Reads everything below `root`, in the order of the paths. Links are not followed. Files for which `isTemporary` says
 * so are left out. What the system says of a path that cannot be looked into is thrown, unless `onUnreadable` takes it:
 * then the path is left out.
 */
export function readTree(
  root: string,
  isTemporary: (path: string) => boolean,
  onUnreadable: (path: string, error: unknown) => void = rethrow,
): Tree {
  const tree = { directories: [] as TreeDirectory[], files: [] as TreeFile[], leftOut: [] as LeftOut[] };
  const visit = (path: string): void => {
    tree.directories.push({ path, ...attributesOf(lstatSync(join(root, path), { bigint: true })) });
    const entries = readdirSync(join(root, path), { withFileTypes: true });
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const below = path === '' ? entry.name : `${path}/${entry.name}`;
      const kind = isTemporary(below) ? 'temporary file' : kindOf(entry);
      if (kind === 'directory') attempt(below, visit);
      else if (kind === 'file') attempt(below, (file) => tree.files.push(treeFile(root, file)));
      else tree.leftOut.push({ path: below, kind });
    }
  };
  const attempt = (path: string, read: (path: string) => unknown): void => {
    try {
      read(path);
    } catch (error) {
      onUnreadable(path, error);
    }
  };
  attempt('', visit);
  return tree;
}

function kindOf(entry: Dirent): 'directory' | 'file' | LeftOut['kind'] {
  if (entry.isDirectory()) return 'directory';
  if (entry.isFile()) return 'file';
  if (entry.isSymbolicLink()) return 'symbolic link';
  if (entry.isSocket()) return 'socket';
  return entry.isFIFO() ? 'pipe' : 'device';
}

function treeFile(root: string, path: string): TreeFile {
  const stat = lstatSync(join(root, path), { bigint: true });
  return {
    path,
    ...attributesOf(stat),
    size: Number(stat.size),
    allocated: allocatedBytes(stat),
    signature: [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(':'),
  };
}

/** Bytes that a file occupies on its disk. */
export function allocatedBytes({ blocks }: BigIntStats): number {
  return Number(blocks * BLOCK_BYTES);
}

function attributesOf({ mode, uid, gid, mtimeMs }: BigIntStats): Attributes {
  return {
    mode: Number(mode & 0o7777n),
    uid: Number(uid),
    gid: Number(gid),
    mtime: new Date(Number(mtimeMs)).toISOString(),
  };
}

/** Where two readings of one directory differ: a path whose file changed, came or went; null where nothing did. */
export function changedPath(before: Tree, after: Tree): string | null {
  const old = new Map(before.files.map(({ path, signature }) => [path, signature]));
  const changed = after.files.find(({ path, signature }) => old.get(path) !== signature);
  if (changed !== undefined) return changed.path;
  const left = new Set(after.files.map(({ path }) => path));
  return before.files.find(({ path }) => !left.has(path))?.path ?? null;
}
