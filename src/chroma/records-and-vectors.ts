/**
 * Does every record have a vector, and every vector a record? Records are rows of `embeddings`; vectors are in the index
 * or still in the queue, from which Chroma brings those above the index's position into it at its next start.
 */
import type { Database } from '../sqlite/open.ts';
import { idsNotIndexed, visitIndexedIds } from './index-metadata.ts';
import type { SegmentId, Topic } from './model.ts';

const HAS_RECORD = 'SELECT 1 FROM embeddings WHERE segment_id = ? AND embedding_id = ?';
const RECORDS = 'SELECT embedding_id FROM embeddings WHERE segment_id = ?';
const RECORD_COUNT = 'SELECT COUNT(*) FROM embeddings WHERE segment_id = ?';
const QUEUED = `
  SELECT seq_id, topic, id, CAST(operation AS REAL), vector IS NOT NULL FROM embeddings_queue ORDER BY seq_id`;

type Queued = readonly [seq: bigint, topic: Topic, id: string, operation: number | null, hasVector: bigint];

/** Operations as the queue stores them (chromadb/types.py `Operation`, all versions). */
const [ADD, UPSERT, DELETE] = [0, 2, 3];

/** One collection, as its two segments and the queue have it. */
export interface RecordSource {
  readonly metadataSegment: SegmentId;
  /** Directory of its vector segment; null where the index was never saved, or cannot be read. */
  readonly indexDir: string | null;
  readonly topics: readonly Topic[];
  /** The rows of the queue up to here are in the index and in the metadata. 0 for none. */
  readonly saved: bigint;
}

export interface Mismatch<Source extends RecordSource> {
  readonly source: Source;
  /** Ids of records that have a vector neither in the index nor in the queue. */
  readonly withoutVector: readonly string[];
  /** Ids that the index holds, that are no records, and of which no row of the queue that is not saved yet tells. */
  readonly withoutRecord: readonly string[];
}

/**
 * Compares collections: each index once, and again only where something is missing; the queue once for all of them, and
 * not at all where nothing is. Holds in memory the ids that do not match.
 */
export function compareRecords<Source extends RecordSource>(
  db: Database,
  sources: readonly Source[],
): readonly Mismatch<Source>[] {
  const suspects = sources.map((source) => ({ source, ...suspectsOf(db, source) }));
  const traces = tracesOf(db, suspects);
  return suspects.map(({ source, lacking, strangers }) => {
    const traceOf = (id: string): Trace | undefined =>
      source.topics.map((topic) => traces.get(topic)?.get(id)).find((trace) => trace !== undefined);
    return {
      source,
      withoutVector: [...lacking].filter((id) => traceOf(id)?.isPresent !== true),
      withoutRecord: [...strangers].filter((id) => (traceOf(id)?.last ?? 0n) <= source.saved),
    };
  });
}

/** Ids that do not match, before the queue was asked. */
interface Suspects {
  /** Records that the index does not hold. */
  readonly lacking: ReadonlySet<string>;
  /** What the index holds and is no record. */
  readonly strangers: ReadonlySet<string>;
}

function suspectsOf(db: Database, { metadataSegment, indexDir }: RecordSource): Suspects {
  const hasRecord = db.prepare<[string, string], bigint>(HAS_RECORD).pluck();
  const strangers = new Set<string>();
  let matched = 0n;
  if (indexDir !== null) {
    visitIndexedIds(indexDir, (id) => {
      if (hasRecord.get(metadataSegment, id) === undefined) strangers.add(id);
      else matched += 1n;
    });
  }
  // As many records as vectors that have one: then each has one.
  if (db.prepare<[string], bigint>(RECORD_COUNT).pluck().get(metadataSegment) === matched) {
    return { lacking: new Set(), strangers };
  }
  const records = new Set(db.prepare<[string], string>(RECORDS).pluck().iterate(metadataSegment));
  return { lacking: indexDir === null ? records : idsNotIndexed(indexDir, records), strangers };
}

/** What the queue tells of one id. */
interface Trace {
  readonly last: bigint;
  /** True where its last ADD, UPSERT or DELETE left it there with a vector. An UPDATE changes nothing about that. */
  readonly isPresent: boolean;
}

type Traces = ReadonlyMap<Topic, ReadonlyMap<string, Trace>>;

function tracesOf(db: Database, suspects: readonly (Suspects & { readonly source: RecordSource })[]): Traces {
  const asked = suspects.filter(({ lacking, strangers }) => lacking.size + strangers.size > 0);
  const byTopic = new Map(asked.flatMap((each) => each.source.topics.map((topic) => [topic, each] as const)));
  const traces = new Map<Topic, Map<string, Trace>>([...byTopic.keys()].map((topic) => [topic, new Map()]));
  if (byTopic.size === 0) return traces;
  for (const row of db.prepare<[], Queued>(QUEUED).raw().iterate() as Iterable<Queued>) {
    const [last, topic, id, operation, hasVector] = row;
    const suspect = byTopic.get(topic);
    if (suspect === undefined || !(suspect.lacking.has(id) || suspect.strangers.has(id))) continue;
    const before = traces.get(topic)?.get(id)?.isPresent ?? false;
    traces.get(topic)?.set(id, { last, isPresent: isPresentAfter(before, operation, hasVector === 1n) });
  }
  return traces;
}

function isPresentAfter(before: boolean, operation: number | null, hasVector: boolean): boolean {
  if (operation === DELETE) return false;
  return before || ((operation === ADD || operation === UPSERT) && hasVector);
}
