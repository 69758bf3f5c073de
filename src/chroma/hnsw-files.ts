/**
 * The HNSW files beside the pickle: `header.bin`, `data_level0.bin`, `length.bin`, `link_lists.bin` (chroma-hnswlib
 * 0.7.1 to 0.8.2, hnswalg.h `persistDirty`). No checksum, no fsync: after a power loss the database may be ahead.
 */
import { lstatSync, readdirSync, readFileSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import { INDEX_METADATA_NAME } from './index-metadata.ts';

const HEADER_BYTES = 100;
const PERSISTENCE_VERSION = 1;

/** Every file whose loss would lose vectors that only a deleted WAL row still held. */
export const INDEX_FILE_NAMES: readonly string[] = [
  INDEX_METADATA_NAME,
  'header.bin',
  'data_level0.bin',
  'length.bin',
  'link_lists.bin',
];

export interface HnswHeader {
  /** Elements in the files, those marked deleted included. */
  readonly elements: number;
  /** Elements that the files have room for. */
  readonly capacity: number;
  /** Bytes of one element in `data_level0.bin`. */
  readonly elementBytes: number;
  /** Where the first of them begins in it. */
  readonly firstElementAt: number;
}

export type HnswReading =
  | { readonly kind: 'absent' }
  | { readonly kind: 'damaged'; readonly detail: string }
  | { readonly kind: 'read'; readonly header: HnswHeader };

/** Reads `header.bin` and compares it with the size of `data_level0.bin`. Never throws. */
export function readHnswHeader(segmentDir: string): HnswReading {
  try {
    return readFiles(segmentDir);
  } catch (error) {
    // A file or a device in the place of the directory, or no permission: unknown is not absent.
    return damaged(`header.bin cannot be read: ${messageOf(error)}`);
  }
}

function readFiles(segmentDir: string): HnswReading {
  const header = fileAt(segmentDir, 'header.bin');
  if (header === undefined) return { kind: 'absent' };
  if (header.size !== HEADER_BYTES) return damaged(`header.bin has ${header.size} bytes instead of ${HEADER_BYTES}`);
  const bytes = readFileSync(join(segmentDir, 'header.bin'));
  if (bytes.readInt32LE(0) !== PERSISTENCE_VERSION) return damaged(`header.bin has format ${bytes.readInt32LE(0)}`);
  const firstElementAt = Number(bytes.readBigUInt64LE(4));
  const capacity = Number(bytes.readBigUInt64LE(12));
  const elements = Number(bytes.readBigUInt64LE(20));
  const elementBytes = Number(bytes.readBigUInt64LE(28));
  const data = fileAt(segmentDir, 'data_level0.bin')?.size ?? 0;
  if (data < elements * elementBytes) {
    return damaged(`data_level0.bin has ${data} bytes, ${elements} elements need ${elements * elementBytes}`);
  }
  return { kind: 'read', header: { elements, capacity, elementBytes, firstElementAt } };
}

/** Why the files cannot hold `records` vectors, or null where they can. */
export function indexFilesDamage(reading: HnswReading, records: number): string | null {
  if (records === 0) return null;
  if (reading.kind === 'absent') return `header.bin is missing, though the index counts ${records} records`;
  if (reading.kind === 'damaged') return reading.detail;
  const { elements } = reading.header;
  return elements < records ? `header.bin counts ${elements} elements, the index ${records} records` : null;
}

/**
 * True where `link_lists.bin` has run away (chroma#7510: a length was not validated; up to terabytes were seen). It
 * holds what the upper levels of the graph need, half a percent of `data_level0.bin` in a sound index.
 */
export function isRunaway(linkListsBytes: number, dataBytes: number): boolean {
  return linkListsBytes > dataBytes;
}

/** Size of one file of an index, and what it occupies on disk; both 0 where it is not there or not to be seen. */
export function indexFileBytes(
  segmentDir: string,
  name: string,
): { readonly apparent: number; readonly allocated: number } {
  try {
    const stat = fileAt(segmentDir, name);
    return { apparent: stat?.size ?? 0, allocated: allocatedBytes(stat) };
  } catch {
    return { apparent: 0, allocated: 0 };
  }
}

/** Bytes that a directory's regular files occupy on disk. No links are followed. */
export function directoryBytes(directory: string): number {
  try {
    return readdirSync(directory).reduce((sum, name) => sum + allocatedBytes(fileAt(directory, name)), 0);
  } catch {
    // Nothing that this user can see.
    return 0;
  }
}

function allocatedBytes(stat: Stats | undefined): number {
  // 512-byte blocks by POSIX definition; sparse slots of a pre-sized index occupy nothing.
  return stat === undefined ? 0 : stat.blocks * 512;
}

function fileAt(directory: string, name: string): Stats | undefined {
  const stat = lstatSync(join(directory, name), { throwIfNoEntry: false });
  return stat?.isFile() ? stat : undefined;
}

function damaged(detail: string): HnswReading {
  return { kind: 'damaged', detail };
}
