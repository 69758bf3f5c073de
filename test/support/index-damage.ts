/**
 * Damages to the files of an index, each done on purpose to a test's own copy of a fixture.
 */
import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pickleOf, vectorSegmentOf } from './damage.ts';

/** Places in header.bin (chroma-hnswlib hnswalg.h): u64 each, little-endian. */
const [CAPACITY, ELEMENTS, ELEMENT_BYTES] = [12, 20, 28];

export interface Header {
  readonly elements: number;
  readonly capacity: number;
  readonly elementBytes: number;
}

export function indexDirOf(persistDir: string, collection: string): string {
  return dirname(pickleOf(persistDir, collection));
}

export function headerOf(persistDir: string, collection: string): Header {
  const bytes = readFileSync(join(indexDirOf(persistDir, collection), 'header.bin'));
  const numberAt = (offset: number): number => Number(bytes.readBigUInt64LE(offset));
  return { elements: numberAt(ELEMENTS), capacity: numberAt(CAPACITY), elementBytes: numberAt(ELEMENT_BYTES) };
}

/** Has the index count as many elements and as much room, in header.bin and in a data file of that size. */
export function resizedIndex(
  persistDir: string,
  collection: string,
  { elements, capacity }: Pick<Header, 'elements' | 'capacity'>,
): void {
  const directory = indexDirOf(persistDir, collection);
  const { elementBytes } = headerOf(persistDir, collection);
  const bytes = readFileSync(join(directory, 'header.bin'));
  bytes.writeBigUInt64LE(BigInt(elements), ELEMENTS);
  bytes.writeBigUInt64LE(BigInt(capacity), CAPACITY);
  writeFileSync(join(directory, 'header.bin'), bytes);
  truncateSync(join(directory, 'data_level0.bin'), capacity * elementBytes);
}

/** chroma#7510: link_lists.bin has grown to `bytes`, nearly all of them a hole. */
export function runawayLinkLists(persistDir: string, collection: string, bytes: number): void {
  const path = join(indexDirOf(persistDir, collection), 'link_lists.bin');
  if (statSync(path).size >= bytes) throw new Error(`${path} is as large already`);
  truncateSync(path, bytes);
}

/** The whole directory of an index is gone. */
export function lostSegmentDir(persistDir: string, collection: string): void {
  rmSync(indexDirOf(persistDir, collection), { recursive: true });
}

/** A file in the place of the directory of an index. */
export function fileForSegmentDir(persistDir: string, collection: string): void {
  lostSegmentDir(persistDir, collection);
  writeFileSync(join(persistDir, vectorSegmentOf(persistDir, collection)), 'not a directory');
}
