/**
 * One reading of a persist directory: everything a plan or an inspection is decided from.
 */
import { join } from 'node:path';
import { readCatalog, type Catalog, type CatalogCollection, type CatalogSegment } from '../chroma/catalog.ts';
import { countBelow, countMissingFromIndex, QUEUE, readLastSeqId, readUsage } from '../chroma/embeddings-queue.ts';
import { indexFilesDamage, readHnswHeader, type HnswReading } from '../chroma/hnsw-files.ts';
import { idsNotIndexed, readIndexMetadata, type IndexMetadataReading } from '../chroma/index-metadata.ts';
import { metadataPosition, readMaxSeqIds, vectorPosition } from '../chroma/max-seq-id.ts';
import type {
  Collection,
  CollectionId,
  RecordedPosition,
  Schema,
  Segment,
  SegmentId,
  Topic,
  TopicUsage,
} from '../chroma/model.ts';
import type { PersistDir } from '../chroma/persist-dir.ts';
import { planCutoffs, planPrune, type CollectionCutoff, type PrunePlan } from '../chroma/prune-plan.ts';
import { readSchema } from '../chroma/schema.ts';
import type { DecodedSeqId, SeqId } from '../chroma/seq-id.ts';
import { topicsByCollectionId } from '../chroma/topic.ts';
import { obstacleToCopy } from '../sqlite/copy.ts';
import type { Database } from '../sqlite/open.ts';
import { readPageCounts, type PageCounts } from '../sqlite/pages.ts';

export interface Reading {
  readonly dir: PersistDir;
  readonly schema: Schema;
  readonly catalog: Catalog;
  readonly collections: readonly Collection[];
  readonly usage: ReadonlyMap<Topic, TopicUsage>;
  /** Topics whose rows belong to no collection. */
  readonly orphanTopics: readonly TopicUsage[];
  readonly lastSeqId: SeqId;
  readonly pages: PageCounts;
  /** Why the database cannot be copied table by table, null where it can. */
  readonly obstacleToCopy: string | null;
  /** Table `max_seq_id`, rows of deleted segments included. */
  readonly recorded: ReadonlyMap<SegmentId, DecodedSeqId>;
  /** The files of each live vector segment. */
  readonly index: ReadonlyMap<SegmentId, IndexReading>;
}

export interface IndexReading {
  readonly metadata: IndexMetadataReading;
  readonly hnsw: HnswReading;
}

/** Reads `dir` through `db`. A fixed number of statements, whatever the number of collections. */
export function readDirectory(db: Database, dir: PersistDir): Reading {
  const schema = readSchema(db, dir.databasePath);
  const catalog = readCatalog(db, schema);
  const recorded = readMaxSeqIds(db);
  const pages = readPageCounts(db);
  const usage = new Map(readUsage(db, pages.pageSize).map((each) => [each.topic, each]));
  const segments = segmentsByCollection(catalog);
  const index = readIndexes(dir, [...segments.values()].flat());
  const topics = topicsOf(catalog, segments, [...usage.keys()]);
  const collections = catalog.collections.map(({ id, name, tenant, database }) => ({
    id,
    name,
    tenant,
    database,
    topics: topics.get(id) ?? [],
    segments: (segments.get(id) ?? []).map((segment) => readSegment(segment, recorded, index)),
  }));
  const owned = new Set([...topics.values()].flat());
  return {
    dir,
    schema,
    catalog,
    collections,
    usage,
    orphanTopics: [...usage.values()].filter(({ topic }) => !owned.has(topic)),
    lastSeqId: readLastSeqId(db),
    pages,
    obstacleToCopy: obstacleToCopy(db, QUEUE),
    recorded,
    index,
  };
}

export interface PlanOptions {
  readonly excluded: ReadonlySet<CollectionId>;
  /** Believe the watermarks without asking the index for the ids of the rows to be deleted. */
  readonly skipIndexCheck: boolean;
}

/** Plans a prune from one reading. Reads only. */
export function planFromReading(db: Database, reading: Reading, { excluded, skipIndexCheck }: PlanOptions): PrunePlan {
  const decision = planCutoffs(reading.collections, reading.lastSeqId, excluded);
  const counted = countBelow(db, decision.cutoffs, reading.pages.pageSize);
  const missing = skipIndexCheck ? new Map<Topic, number>() : missingFromIndex(db, reading, decision.cutoffs);
  return planPrune(decision, counted, missing, reading.lastSeqId);
}

function missingFromIndex(
  db: Database,
  { dir, collections }: Reading,
  cutoffs: readonly CollectionCutoff[],
): ReadonlyMap<Topic, number> {
  const segmentsOf = new Map(collections.map(({ id, segments }) => [id, segments]));
  const indexesOf = new Map(
    cutoffs.map(({ topic, collectionId }) => {
      const vector = (segmentsOf.get(collectionId) ?? []).filter(({ kind }) => kind === 'vector');
      return [topic, vector.map(({ id }) => join(dir.path, id))];
    }),
  );
  return countMissingFromIndex(db, cutoffs, (topic, ids) => {
    const missing = (indexesOf.get(topic) ?? []).flatMap((index) => [...idsNotIndexed(index, ids)]);
    return new Set(missing).size;
  });
}

/** Up to 0.4.24 a segment may name the collection, the topic, or both. */
function segmentsByCollection({
  collections,
  segments,
}: Catalog): ReadonlyMap<CollectionId, readonly CatalogSegment[]> {
  const byTopic = new Map(collections.flatMap(({ id, topic }) => (topic === null ? [] : [[topic, id] as const])));
  const known = new Map<CollectionId, CatalogSegment[]>(collections.map(({ id }) => [id, []]));
  for (const segment of segments) {
    const owners = [segment.collection, segment.topic === null ? undefined : byTopic.get(segment.topic)];
    for (const owner of new Set(owners)) known.get(owner ?? '')?.push(segment);
  }
  return known;
}

/** The stored topic up to 0.4.24; from 0.5.0 every topic in use that ends in the collection's id. */
function topicsOf(
  { collections }: Catalog,
  segments: ReadonlyMap<CollectionId, readonly CatalogSegment[]>,
  inUse: readonly Topic[],
): ReadonlyMap<CollectionId, readonly Topic[]> {
  const bySuffix = topicsByCollectionId(inUse);
  const used = new Set(inUse);
  const stored = ({ id, topic }: CatalogCollection): readonly Topic[] => {
    const named = [topic, ...(segments.get(id) ?? []).map((segment) => segment.topic)];
    return [...new Set(named.filter((each) => each !== null))].filter((each) => used.has(each));
  };
  return new Map(
    collections.map((collection) => [
      collection.id,
      collection.topic === null ? (bySuffix.get(collection.id) ?? []) : stored(collection),
    ]),
  );
}

function readIndexes(dir: PersistDir, segments: readonly CatalogSegment[]): ReadonlyMap<SegmentId, IndexReading> {
  const vector = segments.filter(({ kind }) => kind === 'vector');
  return new Map(
    vector.map(({ id }) => {
      const path = join(dir.path, id);
      return [id, { metadata: readIndexMetadata(path), hnsw: readHnswHeader(path) }];
    }),
  );
}

function readSegment(
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
