/**
 * Whether the files of an index were written to since they were read. Chroma writes them in place and locks nothing.
 */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { INDEX_FILE_NAMES } from './hnsw-files.ts';

/** Identity, size and times of every file of an index. Two that are the same mean the same content, see {@link isSettled}. */
export interface IndexStamp {
  readonly files: string;
  /** The youngest time of any file, in nanoseconds since 1970. */
  readonly newest: bigint;
}

const SECOND = 1_000_000_000n;
/** Kernels stamp files by a clock that ticks every 10 ms at the most. */
const TICK = 100_000_000n;

/** Looks at the files in `segmentDir`, without opening them. Throws what the file system throws, but for a missing file. */
export function readIndexStamp(segmentDir: string): IndexStamp {
  let newest = 0n;
  const files = INDEX_FILE_NAMES.map((name) => {
    const stat = lstatSync(join(segmentDir, name), { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return '-';
    for (const time of [stat.mtimeNs, stat.ctimeNs]) if (time > newest) newest = time;
    return [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(' ');
  });
  return { files: files.join('\n'), newest };
}

/**
 * True where a write after `readAt` must show in the stamp: the files are older than the coarsest clock that could have
 * stamped them. A younger file may be written again within the same tick, and look as it did.
 */
export function isSettled({ newest }: IndexStamp, readAt: Date): boolean {
  const now = BigInt(readAt.getTime()) * 1_000_000n;
  // A file system that keeps whole seconds only, or two.
  const granularity = newest % SECOND === 0n ? 2n * SECOND : TICK;
  return now - newest > granularity;
}

/** How long a Chroma may be held up between two files of one save, on a machine that has other work, in milliseconds. */
export const HELD_UP_MS = 2_000;
const HELD_UP = BigInt(HELD_UP_MS) * 1_000_000n;

/**
 * True where nobody can be in the middle of saving the index: between two of its files it looks damaged, or like one that
 * does not hold what its position says.
 */
export function isQuiet({ newest }: IndexStamp, readAt: Date): boolean {
  return BigInt(readAt.getTime()) * 1_000_000n - newest > HELD_UP;
}

/** True where the files were written to after `readAt`, by more than two clocks differ that are set: they never settle. */
export function isInFuture(stamp: IndexStamp | undefined, readAt: Date): boolean {
  return stamp !== undefined && stamp.newest - BigInt(readAt.getTime()) * 1_000_000n > HELD_UP;
}
