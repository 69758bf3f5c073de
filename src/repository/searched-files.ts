/**
 * Every byte of the files of a directory, for whoever looks for something in them.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, systemErrorCode } from '../errors.ts';
import { eachChunk, isAllZero } from './file-content.ts';
import { formatBytes } from '../units.ts';
import { readTree, type TreeFile } from './tree.ts';

/** A file that nothing can be found in, or a directory of them. */
export interface Unsearchable {
  /** Relative to the directory. */
  readonly path: string;
  readonly because: string;
}

export interface FileSearch {
  /** Bytes of a chunk that come again at the beginning of the next, so that nothing is cut in two. */
  readonly overlap: number;
  /** Each chunk is overwritten when the next one comes. */
  readonly onChunk: (path: string, chunk: Buffer) => void;
  readonly onBytes: (done: number, all: number) => void;
}

/** Holes are read like anything else; beyond this it would take minutes, and hours of a file that has run away. */
const MOST_HOLES = 2 ** 32;

/** How compressed files begin: gzip, zstd, xz, bzip2, zip, lz4, 7z. */
const COMPRESSED: readonly Buffer[] = [
  '1f8b',
  '28b52ffd',
  'fd377a585a00',
  '425a68',
  '504b0304',
  '04224d18',
  '377abcaf271c',
].map((hex) => Buffer.from(hex, 'hex'));

/** Why a link was not searched: whoever asked for the search knows where it may lead. */
export const SYMBOLIC_LINK = 'symbolic link';

/**
 * Reads every regular file below `root`. Returns the files and directories that it could not look into, and the links,
 * which are not followed.
 */
export async function searchFiles(root: string, search: FileSearch): Promise<readonly Unsearchable[]> {
  const unsearchable: Unsearchable[] = [];
  const { files, leftOut } = readTree(
    root,
    () => false,
    (path, error) => {
      const because = becauseOf(error);
      // What is gone is not to be searched, but for the whole of it: that was named.
      if (path === '') unsearchable.push({ path: '.', because: because ?? messageOf(error) });
      else if (because !== null) unsearchable.push({ path, because });
    },
  );
  for (const { path, kind } of leftOut) if (kind === SYMBOLIC_LINK) unsearchable.push({ path, because: kind });
  const all = files.reduce((sum, file) => sum + bytesToRead(file), 0);
  let before = 0;
  for (const file of files) {
    const { path } = file;
    if (isMostlyHoles(file)) {
      unsearchable.push({ path, because: `a hole of ${formatBytes(file.size - file.allocated)}` });
      continue;
    }
    const because = await searchFile(
      join(root, path),
      { ...search, onChunk: (_, chunk) => search.onChunk(path, chunk) },
      (done) => search.onBytes(before + done, all),
    );
    if (because !== null) unsearchable.push({ path, because });
    before += bytesToRead(file);
  }
  return unsearchable;
}

function bytesToRead(file: TreeFile): number {
  return isMostlyHoles(file) ? 0 : file.size;
}

/** As link_lists.bin is that has run away: up to terabytes, of which next to nothing was written (chroma#7510). */
function isMostlyHoles({ size, allocated }: TreeFile): boolean {
  return size - allocated > MOST_HOLES;
}

/** Returns why the file cannot be looked into, null where it was read or is gone meanwhile. */
async function searchFile(
  path: string,
  { overlap, onChunk }: FileSearch,
  onBytes: (done: number) => void,
): Promise<string | null> {
  try {
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      let kept = Buffer.alloc(0);
      let done = 0;
      for await (const chunk of eachChunk(descriptor)) {
        if (done === 0 && COMPRESSED.some((magic) => chunk.subarray(0, magic.length).equals(magic)))
          return 'compressed';
        const bytes = kept.length === 0 ? chunk : Buffer.concat([kept, chunk]);
        // What holes read as.
        if (!isAllZero(bytes)) onChunk(path, bytes);
        kept = Buffer.from(bytes.subarray(Math.max(bytes.length - overlap, 0)));
        done += chunk.length;
        onBytes(done);
      }
      return null;
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    return becauseOf(error);
  }
}

/** What the system said, null where the file is gone. Throws what the system did not say. */
function becauseOf(error: unknown): string | null {
  const code = systemErrorCode(error);
  if (code === undefined) throw error;
  return code === 'ENOENT' ? null : messageOf(error);
}
