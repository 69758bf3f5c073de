/**
 * Which rows of the queue somebody wants to see, and where they are.
 */
import { segmentsByCollection, readCatalog, type Catalog, type CatalogSegment } from '../../chroma/catalog.ts';
import type { CollectionId, Schema, Topic } from '../../chroma/model.ts';
import { OPERATIONS, type RowFilter } from '../../chroma/queue-rows.ts';
import type { Database } from '../../sqlite/open.ts';
import type { NamedCollection } from '../names.ts';
import { ownersByTopic, topicsOf } from '../positions.ts';
import { excludedBy, type Target } from '../target.ts';

/** What the operator asked for. */
export interface Wanted {
  /** Only rows of these collections, by name or id; empty means all rows, those of no collection included. */
  readonly collections: readonly string[];
  readonly operation: Operation | null;
  /** Only rows that were written at or after this time, or at or before it. To the second. */
  readonly since: Date | null;
  readonly until: Date | null;
  /** Only rows of the record with this id. */
  readonly id: string | null;
  readonly limit: number | null;
}

export type Operation = 'add' | 'update' | 'upsert' | 'delete';

/** The catalogue, as far as rows are told apart by it. */
export interface QueueCatalog {
  readonly catalog: Catalog;
  readonly segments: ReadonlyMap<CollectionId, readonly CatalogSegment[]>;
  /** The collection that the rows of a topic belong to; null where there is none, or more than one that claims it. */
  readonly ownerOf: (topic: Topic | null) => NamedCollection | null;
  /** True for a topic that several collections claim. */
  readonly isAmbiguous: (topic: Topic | null) => boolean;
}

/** Reads the catalogue. After the rows, or where they end: beside a server it would not know what they belong to else. */
export function readQueueCatalog(db: Database, schema: Schema): QueueCatalog {
  const catalog = readCatalog(db, schema);
  const segments = segmentsByCollection(catalog);
  const owners = ownersByTopic(catalog, segments);
  const known = new Map(catalog.collections.map((collection) => [collection.id, collection]));
  const ownersOf = (topic: Topic | null): readonly CollectionId[] => (topic === null ? [] : owners(topic));
  return {
    catalog,
    segments,
    ownerOf(topic) {
      const [owner, ...others] = ownersOf(topic);
      return owner === undefined || others.length > 0 ? null : (known.get(owner) ?? null);
    },
    isAmbiguous: (topic) => ownersOf(topic).length > 1,
  };
}

/** What the queue is asked for. Throws USAGE for a collection that there is not, or that there are several of. */
export function filterOf(
  wanted: Wanted & Pick<Target, 'path'>,
  { catalog, segments }: QueueCatalog,
  redact: boolean,
): RowFilter {
  const { path, collections: only, operation, since, until, id } = wanted;
  const excluded = excludedBy({ path, only, exclude: [], redact }, catalog.collections);
  const chosen = new Set(catalog.collections.map((each) => each.id).filter((each) => !excluded.has(each)));
  return {
    of: only.length === 0 ? null : topicsOf(chosen, catalog, segments),
    operation: operation === null ? null : OPERATIONS.indexOf(operation),
    since: since === null ? null : storedTime(since),
    until: until === null ? null : storedTime(until),
    id,
  };
}

/** A time as SQLite's CURRENT_TIMESTAMP writes it: UTC, to the second. */
function storedTime(time: Date): string {
  return time.toISOString().slice(0, 19).replace('T', ' ');
}
