/**
 * Whether the document of a queue row is still that of its record. The tables of the metadata segment say so for the
 * rows that it has; what lies above its position is told from the queue itself.
 */
import type { Database } from '../sqlite/open.ts';
import type { SegmentId } from './model.ts';
import { DOCUMENT_KEY, membersOf, stringOf } from './queue-metadata.ts';
import { eachRow, EVERY_ROW, OPERATIONS, type QueueRow } from './queue-rows.ts';

/** Where the records of a row's collection are; null for a row of no collection. */
export interface RecordPlace {
  readonly metadataSegment: SegmentId;
  /** Rows above are not in the tables yet. */
  readonly position: bigint;
}

export type PlaceOf = (topic: string | null) => RecordPlace | null;

/** Returns whether a row's document is one that a record has, or will have once Chroma has read the rest of the queue. */
export type IsLiveDocument = (row: Pick<QueueRow, 'topic' | 'id' | 'seqId'>, document: string) => boolean;

const DOCUMENT = `
  SELECT d.string_value FROM embeddings AS e
  JOIN embedding_metadata AS d ON d.id = e.id AND d.key = 'chroma:document'
  WHERE e.segment_id = ? AND e.embedding_id = ?`;

/** The document of a queue row; null where it has none. */
export function documentOf({ metadata }: Pick<QueueRow, 'metadata'>): string | null {
  // By far most rows that have none are told without taking their JSON apart.
  if (metadata === null || !metadata.includes(DOCUMENT_KEY)) return null;
  const member = membersOf(metadata)?.findLast(({ key }) => key === DOCUMENT_KEY);
  return member === undefined ? null : stringOf(member.value);
}

/**
 * Reads what the tables do not have yet, and returns the question. A row above the position counts as live unless a
 * later one deletes its record: Chroma may ignore it, and a text that lives must not be taken for a deleted one.
 */
export function liveDocuments(db: Database, placeOf: PlaceOf): IsLiveDocument {
  const deletions = lastDeletions(db, placeOf);
  const stored = db.prepare<[string, string], string | null>(DOCUMENT).pluck();
  return ({ topic, id, seqId }, document) => {
    const place = placeOf(topic);
    if (place === null || topic === null || id === null) return false;
    const deletedAt = deletions.get(keyOf(topic, id));
    if (seqId > place.position) return deletedAt === undefined || seqId > deletedAt;
    return deletedAt === undefined && stored.get(place.metadataSegment, id) === document;
  };
}

/** The last row above the position that deletes each record. There are few: Chroma reads a row as it writes it. */
function lastDeletions(db: Database, placeOf: PlaceOf): ReadonlyMap<string, bigint> {
  const last = new Map<string, bigint>();
  const filter = { ...EVERY_ROW, operation: OPERATIONS.indexOf('delete') };
  for (const { topic, id, seqId } of eachRow(db, 'oldest-first', filter)) {
    const place = placeOf(topic);
    if (place === null || topic === null || id === null || seqId <= place.position) continue;
    last.set(keyOf(topic, id), seqId);
  }
  return last;
}

function keyOf(topic: string, id: string): string {
  return JSON.stringify([topic, id]);
}
