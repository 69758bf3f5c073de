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
import { ownTablesOf } from '../sqlite/full-text-table.ts';
import type { Database } from '../sqlite/open.ts';
import { readDocumentTotals, RECORDS_WITH_DOCUMENTS, UP_TO_NUL } from './documents.ts';
import type { Schema } from './model.ts';

/** What the schema says of the full-text table. */
export type FullTextReading =
  /** `table` is the full-text table, or the one of FTS5's own tables behind it that is not there. */
  | { readonly kind: 'missing'; readonly table: string }
  /** Declared in another way than Chroma does: `expected` and `found` as in the schema, `fts5(…)`. */
  | { readonly kind: 'wrong-tokenizer'; readonly table: string; readonly expected: string; readonly found: string }
  | { readonly kind: 'sound'; readonly table: string };

/** Rows of the full-text table. */
export interface FullTextRows {
  readonly rows: number;
  /** Those of them whose record does not exist. */
  readonly orphans: number;
}

/** What is different between the full-text table and the documents, in records. */
export interface FullTextDifferences {
  /** Documents that the table does not have. */
  readonly missing: number;
  /** Documents of which the table has another text. One that ends at a NUL character is no other. */
  readonly differing: number;
  /** Rows of the table whose record is there and has no document. */
  readonly surplus: number;
}

/** How Chroma declares the table in this generation, from the text of the migration that the database holds. */
export interface FullTextDeclaration {
  readonly table: string;
  /** The statement that creates it, as in Chroma's migration. */
  readonly sql: string;
  /** What follows USING in it: `fts5(…)`. */
  readonly arguments: string;
  /** Where a row says which record it belongs to. */
  readonly record: 'id' | 'rowid';
  /** True where the index consists of trigrams, and answers for parts of words. */
  readonly hasTrigrams: boolean;
}

/** metadb/3 replaced the table of metadb/1. */
const NEW_TABLE_SINCE = 3;

const MIGRATION = "SELECT sql FROM migrations WHERE dir = 'metadb' AND version = ?";
const DECLARED = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?";
const COLUMNS = 'SELECT name FROM pragma_table_info(?)';

/** A text that ends where NUL stands in the document is the same to LIKE (documents.ts, `copyDocuments`). */
const differs = (text: string): string => `${text} IS NOT d.string_value AND ${text} IS NOT ${UP_TO_NUL}`;
const DIFFERENCES = `
  SELECT
    COUNT(*) FILTER (WHERE d.string_value IS NOT NULL AND c.id IS NULL) AS missing,
    COUNT(*) FILTER (WHERE d.string_value IS NOT NULL AND c.id IS NOT NULL AND ${differs('c.c0')}) AS differing,
    COUNT(*) FILTER (WHERE d.string_value IS NULL AND c.c0 IS NOT NULL) AS surplus
  FROM ${RECORDS_WITH_DOCUMENTS} LEFT JOIN embedding_fulltext_search_content AS c ON c.id = e.id`;
/** Nothing leads from a record to its rows, and nothing keeps it from having two: DISTINCT remembers the ids. */
const DIFFERENCES_BEFORE_0_4_6 = `
  SELECT
    (SELECT COUNT(d.string_value) FROM ${RECORDS_WITH_DOCUMENTS}) - COUNT(DISTINCT c.c0) FILTER (WHERE d.string_value IS NOT NULL) AS missing,
    COUNT(DISTINCT c.c0) FILTER (WHERE d.string_value IS NOT NULL AND ${differs('c.c1')}) AS differing,
    COUNT(*) FILTER (WHERE d.string_value IS NULL AND c.c1 IS NOT NULL) AS surplus
  FROM embedding_fulltext_content AS c
  JOIN embeddings AS e ON e.id = c.c0
  LEFT JOIN embedding_metadata AS d ON d.id = e.id AND d.key = 'chroma:document'`;

const ROWS = `
  SELECT COUNT(*) AS rows, COUNT(*) FILTER (WHERE e.id IS NULL) AS orphans
  FROM embedding_fulltext_search_content AS c LEFT JOIN embeddings AS e ON e.id = c.id`;
const ROWS_BEFORE_0_4_6 = `
  SELECT COUNT(*) AS rows, COUNT(*) FILTER (WHERE e.id IS NULL) AS orphans
  FROM embedding_fulltext_content AS c LEFT JOIN embeddings AS e ON e.id = c.c0`;

/** How Chroma declares the full-text table of this generation. Reads Chroma's own migration, never a copy of it. */
export function readFullTextDeclaration(db: Database, schema: Schema): FullTextDeclaration {
  const isNew = isNewTable(schema);
  const text = db
    .prepare<[number], string>(MIGRATION)
    .pluck()
    .get(isNew ? NEW_TABLE_SINCE : 1);
  const [sql, table] = /CREATE VIRTUAL TABLE (\w+) USING fts5\([^;]*\)/.exec(text ?? '') ?? [];
  // readSchema compared the text with the hashes of the released ones, which have the statement.
  if (sql === undefined || table === undefined) throw new Error('the migration declares no full-text table');
  return {
    table,
    sql,
    arguments: argumentsOf(sql),
    record: isNew ? 'rowid' : 'id',
    hasTrigrams: sql.includes('trigram'),
  };
}

/** What the schema says of the full-text table. Reads no row of it. */
export function readFullText(db: Database, schema: Schema): FullTextReading {
  const { table, sql, arguments: expected } = readFullTextDeclaration(db, schema);
  const declared = db.prepare<[string], string>(DECLARED).pluck();
  const found = declared.get(table);
  if (found === undefined) return { kind: 'missing', table };
  if (normalised(sql) !== normalised(found)) {
    return { kind: 'wrong-tokenizer', table, expected, found: argumentsOf(found) };
  }
  const missing = ownTablesOf(table).find((name) => declared.get(name) === undefined);
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
  if (!hasContent(db, schema)) return { missing: readDocumentTotals(db).documents, differing: 0, surplus: 0 };
  const sql = isNewTable(schema) ? DIFFERENCES : DIFFERENCES_BEFORE_0_4_6;
  const row = db.prepare<[], Record<keyof FullTextDifferences, bigint>>(sql).get();
  return {
    missing: Number(row?.missing ?? 0n),
    differing: Number(row?.differing ?? 0n),
    surplus: Number(row?.surplus ?? 0n),
  };
}

/** Counts the rows of the full-text table, from the same table of FTS5's own. */
export function countFullTextRows(db: Database, schema: Schema): FullTextRows {
  if (!hasContent(db, schema)) return { rows: 0, orphans: 0 };
  const sql = isNewTable(schema) ? ROWS : ROWS_BEFORE_0_4_6;
  const row = db.prepare<[], Record<keyof FullTextRows, bigint>>(sql).get();
  return { rows: Number(row?.rows ?? 0n), orphans: Number(row?.orphans ?? 0n) };
}

/** False where the table was dropped, or declared by somebody else with other columns. */
function hasContent(db: Database, schema: Schema): boolean {
  const { table } = readFullTextDeclaration(db, schema);
  const columns = db.prepare<[string], string>(COLUMNS).pluck().all(`${table}_content`);
  return columns.includes(isNewTable(schema) ? 'c0' : 'c1');
}

function isNewTable({ versions }: Schema): boolean {
  return versions.metadb >= NEW_TABLE_SINCE;
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
