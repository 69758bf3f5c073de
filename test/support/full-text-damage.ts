/**
 * Damages to the full-text index, each done on purpose to a test's own copy of a fixture, and the table's content.
 */
import type Database from 'better-sqlite3';
import { damagedPage } from './damage.ts';
import { withDatabase } from './state.ts';

const TABLE = "SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL TABLE %fts5%'";
const LARGEST_IDS = `
  SELECT id FROM embedding_metadata WHERE key = 'chroma:document' ORDER BY id DESC LIMIT ?`;

/** Name of the full-text table: one of two, by generation. */
export function fullTextTableOf(persistDir: string): string {
  return withDatabase(persistDir, tableIn);
}

function tableIn(db: Database.Database): string {
  const name = db.prepare<[], string>(TABLE).pluck().get();
  if (name === undefined) throw new Error('there is no full-text table');
  return name;
}

/** The column that leads to the record. */
function recordIn(table: string): string {
  return table === 'embedding_fulltext' ? 'id' : 'rowid';
}

/** Runs `work` on the full-text table, with the ids of the last `documents` documents. */
function withFullText(
  persistDir: string,
  documents: number,
  work: (db: Database.Database, table: string, record: string, ids: readonly bigint[]) => void,
): void {
  withDatabase(persistDir, (db) => {
    const ids = db.prepare<[number], bigint>(LARGEST_IDS).pluck().all(documents);
    if (ids.length < documents) throw new Error(`there are only ${ids.length} documents`);
    const table = tableIn(db);
    db.transaction(() => work(db, table, recordIn(table), ids))();
  });
}

/** The table is gone, as after a clean-up by hand. */
export function droppedFullText(persistDir: string): void {
  withFullText(persistDir, 0, (db, table) => db.exec(`DROP TABLE ${table}`));
}

/** The table was made again without, or with another, tokenizer, and filled again. */
export function otherTokenizer(persistDir: string, tokenizer: string | null): void {
  withFullText(persistDir, 0, (db, table, record) => {
    const columns = record === 'id' ? 'id, string_value' : 'string_value';
    const option = tokenizer === null ? '' : `, tokenize='${tokenizer}'`;
    db.exec(`DROP TABLE ${table}; CREATE VIRTUAL TABLE ${table} USING fts5(${columns}${option})`);
    db.exec(`
      INSERT INTO ${table} (${record}, string_value)
      SELECT id, string_value FROM embedding_metadata WHERE key = 'chroma:document'`);
  });
}

/** The last `documents` documents are not in the table. */
export function missingFullTextRows(persistDir: string, documents: number): void {
  withFullText(persistDir, documents, (db, table, record, ids) => {
    const remove = db.prepare(`DELETE FROM ${table} WHERE ${record} = ?`);
    for (const id of ids) if (remove.run(id).changes !== 1) throw new Error(`record ${id} has no row`);
  });
}

/** The last `documents` documents stand in the table with another text, of which the index knows. */
export function wrongFullTextRows(persistDir: string, documents: number): void {
  missingFullTextRows(persistDir, documents);
  withFullText(persistDir, documents, (db, table, record, ids) => {
    const insert = db.prepare(`INSERT INTO ${table} (${record}, string_value) VALUES (?, 'a text of long ago')`);
    for (const id of ids) insert.run(id);
  });
}

/** The last `documents` documents are gone from the records, not from the table. */
export function surplusFullTextRows(persistDir: string, documents: number): void {
  withFullText(persistDir, documents, (db, _table, _record, ids) => {
    const remove = db.prepare("DELETE FROM embedding_metadata WHERE id = ? AND key = 'chroma:document'");
    for (const id of ids) remove.run(id);
  });
}

/** A page of one of FTS5's own tables, `data`, `idx`, `content`, `docsize` or `config`, is none any more. */
export function damagedFullTextPage(persistDir: string, part: string, what: 'page' | 'cells' = 'page'): void {
  damagedPage(persistDir, `${fullTextTableOf(persistDir)}_${part}`, what);
}
