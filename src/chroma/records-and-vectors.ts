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

/** What the two sides of a collection do not have in common. */
export interface Mismatch {
  /** Ids of records that have a vector neither in the index nor in the queue. */
  readonly withoutVector: readonly string[];
  /** Ids that the index holds, that are no records, and of which no row of the queue that is not saved yet tells. */
  readonly withoutRecord: readonly string[];
}

export interface Comparison<Source extends RecordSource> {
  readonly source: Source;
  /** Null where the index could not be read whole: it is being written to. */
  readonly mismatch: Mismatch | null;
}

/** Ids that are held in memory at once, about 100 bytes each, before an index is asked for them. */
const IDS_AT_ONCE = 500_000;

/**
 * Compares collections: each index once, and again only where something is missing; the queue once for all of them, and
 * not at all where nothing is. Holds in memory the ids that do not match, and `idsAtOnce` of those to be asked for.
 */
export function compareRecords<Source extends RecordSource>(
  db: Database,
  sources: readonly Source[],
  idsAtOnce = IDS_AT_ONCE,
): readonly Comparison<Source>[] {
  const compared = sources.map((source) => ({ source, suspects: suspectsOf(db, source, idsAtOnce) }));
  traceSuspects(db, compared);
  return compared.map(({ source, suspects }) => ({
    source,
    mismatch: suspects && {
      withoutVector: [...suspects.lacking].filter(([, trace]) => !trace.isPresent).map(([id]) => id),
      withoutRecord: [...suspects.strangers].filter(([, { last }]) => last <= source.saved).map(([id]) => id),
    },
  }));
}

/** What the queue tells of one id. */
interface Trace {
  /** The last row that tells of it, 0 for none. */
  readonly last: bigint;
  /** True where its last ADD, UPSERT or DELETE left it there with a vector. An UPDATE changes nothing about that. */
  readonly isPresent: boolean;
}

/** Ids that do not match, with what the queue tells of each: nothing, before it is asked. */
interface Suspects {
  /** Records that the index does not hold. */
  readonly lacking: Map<string, Trace>;
  /** What the index holds and is no record. */
  readonly strangers: Map<string, Trace>;
}

const UNTOLD: Trace = { last: 0n, isPresent: false };

function suspectsOf(db: Database, { metadataSegment, indexDir }: RecordSource, idsAtOnce: number): Suspects | null {
  const hasRecord = db.prepare<[string, string], bigint>(HAS_RECORD).pluck();
  const strangers = new Map<string, Trace>();
  const lacking = new Map<string, Trace>();
  let matched = 0n;
  if (indexDir !== null) {
    const reading = visitIndexedIds(indexDir, (id) => {
      if (hasRecord.get(metadataSegment, id) === undefined) strangers.set(id, UNTOLD);
      else matched += 1n;
    });
    if (reading.kind !== 'read') return null;
  }
  // As many records as vectors that have one: then each has one.
  if (db.prepare<[string], bigint>(RECORD_COUNT).pluck().get(metadataSegment) === matched)
    return { lacking, strangers };
  for (const ids of idsInParts(db, metadataSegment, idsAtOnce)) {
    for (const id of indexDir === null ? ids : idsNotIndexed(indexDir, ids)) lacking.set(id, UNTOLD);
  }
  return { lacking, strangers };
}

function* idsInParts(db: Database, metadataSegment: SegmentId, atOnce: number): Iterable<ReadonlySet<string>> {
  let ids = new Set<string>();
  for (const id of db.prepare<[string], string>(RECORDS).pluck().iterate(metadataSegment)) {
    ids.add(id);
    if (ids.size < atOnce) continue;
    yield ids;
    ids = new Set();
  }
  yield ids;
}

interface Suspected {
  readonly source: RecordSource;
  readonly suspects: Suspects | null;
}

/** Reads the queue, in the order of seq_id, and notes what it tells of the suspects. */
function traceSuspects(db: Database, compared: readonly Suspected[]): void {
  const byTopic = new Map<Topic, Suspects[]>();
  for (const { source, suspects } of compared) {
    if (suspects === null || suspects.lacking.size + suspects.strangers.size === 0) continue;
    for (const topic of source.topics) byTopic.set(topic, [...(byTopic.get(topic) ?? []), suspects]);
  }
  if (byTopic.size === 0) return;
  const rows = db.prepare<[], Queued>(QUEUED).raw().iterate() as Iterable<Queued>;
  for (const [last, topic, id, operation, hasVector] of rows) {
    for (const { lacking, strangers } of byTopic.get(topic) ?? []) {
      const traces = lacking.has(id) ? lacking : strangers;
      const before = traces.get(id);
      if (before === undefined) continue;
      traces.set(id, { last, isPresent: isPresentAfter(before.isPresent, operation, hasVector === 1n) });
    }
  }
}

function isPresentAfter(before: boolean, operation: number | null, hasVector: boolean): boolean {
  if (operation === DELETE) return false;
  return before || ((operation === ADD || operation === UPSERT) && hasVector);
}
