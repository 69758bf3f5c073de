/**
 * What there is to find about the files of an index.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { indexFileBytes, isRunaway, type HnswHeader } from '../../chroma/hnsw-files.ts';
import type { Collection, Segment, SegmentId } from '../../chroma/model.ts';
import { counted, formatBytes, formatCount } from '../../units.ts';
import { finding, type Finding } from '../findings/findings.ts';
import { shortName } from '../names.ts';
import type { IndexReading } from '../positions.ts';
import type { Reading } from '../reading.ts';

/** Fewer deleted elements, or a smaller share of them, cost nobody anything. */
const MANY_DELETED = 100;
const LARGE_DELETED_SHARE = 0.3;

/** Less unused room is not worth a line. */
const MUCH_UNUSED = 1024 * 1024;
const LARGE_UNUSED_SHARE = 0.5;

/** A vector segment with what its files say. */
interface Index {
  readonly collection: Collection;
  readonly segment: Segment;
  readonly path: string;
  readonly files: IndexReading | undefined;
}

/** Looks at the index of every collection. `records` has how many each metadata segment has; null where that is unknown. */
export function indexFindings(reading: Reading, records: ReadonlyMap<SegmentId, number> | null): readonly Finding[] {
  return indexesOf(reading).flatMap((index) => [
    ...missingDirectory(index),
    ...(records === null ? [] : differingCount(index, records)),
    ...(index.files?.hnsw.kind === 'read' ? headerFindings(index, index.files.hnsw.header) : []),
    ...runaway(index),
  ]);
}

function indexesOf({ collections, index, dir }: Reading): readonly Index[] {
  return collections.flatMap((collection) =>
    collection.segments
      .filter(({ kind }) => kind === 'vector')
      .map((segment) => ({ collection, segment, path: join(dir.path, segment.id), files: index.get(segment.id) })),
  );
}

/** True where the index was saved, and its directory is gone. The skip reason then says that the pickle is missing. */
export function isDirectoryMissing({ dir }: Reading, { segments }: Pick<Collection, 'segments'>): boolean {
  return segments.some(
    ({ id, kind, position }) =>
      kind === 'vector' &&
      position.kind === 'unreadable' &&
      position.because === 'pickle-missing' &&
      !existsSync(join(dir.path, id)),
  );
}

function missingDirectory({ collection, segment, path }: Index): readonly Finding[] {
  const { position } = segment;
  if (position.kind !== 'unreadable' || position.because !== 'pickle-missing' || existsSync(path)) return [];
  const message = `the directory ${segment.id} of its index is gone, and with it every vector that the WAL no longer holds`;
  return [finding('segment-dir-missing', shortName(collection), message)];
}

/** Comparable only where both segments have saved the same rows of the queue. */
function differingCount(
  { collection, segment, files }: Index,
  records: ReadonlyMap<SegmentId, number>,
): readonly Finding[] {
  const metadata = collection.segments.find(({ kind }) => kind === 'metadata');
  if (metadata?.position.kind !== 'recorded' || segment.position.kind !== 'recorded') return [];
  if (metadata.position.seqId !== segment.position.seqId || files?.metadata.kind !== 'read') return [];
  const [inIndex, inMetadata] = [files.metadata.metadata.records, records.get(metadata.id) ?? 0];
  if (inIndex === inMetadata) return [];
  const message = `the index lists ${counted(inIndex, 'vector')}, the metadata ${counted(inMetadata, 'record')}, and both stand at ${segment.position.seqId}`;
  return [finding('index-count-differs', shortName(collection), message)];
}

function headerFindings({ collection, path, files }: Index, header: HnswHeader): readonly Finding[] {
  const name = shortName(collection);
  const found: Finding[] = [];
  const records = files?.metadata.kind === 'read' ? files.metadata.metadata.records : header.elements;
  const deleted = header.elements - records;
  if (deleted >= MANY_DELETED && deleted / header.elements >= LARGE_DELETED_SHARE) {
    const share = Math.round((100 * deleted) / header.elements);
    const message = `${formatCount(deleted)} of ${counted(header.elements, 'element')} (${share} %, ${formatBytes(deleted * header.elementBytes)}) are deleted, and every query still walks over them`;
    found.push(finding('deleted-elements', name, message));
  }
  const unused = (header.capacity - header.elements) * header.elementBytes;
  if (unused >= MUCH_UNUSED && unused / (header.capacity * header.elementBytes) >= LARGE_UNUSED_SHARE) {
    const { apparent, allocated } = indexFileBytes(path, 'data_level0.bin');
    const message = `room for ${counted(header.capacity, 'vector')} and ${formatCount(header.elements)} in it: data_level0.bin has ${formatBytes(apparent)}, ${formatBytes(allocated)} on disk`;
    found.push(finding('unused-capacity', name, message));
  }
  return found;
}

function runaway({ collection, path, files }: Index): readonly Finding[] {
  // Beside vectors that are cut short every length is too long.
  if (files?.hnsw.kind === 'damaged') return [];
  const links = indexFileBytes(path, 'link_lists.bin');
  const data = indexFileBytes(path, 'data_level0.bin');
  if (!isRunaway(links.apparent, data.apparent)) return [];
  const message = `link_lists.bin has ${formatBytes(links.apparent)}, ${formatBytes(links.allocated)} on disk, beside ${formatBytes(data.apparent)} of vectors`;
  return [finding('runaway-link-lists', shortName(collection), message)];
}
