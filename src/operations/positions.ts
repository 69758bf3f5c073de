/**
 * Whose the rows of the queue are, and how far each segment has persisted them: what can be told without reading a row.
 */
import { join } from 'node:path';
import { readCatalog, segmentsByCollection, type Catalog, type CatalogSegment } from '../chroma/catalog.ts';
import { readLastSeqId } from '../chroma/embeddings-queue.ts';
import { indexFilesDamage, readHnswHeader, type HnswReading } from '../chroma/hnsw-files.ts';
import { readIndexMetadata, type IndexMetadataReading } from '../chroma/index-metadata.ts';
import { metadataPosition, readMaxSeqIds, vectorPosition } from '../chroma/max-seq-id.ts';
import type { CollectionId, RecordedPosition, Schema, Segment, SegmentId, Topic } from '../chroma/model.ts';
import type { PersistDir } from '../chroma/persist-dir.ts';
import type { TopicChoice } from '../chroma/queue-rows.ts';
import { readSchema } from '../chroma/schema.ts';
import type { DecodedSeqId, SeqId } from '../chroma/seq-id.ts';
import { collectionIdOf } from '../chroma/topic.ts';
import type { Database } from '../sqlite/open.ts';

export interface IndexReading {
  readonly metadata: IndexMetadataReading;
  readonly hnsw: HnswReading;
}

/** The collections, by id, to which the rows of a topic belong: one, unless somebody edited the stored topics. */
export type Owners = (topic: Topic) => readonly CollectionId[];

/** What the topics of collections are told by: up to 0.4.24 they are stored; from 0.5.0 on they end in the collection's id. */
interface Claims {
  readonly stored: ReadonlyMap<Topic, ReadonlySet<CollectionId>>;
  readonly unstored: ReadonlySet<CollectionId>;
}

function claimsIn({ collections }: Catalog, segments: ReadonlyMap<CollectionId, readonly CatalogSegment[]>): Claims {
  const unstored = new Set(collections.filter(({ topic }) => topic === null).map(({ id }) => id));
  const stored = new Map<Topic, Set<CollectionId>>();
  for (const { id, topic } of collections) {
    if (topic === null) continue;
    for (const named of [topic, ...(segments.get(id) ?? []).map((segment) => segment.topic)]) {
      if (named !== null) stored.set(named, (stored.get(named) ?? new Set()).add(id));
    }
  }
  return { stored, unstored };
}

/** The stored topic up to 0.4.24; from 0.5.0 every topic that ends in the collection's id. */
export function ownersByTopic(
  catalog: Catalog,
  segments: ReadonlyMap<CollectionId, readonly CatalogSegment[]>,
): Owners {
  const { stored, unstored } = claimsIn(catalog, segments);
  return (topic) => {
    const last = collectionIdOf(topic);
    return [...(stored.get(topic) ?? []), ...(unstored.has(last) ? [last] : [])];
  };
}

/** By what the rows of `chosen` collections are found: their rows are those that have one of them as owner. */
export function topicsOf(
  chosen: ReadonlySet<CollectionId>,
  catalog: Catalog,
  segments: ReadonlyMap<CollectionId, readonly CatalogSegment[]>,
): TopicChoice {
  const { stored, unstored } = claimsIn(catalog, segments);
  return {
    topics: [...stored].filter(([, owners]) => [...owners].some((id) => chosen.has(id))).map(([topic]) => topic),
    endings: [...unstored].filter((id) => chosen.has(id)),
  };
}

/** What a directory says of its collections, before any row of the queue is looked at. */
export interface Positions {
  readonly schema: Schema;
  readonly catalog: Catalog;
  /** Table `max_seq_id`, rows of deleted segments included. */
  readonly recorded: ReadonlyMap<SegmentId, DecodedSeqId>;
  readonly lastSeqId: SeqId;
  /** The files of each live vector segment. */
  readonly index: ReadonlyMap<SegmentId, IndexReading>;
  /** The segments of each collection, with their recorded positions. */
  readonly segments: ReadonlyMap<CollectionId, readonly Segment[]>;
  readonly owners: Owners;
}

/** Reads the catalogue and every recorded position. `indexIn` reads the files of a vector segment. */
export function readPositions(db: Database, dir: PersistDir, indexIn?: (id: SegmentId) => IndexReading): Positions {
  const schema = readSchema(db, dir.databasePath);
  const catalog = readCatalog(db, schema);
  const recorded = readMaxSeqIds(db);
  const catalogued = segmentsByCollection(catalog);
  const index = readIndexes(dir, [...catalogued.values()].flat(), indexIn);
  // The last: rows that a server adds and saves meanwhile must not look like positions beyond the end of the WAL.
  const lastSeqId = readLastSeqId(db);
  const segments = new Map(
    catalog.collections.map(({ id }) => [
      id,
      (catalogued.get(id) ?? []).map((segment) => readSegment(segment, recorded, index)),
    ]),
  );
  return { schema, catalog, recorded, lastSeqId, index, segments, owners: ownersByTopic(catalog, catalogued) };
}

/** The files of the vector segment in `segmentDir`. */
function readIndex(segmentDir: string): IndexReading {
  return { metadata: readIndexMetadata(segmentDir), hnsw: readHnswHeader(segmentDir) };
}

/** The files of each of `segments` that is a vector segment. `indexIn` reads them. */
export function readIndexes(
  dir: PersistDir,
  segments: readonly CatalogSegment[],
  indexIn: (id: SegmentId) => IndexReading = (id) => readIndex(join(dir.path, id)),
): ReadonlyMap<SegmentId, IndexReading> {
  return new Map(segments.filter(({ kind }) => kind === 'vector').map(({ id }) => [id, indexIn(id)]));
}

/** A segment with the position that is recorded for it. */
export function readSegment(
  { id, kind, type }: CatalogSegment,
  recorded: ReadonlyMap<SegmentId, DecodedSeqId>,
  index: ReadonlyMap<SegmentId, IndexReading>,
): Segment {
  return { id, kind, type, position: positionOf(kind, recorded.get(id), index.get(id)) };
}

function positionOf(
  kind: Segment['kind'],
  row: DecodedSeqId | undefined,
  index: IndexReading | undefined,
): RecordedPosition {
  if (kind === 'metadata') return metadataPosition(row);
  if (kind !== 'vector' || index === undefined) return { kind: 'never' };
  const { metadata, hnsw } = index;
  const records = metadata.kind === 'read' ? metadata.metadata.records : 0;
  return vectorPosition(row, { indexMetadata: metadata, damage: indexFilesDamage(hnsw, records) });
}
