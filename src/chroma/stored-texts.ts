/**
 * Every text that the tables of a persist directory hold, but for the queue, and whether somebody still owns it.
 */
import { quoted } from '../sqlite/copy.ts';
import type { Database } from '../sqlite/open.ts';
import { QUEUE } from './embeddings-queue.ts';
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
  /** The key that it is the value of; null for a name, an id, a key, a setting. */
  readonly key: string | null;
  readonly holder: TextHolder;
  readonly table: string;
}

/** What the rows of a statement belong to: a segment, a collection, or the document that they repeat. */
interface Source {
  readonly table: string;
  readonly column: string;
  /** Owner, key and text of every row. */
  readonly sql: string;
  readonly holderOf: (owner: Owner, live: ReadonlySet<SegmentId>) => TextHolder;
}

type Owner = string | bigint | null;

const bySegment: Source['holderOf'] = (owner, live) =>
  typeof owner === 'string' && live.has(owner) ? 'live' : 'left-behind';
const byCollection: Source['holderOf'] = (owner) => (owner === null ? 'left-behind' : 'live');
const byDocument: Source['holderOf'] = (isSame) => (isSame === 1n ? 'live' : 'full-text');

/** NOT INDEXED: the index over the strings would be read as well, and in the order of the texts. */
const SOURCES: readonly Source[] = [
  {
    table: 'embedding_metadata',
    column: 'string_value',
    sql: `SELECT e.segment_id, t.key, t.string_value FROM embedding_metadata AS t NOT INDEXED
      LEFT JOIN embeddings AS e ON e.id = t.id WHERE t.string_value IS NOT NULL`,
    holderOf: bySegment,
  },
  {
    table: 'embedding_metadata_array',
    column: 'string_value',
    sql: `SELECT e.segment_id, t.key, t.string_value FROM embedding_metadata_array AS t NOT INDEXED
      LEFT JOIN embeddings AS e ON e.id = t.id WHERE t.string_value IS NOT NULL`,
    holderOf: bySegment,
  },
  {
    table: 'embeddings',
    column: 'embedding_id',
    sql: 'SELECT segment_id, NULL, embedding_id FROM embeddings NOT INDEXED',
    holderOf: bySegment,
  },
  {
    table: 'segment_metadata',
    column: 'str_value',
    sql: 'SELECT segment_id, key, str_value FROM segment_metadata WHERE str_value IS NOT NULL',
    holderOf: bySegment,
  },
  {
    table: 'collection_metadata',
    column: 'str_value',
    sql: `SELECT c.id, t.key, t.str_value FROM collection_metadata AS t
      LEFT JOIN collections AS c ON c.id = t.collection_id WHERE t.str_value IS NOT NULL`,
    holderOf: byCollection,
  },
  // Up to 0.4.5 (see full-text.ts).
  {
    table: 'embedding_fulltext_content',
    column: 'c1',
    sql: `SELECT d.string_value IS c.c1, 'chroma:document', c.c1 FROM embedding_fulltext_content AS c
      LEFT JOIN embedding_metadata AS d ON d.id = c.c0 AND d.key = 'chroma:document' WHERE c.c1 IS NOT NULL`,
    holderOf: byDocument,
  },
  // `substr` to `length`: a text may end where NUL stands in the document (documents.ts, `copyDocuments`).
  {
    table: 'embedding_fulltext_search_content',
    column: 'c0',
    sql: `SELECT c.c0 IN (d.string_value, substr(d.string_value, 1, length(d.string_value))), 'chroma:document', c.c0
      FROM embedding_fulltext_search_content AS c
      LEFT JOIN embedding_metadata AS d ON d.id = c.id AND d.key = 'chroma:document' WHERE c.c0 IS NOT NULL`,
    holderOf: byDocument,
  },
];

const TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table'";

/** Columns of ordinary tables; those of the full-text table and of SQLite itself are none. */
const COLUMNS = `
  SELECT t.name AS "table", c.name AS "column" FROM pragma_table_list AS t JOIN pragma_table_info(t.name) AS c
  WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`;

/** Every text, one at a time; those of the columns that no record is in each once. `live` are the segments that exist. */
export function* eachStoredText(db: Database, live: ReadonlySet<SegmentId>): Generator<StoredText> {
  const tables = new Set(db.prepare<[], string>(TABLES).pluck().all());
  for (const { table, sql, holderOf } of SOURCES.filter((each) => tables.has(each.table))) {
    const rows = db.prepare<[], StoredRow>(sql).raw();
    for (const [owner, key, text] of rows.iterate() as Iterable<StoredRow>) {
      if (typeof text === 'string')
        yield { text, key: typeof key === 'string' ? key : null, holder: holderOf(owner, live), table };
    }
  }
  for (const { table, column } of otherColumns(db)) {
    const texts = db.prepare<[], string>(
      `SELECT DISTINCT ${quoted(column)} FROM ${quoted(table)} WHERE typeof(${quoted(column)}) = 'text'`,
    );
    for (const text of texts.pluck().iterate()) yield { text, key: null, holder: 'live', table };
  }
}

type StoredRow = readonly [owner: Owner, key: unknown, text: unknown];

/** What no source reads: names, keys, settings, and whatever tables somebody else has put there. */
function otherColumns(db: Database): readonly { readonly table: string; readonly column: string }[] {
  return db
    .prepare<[], { table: string; column: string }>(COLUMNS)
    .all()
    .filter(
      ({ table, column }) => table !== QUEUE && !SOURCES.some((each) => each.table === table && each.column === column),
    );
}
