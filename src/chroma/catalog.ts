/**
 * Collections and their segments, over all tenants and databases. Maintenance that looks at the default database alone
 * leaves every other one's log for ever (`chroma vacuum`, 1.5.9 rust/cli/src/commands/vacuum.rs).
 */
import { MaintError } from '../errors.ts';
import type { Database } from '../sqlite/open.ts';
import { counted } from '../units.ts';
import type { CollectionId, Schema, SegmentId, SegmentKind, Topic } from './model.ts';

export interface CatalogCollection {
  readonly id: CollectionId;
  readonly name: string;
  readonly tenant: string | null;
  readonly database: string | null;
  /** `collections.topic`, up to 0.4.24. */
  readonly topic: Topic | null;
}

export interface CatalogSegment {
  readonly id: SegmentId;
  readonly type: string;
  readonly kind: SegmentKind;
  readonly collection: CollectionId | null;
  /** `segments.topic`, up to 0.4.24. */
  readonly topic: Topic | null;
}

export interface Catalog {
  readonly collections: readonly CatalogCollection[];
  readonly segments: readonly CatalogSegment[];
}

/** What every collection belonged to before tenants existed (0.4.15), and where the upgrade puts it. */
export const DEFAULT_TENANT = 'default_tenant';
export const DEFAULT_DATABASE = 'default_database';

const COLLECTIONS_A = `
  SELECT id, name, topic, '${DEFAULT_TENANT}' AS tenant, '${DEFAULT_DATABASE}' AS database
  FROM collections ORDER BY name, id`;
const COLLECTIONS_B = `
  SELECT c.id, c.name, c.topic, d.tenant_id AS tenant, d.name AS database
  FROM collections AS c LEFT JOIN databases AS d ON d.id = c.database_id ORDER BY d.tenant_id, d.name, c.name, c.id`;
const COLLECTIONS_C = `
  SELECT c.id, c.name, NULL AS topic, d.tenant_id AS tenant, d.name AS database
  FROM collections AS c LEFT JOIN databases AS d ON d.id = c.database_id ORDER BY d.tenant_id, d.name, c.name, c.id`;
const SEGMENTS_B = 'SELECT id, type, collection, topic FROM segments ORDER BY id';
const SEGMENTS_C = 'SELECT id, type, collection, NULL AS topic FROM segments ORDER BY id';
const RECORDS = 'SELECT segment_id, COUNT(*) AS records FROM embeddings GROUP BY segment_id';

const KINDS: ReadonlyMap<string, SegmentKind> = new Map([
  ['urn:chroma:segment/metadata/sqlite', 'metadata'],
  ['urn:chroma:segment/vector/hnsw-local-persisted', 'vector'],
]);

/**
 * Reads all collections and all segments, those of deleted collections included. Two statements. Throws CORRUPT where one
 * of them has no id: whose the rest is cannot be told then.
 */
export function readCatalog(db: Database, { versions }: Schema): Catalog {
  const hasTopics = versions.sysdb < 5;
  const sql = versions.sysdb < 4 ? COLLECTIONS_A : hasTopics ? COLLECTIONS_B : COLLECTIONS_C;
  const segments = db.prepare<[], Omit<CatalogSegment, 'kind'>>(hasTopics ? SEGMENTS_B : SEGMENTS_C).all();
  const collections = db.prepare<[], CatalogCollection>(sql).all();
  verifyIds('collection', collections);
  verifyIds('segment', segments);
  return {
    collections,
    segments: segments.map((segment) => ({ ...segment, kind: KINDS.get(segment.type) ?? 'unknown' })),
  };
}

/** TEXT PRIMARY KEY lets SQLite store NULL and BLOBs as well. */
function verifyIds(what: string, rows: readonly { readonly id: unknown }[]): void {
  const stray = rows.filter(({ id }) => typeof id !== 'string').length;
  if (stray === 0) return;
  throw new MaintError('CORRUPT', {
    message: `the catalogue has ${counted(stray, what)} without an id of text`,
    details: ['Chroma never writes such a row'],
    hint: 'restore a backup from before somebody changed the table',
  });
}

/** Records of each metadata segment, from the index over `embeddings` alone. */
export function readRecordCounts(db: Database): ReadonlyMap<SegmentId, number> {
  const rows = db.prepare<[], { segment_id: string; records: bigint }>(RECORDS).all();
  return new Map(rows.map(({ segment_id, records }) => [segment_id, Number(records)]));
}

/** The segments of each collection. Up to 0.4.24 a segment may name the collection, the topic, or both. */
export function segmentsByCollection({
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

/** The segments that belong to a collection: everything of theirs is live, whatever database it was in. */
export function liveSegments(catalog: Catalog): ReadonlySet<SegmentId> {
  return new Set([...segmentsByCollection(catalog).values()].flat().map(({ id }) => id));
}
