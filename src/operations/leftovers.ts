/**
 * What deleted collections and databases left behind: directories, rows, topics. Facts only; what becomes of them is
 * decided in clean/.
 */
import { liveSegments, segmentsByCollection, type Catalog, type CatalogSegment } from '../chroma/catalog.ts';
import { countLeftovers, type TableLeftovers } from '../chroma/leftovers.ts';
import type { SegmentId, TopicUsage } from '../chroma/model.ts';
import { listSegmentDirs, type SegmentDir } from '../chroma/segment-dirs.ts';
import { collectionIdOf } from '../chroma/topic.ts';
import type { Database } from '../sqlite/open.ts';
import { readTableBytes } from '../sqlite/pages.ts';
import { shortName } from './names.ts';
import type { Reading } from './reading.ts';

export interface Leftovers {
  /** Why the catalogue cannot be trusted to say what is live, null where it can. */
  readonly doubt: Doubt | null;
  /** The segments that belong to a collection. */
  readonly live: ReadonlySet<SegmentId>;
  readonly directories: readonly LeftoverDirectory[];
  readonly tables: readonly LeftoverTable[];
  /** Not the one of which nothing is left but the last row of the whole queue: that row has to stay. */
  readonly topics: readonly TopicUsage[];
}

export type Doubt =
  /** No collection at all: every one was deleted, or the catalogue is damaged. */
  | { readonly kind: 'empty-catalog' }
  /** Whose the rows and directories of unknown segments are cannot be told then. */
  | { readonly kind: 'collection-without-segments'; readonly collection: string };

export interface LeftoverDirectory extends SegmentDir {
  readonly because: string;
}

export interface LeftoverTable extends TableLeftovers {
  /** Estimated bytes of those rows: their share of the pages of the table and its indexes. */
  readonly bytes: number;
}

/** Reads what is left behind in the directory of `reading`. Writes nothing. */
export function readLeftovers(db: Database, reading: Reading): Leftovers {
  const { catalog, dir } = reading;
  const live = liveSegments(catalog);
  const found = {
    live,
    directories: leftoverDirectories(listSegmentDirs(dir.path), catalog, live),
    tables: leftoverTables(db, countLeftovers(db, live)),
    topics: leftoverTopics(reading),
  };
  return { ...found, doubt: doubtOf(reading, found) };
}

/** The directories of no live segment. */
export function leftoverDirectories(
  directories: readonly SegmentDir[],
  { collections, segments }: Catalog,
  live: ReadonlySet<SegmentId>,
): readonly LeftoverDirectory[] {
  const known = new Set(segments.map(({ id }) => id));
  // Chroma never names a directory after a collection. Whoever did may have meant something by it.
  const names = new Set(collections.map(({ id }) => id));
  return directories
    .filter(({ id }) => !live.has(id) && !names.has(id))
    .map((each) => ({
      ...each,
      because: known.has(each.id) ? 'collection gone' : 'of no segment',
    }));
}

/**
 * The topics of no collection. Up to 0.4.24 the stored topic decides where Chroma reads, but rows under another prefix
 * that end in a collection's id are read by 0.5.0 and later: they are nobody's to delete.
 */
function leftoverTopics({ catalog, orphanTopics, lastSeqId }: Reading): readonly TopicUsage[] {
  const ids = new Set(catalog.collections.map(({ id }) => id));
  return orphanTopics.filter(
    ({ topic, rows, lastSeqId: last }) => !ids.has(collectionIdOf(topic)) && !(rows === 1 && last === lastSeqId),
  );
}

function leftoverTables(db: Database, counted: readonly TableLeftovers[]): readonly LeftoverTable[] {
  const measured = readTableBytes(db, (name) => counted.some((each) => isPart(each, name)));
  return counted.map((each) => {
    const all = [...measured].reduce((sum, [name, bytes]) => sum + (isPart(each, name) ? bytes : 0), 0);
    return { ...each, bytes: Math.round((all * each.rows) / each.of) };
  });
}

/** True for a table in which the rows of `leftovers` take space: FTS5 keeps its own in tables beside the one it shows. */
function isPart({ table, kind }: TableLeftovers, name: string): boolean {
  return name === table || (kind === 'full-text' && name.startsWith(`${table}_`));
}

function doubtOf({ catalog, collections }: Reading, found: Omit<Leftovers, 'doubt'>): Doubt | null {
  const hasLeftovers = found.directories.length + found.tables.length + found.topics.length > 0;
  if (!hasLeftovers) return null;
  if (catalog.collections.length === 0) return { kind: 'empty-catalog' };
  const segments = segmentsByCollection(catalog);
  const bare = collections.find(({ id }) => isBare(segments.get(id) ?? []));
  return bare === undefined ? null : { kind: 'collection-without-segments', collection: shortName(bare) };
}

/** True where a collection lacks one of the two segments that Chroma makes with it. Other types are none of ours. */
export function isBare(segments: readonly Pick<CatalogSegment, 'kind'>[]): boolean {
  const kinds = new Set(segments.map(({ kind }) => kind));
  return !kinds.has('unknown') && !(kinds.has('metadata') && kinds.has('vector'));
}
