/**
 * The texts in the metadata of a queue row, and which of them its record still has. The tables of the metadata segment
 * say so for the rows that it has; what lies above its position is told from the queue itself.
 */
import type { Database } from '../sqlite/open.ts';
import type { SegmentId } from './model.ts';
import { membersOf, stringOf } from './queue-metadata.ts';
import { eachRow, EVERY_ROW, OPERATIONS, type QueueRow } from './queue-rows.ts';

/** Where the records of a row's collection are; null for a row of no collection. */
export interface RecordPlace {
  readonly metadataSegment: SegmentId;
  /** Rows above are not in the tables yet. */
  readonly position: bigint;
}

export type PlaceOf = (topic: string | null) => RecordPlace | null;

/** A string in the metadata of a row: the document, another value, or one of a list. */
export interface RowText {
  readonly key: string;
  readonly text: string;
  /** True where the record has it, or will have it once Chroma has read the rest of the queue. */
  readonly isLive: boolean;
}

type TextRow = Pick<QueueRow, 'topic' | 'id' | 'seqId' | 'metadata'>;

/** Returns the texts of a row, in the order in which they were written. */
export type TextsOf = (row: TextRow) => readonly RowText[];

const STORED = `
  SELECT m.key, m.string_value FROM embeddings AS e JOIN embedding_metadata AS m ON m.id = e.id
  WHERE e.segment_id = @segment AND e.embedding_id = @id AND m.string_value IS NOT NULL`;
const STORED_IN_LISTS = `
  SELECT m.key, m.string_value FROM embeddings AS e JOIN embedding_metadata_array AS m ON m.id = e.id
  WHERE e.segment_id = @segment AND e.embedding_id = @id AND m.string_value IS NOT NULL`;
const HAS_LISTS = "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = 'embedding_metadata_array'";

/**
 * Reads what the tables do not have yet, and returns the question. A text in a row above the position counts as live
 * unless a later row deletes its record: Chroma may ignore it, and a text that lives must not be taken for a deleted one.
 */
export function rowTexts(db: Database, placeOf: PlaceOf): TextsOf {
  const deletions = lastDeletions(db, placeOf);
  const storedIn = storedTexts(db);
  const livingIn = ({ topic, id, seqId }: TextRow): ((key: string, text: string) => boolean) => {
    const place = placeOf(topic);
    if (place === null || topic === null || id === null) return () => false;
    const deletedAt = deletions.get(keyOf(topic, id));
    if (seqId > place.position) return () => deletedAt === undefined || seqId > deletedAt;
    if (deletedAt !== undefined) return () => false;
    const stored = storedIn(place.metadataSegment, id);
    return (key, text) => stored.some((each) => each.key === key && each.string_value === text);
  };
  return (row) => {
    const texts = textsIn(row.metadata);
    if (texts.length === 0) return [];
    const isLiving = livingIn(row);
    return texts.map(({ key, text }) => ({ key, text, isLive: isLiving(key, text) }));
  };
}

/** The strings of a row's metadata; none where it is no JSON object. */
export function textsIn(metadata: string | null): readonly Pick<RowText, 'key' | 'text'>[] {
  const members = metadata === null ? null : membersOf(metadata);
  return (members ?? []).flatMap(({ key, value }) => stringsOf(value).map((text) => ({ key, text })));
}

function stringsOf(value: string): readonly string[] {
  if (value.startsWith('[')) return stringsOfList(value);
  const text = value.startsWith('"') ? stringOf(value) : null;
  return text === null ? [] : [text];
}

/** Lists of strings, as 1.5.0 and later take them. */
function stringsOfList(value: string): readonly string[] {
  try {
    const list: unknown = JSON.parse(value);
    return Array.isArray(list) ? list.filter((each) => typeof each === 'string') : [];
  } catch {
    return [];
  }
}

interface StoredText {
  readonly key: string;
  readonly string_value: string;
}

function storedTexts(db: Database): (segment: SegmentId, id: string) => readonly StoredText[] {
  const hasLists = db.prepare<[], bigint>(HAS_LISTS).pluck().get() === 1n;
  const stored = db.prepare<[object], StoredText>(hasLists ? `${STORED} UNION ALL ${STORED_IN_LISTS}` : STORED);
  return (segment, id) => stored.all({ segment, id });
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
