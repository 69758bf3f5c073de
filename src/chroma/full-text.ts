/**
 * Chroma's full-text index: one FTS5 table, filled by Chroma beside `embedding_metadata`, from which it can be made anew.
 * Two generations:
 *
 * - up to 0.4.5 (metadb below 3) `embedding_fulltext(id, string_value)`: `id` is `embeddings.id`, the rowid means
 *   nothing. Chroma deletes `WHERE id = ?` and inserts (0.4.3 chromadb/segment/impl/metadata/sqlite.py:237-300), and
 *   leaves the row of a deleted record.
 * - from 0.4.6 on `embedding_fulltext_search(string_value)`: the rowid is `embeddings.id` (0.6.3 …/sqlite.py:389-417).
 *   The migration to it (metadb/3) fills it by the rowids of `embedding_metadata` instead, and with every string of the
 *   metadata: until then deleted and rewritten, those rows answer for other records.
 *
 * A document is the string of key `chroma:document`. Chroma writes a row with NULL where a document was taken away,
 * which answers no query and is no difference.
 */
import type { Database } from '../sqlite/open.ts';
import type { Schema } from './model.ts';

/** What the schema says of the full-text table. */
export type FullTextReading =
  /** `table` is the full-text table, or the one of FTS5's own tables behind it that is not there. */
  | { readonly kind: 'missing'; readonly table: string }
  /** Declared in another way than Chroma does: `expected` and `found` as in the schema, `fts5(…)`. */
  | { readonly kind: 'wrong-tokenizer'; readonly table: string; readonly expected: string; readonly found: string }
  | { readonly kind: 'sound'; readonly table: string };

/** What is different between the full-text table and the documents, in records. */
export interface FullTextDifferences {
  /** Documents that the table does not have. */
  readonly missing: number;
  /** Documents of which the table has another text. */
  readonly differing: number;
  /** Rows of the table whose record is there and has no document. */
  readonly surplus: number;
}

/** How Chroma declares the table in this generation, from the text of the migration that the database holds. */
export interface FullTextDeclaration {
  readonly table: string;
  /** The statement that creates it, as in Chroma's migration. */
  readonly sql: string;
}

/** metadb/3 replaced the table of metadb/1. */
const NEW_TABLE_SINCE = 3;

const MIGRATION = "SELECT sql FROM migrations WHERE dir = 'metadb' AND version = ?";
const OWN_TABLES: readonly string[] = ['data', 'idx', 'content', 'docsize', 'config'];
const DECLARED = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?";
const COLUMNS = 'SELECT name FROM pragma_table_info(?)';

/**
 * Each record with its document, in the order of the ids: NOT INDEXED keeps SQLite from walking them in the order of
 * their names, and LEFT JOIN from the index over every string of the metadata, which repeats the texts.
 */
const RECORDS = `
  embeddings AS e NOT INDEXED
  LEFT JOIN embedding_metadata AS d ON d.id = e.id AND d.key = 'chroma:document'`;
const DOCUMENTS = `SELECT COUNT(d.string_value) FROM ${RECORDS}`;

const DIFFERENCES = `
  SELECT
    COUNT(*) FILTER (WHERE d.string_value IS NOT NULL AND c.id IS NULL) AS missing,
    COUNT(*) FILTER (WHERE d.string_value IS NOT NULL AND c.id IS NOT NULL AND c.c0 IS NOT d.string_value) AS differing,
    COUNT(*) FILTER (WHERE d.string_value IS NULL AND c.c0 IS NOT NULL) AS surplus
  FROM ${RECORDS} LEFT JOIN embedding_fulltext_search_content AS c ON c.id = e.id`;
/** Nothing leads from a record to its rows, and nothing keeps it from having two: DISTINCT remembers the ids. */
const DIFFERENCES_BEFORE_0_4_6 = `
  SELECT
    (${DOCUMENTS}) - COUNT(DISTINCT c.c0) FILTER (WHERE d.string_value IS NOT NULL) AS missing,
    COUNT(DISTINCT c.c0) FILTER (WHERE d.string_value IS NOT NULL AND c.c1 IS NOT d.string_value) AS differing,
    COUNT(*) FILTER (WHERE d.string_value IS NULL AND c.c1 IS NOT NULL) AS surplus
  FROM embedding_fulltext_content AS c
  JOIN embeddings AS e ON e.id = c.c0
  LEFT JOIN embedding_metadata AS d ON d.id = e.id AND d.key = 'chroma:document'`;

/** How Chroma declares the full-text table of this generation. Reads Chroma's own migration, never a copy of it. */
export function readFullTextDeclaration(db: Database, { versions }: Schema): FullTextDeclaration {
  const isNew = versions.metadb >= NEW_TABLE_SINCE;
  const text = db
    .prepare<[number], string>(MIGRATION)
    .pluck()
    .get(isNew ? NEW_TABLE_SINCE : 1);
  const [sql, table] = /CREATE VIRTUAL TABLE (\w+) USING fts5\([^;]*\)/.exec(text ?? '') ?? [];
  // readSchema compared the text with the hashes of the released ones, which have the statement.
  if (sql === undefined || table === undefined) throw new Error('the migration declares no full-text table');
  return { table, sql };
}

/** What the schema says of the full-text table. Reads no row of it. */
export function readFullText(db: Database, schema: Schema): FullTextReading {
  const { table, sql } = readFullTextDeclaration(db, schema);
  const declared = db.prepare<[string], string>(DECLARED).pluck();
  const found = declared.get(table);
  if (found === undefined) return { kind: 'missing', table };
  if (normalised(sql) !== normalised(found)) {
    return { kind: 'wrong-tokenizer', table, expected: argumentsOf(sql), found: argumentsOf(found) };
  }
  const missing = OWN_TABLES.map((name) => `${table}_${name}`).find((name) => declared.get(name) === undefined);
  return missing === undefined ? { kind: 'sound', table } : { kind: 'missing', table: missing };
}

/**
 * Compares the stored text of the full-text table with the documents of all records, those of deleted segments
 * included. Rows of no record at all are not counted. Constant memory, but for the ids up to 0.4.5.
 *
 * Reads FTS5's own table of the content: it is documented (sqlite.org/fts5.html §9.3), is what a query returns, can be
 * joined by its key, and can be read where the index is damaged. Never to be written: the index would not know.
 */
export function fullTextDifferences(db: Database, schema: Schema): FullTextDifferences {
  const { table } = readFullTextDeclaration(db, schema);
  const isNew = schema.versions.metadb >= NEW_TABLE_SINCE;
  const columns = db.prepare<[string], string>(COLUMNS).pluck().all(`${table}_content`);
  // Dropped, or declared by somebody else with other columns: then no text is where Chroma looks for it.
  if (!columns.includes(isNew ? 'c0' : 'c1')) return { missing: countDocuments(db), differing: 0, surplus: 0 };
  const sql = isNew ? DIFFERENCES : DIFFERENCES_BEFORE_0_4_6;
  const row = db.prepare<[], Record<keyof FullTextDifferences, bigint>>(sql).get();
  return {
    missing: Number(row?.missing ?? 0n),
    differing: Number(row?.differing ?? 0n),
    surplus: Number(row?.surplus ?? 0n),
  };
}

/** Documents of all records, those of deleted segments included. */
export function countDocuments(db: Database): number {
  return Number(db.prepare<[], bigint>(DOCUMENTS).pluck().get() ?? 0n);
}

/** `fts5(…)` of a declaration, on one line. */
function argumentsOf(sql: string): string {
  return (/USING\s+(fts5.*)$/is.exec(sql)?.[1] ?? sql).replaceAll(/\s+/g, ' ').trim();
}

/** FTS5 takes an option in single, double and no quotes, and with space around it. */
function normalised(sql: string): string {
  return argumentsOf(sql)
    .replaceAll(/['"]/g, '')
    .replaceAll(/\s*([(),=])\s*/g, '$1')
    .toLowerCase();
}
