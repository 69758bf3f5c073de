/**
 * Every text that the tables of a persist directory hold, but for the queue, and whether somebody still owns it.
 */
import type { Database } from '../sqlite/open.ts';
import type { SegmentId } from './model.ts';

export type TextHolder =
  /** A record of a live segment, or the catalogue. */
  | 'live'
  /** A record of a segment that does not exist any more, or nothing at all. */
  | 'left-behind'
  /** The full-text table, which has another text for the record than its document, or no such record. */
  | 'full-text';

export interface StoredText {
  readonly text: string;
  readonly holder: TextHolder;
}

/** What the rows of a statement belong to: a segment, a collection, or the document that they repeat. */
interface Source {
  readonly table: string;
  readonly sql: string;
  /** Null for a text of which nothing is to be said. */
  readonly holderOf: (owner: Owner, live: ReadonlySet<SegmentId>) => TextHolder | null;
}

type Owner = string | bigint | null;

const bySegment: Source['holderOf'] = (owner, live) =>
  typeof owner === 'string' && live.has(owner) ? 'live' : 'left-behind';
const byCollection: Source['holderOf'] = (owner) => (owner === null ? 'left-behind' : 'live');
/** An id is nothing that is sought, but where it lives it explains what is found. */
const byLiveSegment: Source['holderOf'] = (owner, live) => (bySegment(owner, live) === 'live' ? 'live' : null);
const byDocument: Source['holderOf'] = (isSame) => (isSame === 1n ? 'live' : 'full-text');

/** NOT INDEXED: the index over the strings would be read as well, and in the order of the texts. */
const SOURCES: readonly Source[] = [
  {
    table: 'embedding_metadata',
    sql: `SELECT e.segment_id, t.string_value FROM embedding_metadata AS t NOT INDEXED
      LEFT JOIN embeddings AS e ON e.id = t.id WHERE t.string_value IS NOT NULL`,
    holderOf: bySegment,
  },
  {
    table: 'embedding_metadata_array',
    sql: `SELECT e.segment_id, t.string_value FROM embedding_metadata_array AS t NOT INDEXED
      LEFT JOIN embeddings AS e ON e.id = t.id WHERE t.string_value IS NOT NULL`,
    holderOf: bySegment,
  },
  {
    table: 'embeddings',
    sql: 'SELECT segment_id, embedding_id FROM embeddings NOT INDEXED',
    holderOf: byLiveSegment,
  },
  {
    table: 'segment_metadata',
    sql: 'SELECT segment_id, str_value FROM segment_metadata WHERE str_value IS NOT NULL',
    holderOf: bySegment,
  },
  {
    table: 'collection_metadata',
    sql: `SELECT c.id, t.str_value FROM collection_metadata AS t
      LEFT JOIN collections AS c ON c.id = t.collection_id WHERE t.str_value IS NOT NULL`,
    holderOf: byCollection,
  },
  // Up to 0.4.5 (see full-text.ts).
  {
    table: 'embedding_fulltext_content',
    sql: `SELECT d.string_value IS c.c1, c.c1 FROM embedding_fulltext_content AS c
      LEFT JOIN embedding_metadata AS d ON d.id = c.c0 AND d.key = 'chroma:document' WHERE c.c1 IS NOT NULL`,
    holderOf: byDocument,
  },
  // `substr` to `length`: a text may end where NUL stands in the document (documents.ts, `copyDocuments`).
  {
    table: 'embedding_fulltext_search_content',
    sql: `SELECT c.c0 IN (d.string_value, substr(d.string_value, 1, length(d.string_value))), c.c0
      FROM embedding_fulltext_search_content AS c
      LEFT JOIN embedding_metadata AS d ON d.id = c.id AND d.key = 'chroma:document' WHERE c.c0 IS NOT NULL`,
    holderOf: byDocument,
  },
];

const TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table'";

/** Every text, one at a time. `live` are the segments that exist. */
export function* eachStoredText(db: Database, live: ReadonlySet<SegmentId>): Generator<StoredText> {
  const tables = new Set(db.prepare<[], string>(TABLES).pluck().all());
  for (const { sql, holderOf } of SOURCES.filter(({ table }) => tables.has(table))) {
    const rows = db.prepare<[], readonly [Owner, string | Buffer | bigint]>(sql).raw();
    for (const [owner, text] of rows.iterate() as Iterable<readonly [Owner, unknown]>) {
      const holder = holderOf(owner, live);
      if (typeof text === 'string' && holder !== null) yield { text, holder };
    }
  }
}
