/**
 * The documents: the strings of key `chroma:document` in `embedding_metadata`, of all records, those of deleted segments
 * included. Everything else that Chroma keeps of a document can be made from them.
 */
import { quoted } from '../sqlite/copy.ts';
import type { Database } from '../sqlite/open.ts';
import type { FullTextDeclaration } from './full-text.ts';
import type { SegmentId } from './model.ts';

/**
 * Each record `e` with its document `d`, in the order of the ids: NOT INDEXED keeps SQLite from walking them in the
 * order of their names, and LEFT JOIN from beginning with the index over every string of the metadata, which repeats
 * the texts (0.25 s instead of 1.1 s for 100,000 documents of 1 KB).
 */
export const RECORDS_WITH_DOCUMENTS = `
  embeddings AS e NOT INDEXED
  LEFT JOIN embedding_metadata AS d ON d.id = e.id AND d.key = 'chroma:document'`;

/** The same without the records that have none. CROSS JOIN, because SQLite does not turn that round. */
const DOCUMENTS = `
  embeddings AS e NOT INDEXED
  CROSS JOIN embedding_metadata AS d ON d.id = e.id AND d.key = 'chroma:document' AND d.string_value IS NOT NULL`;

const TOTALS = `
  SELECT COUNT(d.string_value) AS documents, IFNULL(SUM(octet_length(d.string_value)), 0) AS bytes
  FROM ${RECORDS_WITH_DOCUMENTS}`;
/** `length` and `substr` end at a NUL character, as LIKE does. */
export const UP_TO_NUL = 'substr(d.string_value, 1, length(d.string_value))';
const WITH_NUL = `SELECT COUNT(*) FROM ${DOCUMENTS} WHERE instr(d.string_value, char(0)) > 0`;
const IDS = `SELECT e.segment_id, e.id FROM ${DOCUMENTS}`;
const TEXTS = `SELECT d.string_value FROM ${DOCUMENTS}`;
const TEXT = "SELECT string_value FROM embedding_metadata WHERE id = ? AND key = 'chroma:document'";
const LAST_OF_BATCH = 'SELECT id FROM embeddings NOT INDEXED WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?';

export interface DocumentTotals {
  readonly documents: number;
  /** Bytes of their texts. */
  readonly bytes: number;
}

/** Counts the documents. Reads no text: `octet_length` finds its length in the header of the row. */
export function readDocumentTotals(db: Database): DocumentTotals {
  const row = db.prepare<[], { documents: bigint; bytes: bigint }>(TOTALS).get();
  return { documents: Number(row?.documents ?? 0n), bytes: Number(row?.bytes ?? 0n) };
}

/** Counts the documents with a NUL character in them. Reads every text. */
export function countDocumentsWithNul(db: Database): number {
  return Number(db.prepare<[], bigint>(WITH_NUL).pluck().get() ?? 0n);
}

/** Texts of all documents, one at a time. */
export function* eachDocument(db: Database): Generator<string> {
  for (const text of db.prepare<[]>(TEXTS).pluck().iterate()) if (typeof text === 'string') yield text;
}

/** The texts of the records `ids`. */
export function readDocuments(db: Database, ids: readonly bigint[]): readonly string[] {
  const text = db.prepare<[bigint]>(TEXT).pluck();
  return ids.map((id) => text.get(id)).filter((each) => typeof each === 'string');
}

const RECORDS_OF_A_BATCH = 10_000n;
const SMALLEST_ID = -(2n ** 63n);
const LARGEST_ID = 2n ** 63n - 1n;

/**
 * Writes every document into the full-text table, in the order of the ids. `onDocuments` is told how many there are so
 * far. In the caller's transaction.
 *
 * Into trigrams a document goes up to its first NUL character: SQLite 3.40 goes on behind it and 3.53 does
 * not, and a Chroma whose SQLite is another than that which made the index fails on deleting the document (tried with
 * 0.6.3: "database disk image is malformed", chroma#7388). Text that ends there is the same to all, and LIKE, by which
 * Chroma asks, does not look further either; only $regex of 1.x does.
 */
export function copyDocuments(
  db: Database,
  { table, record, hasTrigrams }: Pick<FullTextDeclaration, 'table' | 'record' | 'hasTrigrams'>,
  onDocuments: (documents: number) => void,
): void {
  const lastOfBatch = db.prepare<[bigint, bigint], bigint>(LAST_OF_BATCH).pluck();
  const copy = db.prepare<[bigint, bigint]>(
    `INSERT INTO ${quoted(table)} (${record}, string_value)
     SELECT e.id, ${hasTrigrams ? UP_TO_NUL : 'd.string_value'} FROM ${DOCUMENTS} WHERE e.id > ? AND e.id <= ? ORDER BY e.id`,
  );
  let copied = 0;
  let from: bigint | undefined = SMALLEST_ID;
  while (from !== undefined) {
    const to: bigint | undefined = lastOfBatch.get(from, RECORDS_OF_A_BATCH - 1n);
    copied += copy.run(from, to ?? LARGEST_ID).changes;
    onDocuments(copied);
    from = to;
  }
}

/** Ids that were met in one segment so far: every one of `stride`. */
interface Spread {
  readonly ids: readonly bigint[];
  readonly stride: number;
  readonly seen: number;
}

/**
 * Ids of up to `most` records with documents, as many of each segment as there are, and evenly spread over each. The
 * same from the same directory. One pass; memory does not grow with the number of documents.
 */
export function sampleDocuments(db: Database, most: number): readonly bigint[] {
  const spreads = new Map<SegmentId, Spread>();
  for (const [segment, id] of db.prepare<[], [string, bigint]>(IDS).raw().iterate()) {
    spreads.set(segment, spreadFurther(spreads.get(segment), id, most));
  }
  const segments = evenly([...spreads.values()], most);
  return segments.flatMap(({ ids }, at) => evenly(ids, shareOf(most, segments.length, at)));
}

function spreadFurther(spread: Spread | undefined, id: bigint, most: number): Spread {
  if (spread === undefined) return { ids: [id], stride: 1, seen: 1 };
  const { ids, stride, seen } = spread;
  if (seen % stride !== 0) return { ids, stride, seen: seen + 1 };
  if (ids.length < most) return { ids: [...ids, id], stride, seen: seen + 1 };
  return spreadFurther({ ids: ids.filter((_, at) => at % 2 === 0), stride: 2 * stride, seen }, id, most);
}

/** Of `total`, what falls to number `at` of `parts`. */
function shareOf(total: number, parts: number, at: number): number {
  return Math.floor((total * (at + 1)) / parts) - Math.floor((total * at) / parts);
}

/** Up to `most` of `all`, evenly spread. */
function evenly<T>(all: readonly T[], most: number): readonly T[] {
  if (all.length <= most) return all;
  return Array.from({ length: most }, (_, at) => all[Math.floor((at * all.length) / most)]).filter(
    (each) => each !== undefined,
  );
}
