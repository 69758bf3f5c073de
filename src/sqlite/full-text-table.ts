/**
 * A full-text table of SQLite's FTS5 as a whole: taken away, whatever state it is in, and merged. What is in it is
 * Chroma's business.
 */
import { systemErrorCode } from '../errors.ts';
import { quoted } from './copy.ts';
import type { Database } from './open.ts';

/** The ordinary tables behind a full-text table (sqlite.org/fts5.html §9): `embedding_fulltext_data` and so on. */
const SUFFIXES: readonly string[] = ['data', 'idx', 'content', 'docsize', 'config'];

const DECLARED = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = ?";
const FORGET = 'DELETE FROM sqlite_schema WHERE tbl_name = ?';
const CHANGES = 'SELECT total_changes()';
/** What the statement itself counts where FTS5 finds nothing to merge. */
const CHANGES_OF_NOTHING = 1n;

/** Names of the tables in which FTS5 keeps full-text table `table`, whether they are there or not. */
export function ownTablesOf(table: string): readonly string[] {
  return SUFFIXES.map((suffix) => `${table}_${suffix}`);
}

/**
 * Takes the full-text table away, inside the caller's transaction, and with it what is left of one. `damaged` are those
 * of its own tables that quick_check has found damaged: their pages are not touched but given up. They belong to nothing
 * then, and come back with the next VACUUM.
 */
export function dropFullTextTable(db: Database, table: string, damaged: readonly string[]): void {
  if (damaged.length === 0 && isOpen(db, table)) db.exec(`DROP TABLE ${quoted(table)}`);
  else takeApart(db, table, damaged);
}

/**
 * Has FTS5 write what it still holds in memory of the index (its command "flush"), which it otherwise does at the commit:
 * too late to be verified.
 */
export function flushFullTextTable(db: Database, table: string): void {
  db.exec(`INSERT INTO ${quoted(table)} (${quoted(table)}) VALUES ('flush')`);
}

/**
 * Has FTS5 merge the index into one piece (its command "optimize"), and returns whether there was anything to merge.
 * In the caller's transaction.
 */
export function optimizeFullTextTable(db: Database, table: string): boolean {
  const changes = db.prepare<[], bigint>(CHANGES).pluck();
  const before = changes.get() ?? 0n;
  db.exec(`INSERT INTO ${quoted(table)} (${quoted(table)}) VALUES ('optimize')`);
  return (changes.get() ?? 0n) - before > CHANGES_OF_NOTHING;
}

/** True where FTS5 can open the table: DROP TABLE needs that. */
function isOpen(db: Database, table: string): boolean {
  if (db.prepare<[string], string>(DECLARED).get(table) === undefined) return false;
  try {
    db.prepare(`SELECT rowid FROM ${quoted(table)} LIMIT 0`).all();
    return true;
  } catch (error) {
    if (systemErrorCode(error) !== 'SQLITE_ERROR') throw error;
    return false;
  }
}

/** DROP TABLE reads every page of a table, and FTS5 has to open its own first: where it cannot, they go one by one. */
function takeApart(db: Database, table: string, damaged: readonly string[]): void {
  // The defensive mode of better-sqlite3 forbids to write the schema, and FTS5's own tables.
  db.unsafeMode(true);
  forget(db, table);
  for (const own of ownTablesOf(table)) {
    if (damaged.includes(own)) forget(db, own);
    else db.exec(`DROP TABLE IF EXISTS ${quoted(own)}`);
  }
  db.unsafeMode(false);
}

function forget(db: Database, table: string): void {
  db.pragma('writable_schema = ON');
  db.prepare<[string]>(FORGET).run(table);
  // Not OFF: the schema in memory still has the table.
  db.pragma('writable_schema = RESET');
}
