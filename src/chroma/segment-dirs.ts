/**
 * The directories of vector segments below the persist directory. Named by **segment** id: a tool that compared them
 * with collection ids deleted every live index.
 */
import { lstatSync, readdirSync, type Dirent } from 'node:fs';
import { join } from 'node:path';
import type { SegmentId } from './model.ts';
import { directoryBytes, INDEX_FILE_NAMES } from './hnsw-files.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export interface SegmentDir {
  readonly id: SegmentId;
  /** Bytes allocated on disk. */
  readonly bytes: number;
  /** When it or anything in it was last written to, in milliseconds since 1970. */
  readonly newestMs: number;
  /** Names in it of anything but Chroma's index files: somebody else's. */
  readonly strangers: readonly string[];
}

/** True for a name that Chroma could have given to the directory of a vector segment. */
export function isSegmentDirName(name: string): boolean {
  return UUID.test(name);
}

/** Lists the real directories that carry a UUID as name. Links are not followed. */
export function listSegmentDirs(persistDir: string): readonly SegmentDir[] {
  return segmentDirNames(persistDir).map((name) => readSegmentDir(persistDir, name));
}

/** Names of the real directories that carry a UUID as name, sorted. */
export function segmentDirNames(persistDir: string): readonly string[] {
  return readdirSync(persistDir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && isSegmentDirName(entry.name))
    .map(({ name }) => name)
    .toSorted();
}

function readSegmentDir(persistDir: string, id: SegmentId): SegmentDir {
  const path = join(persistDir, id);
  const entries = entriesOf(path);
  // Removed meanwhile by a server, or not to be read: then it is as young as can be, and nobody touches it.
  if (entries === null) return { id, bytes: 0, newestMs: Number.POSITIVE_INFINITY, strangers: [] };
  const times = [path, ...entries.map(({ name }) => join(path, name))].map((each) => mtimeMs(each));
  return {
    id,
    bytes: directoryBytes(path),
    newestMs: Math.max(...times),
    strangers: entries
      .filter((entry) => !(entry.isFile() && INDEX_FILE_NAMES.includes(entry.name)))
      .map(({ name }) => name),
  };
}

function entriesOf(path: string): readonly Dirent[] | null {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    return null;
  }
}

function mtimeMs(path: string): number {
  return lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY;
}
