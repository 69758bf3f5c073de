/**
 * A full-text table of SQLite's FTS5 as a whole: taken away, whatever state it is in, and merged. What is in it is
 * Chroma's business.
 */
import { systemErrorCode } from '../errors.ts';
import { quoted } from './copy.ts';
import type { Database } from './open.ts';

/** The ordinary tables behind a full-text table (sqlite.org/fts5.html §9): `embedding_fulltext_data` and so on. */
const SUFFIXES: readonly string[] = ['data', 'idx', 'content', 'docsize', 'config'];

/** Those of them that are made from `content`. */
const INDEX_SUFFIXES: readonly string[] = ['data', 'idx', 'docsize'];

const COLUMNS = 'SELECT name FROM pragma_table_info(?, ?)';
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

/** The tables of full-text table `table` that are its index, which can be made anew from the rest. */
export function indexTablesOf(table: string): readonly string[] {
  return INDEX_SUFFIXES.map((suffix) => `${table}_${suffix}`);
}

/**
 * Has FTS5 make the index of `table` anew from its own content, in attached database `schema` and in the caller's
 * transaction (its command "rebuild"), then compares the two. Throws what FTS5 finds wrong.
 *
 * A text is cut where a NUL character stands in it: SQLite 3.40 goes on behind one and 3.53 does not, and a Chroma with
 * the other of the two fails on deleting such a document (chroma#7388). LIKE does not look further either.
 */
export function refillFullTextTable(db: Database, schema: string, table: string): void {
  const content = `${schema}.${quoted(`${table}_content`)}`;
  for (const { name } of db.prepare<[string, string], { name: string }>(COLUMNS).all(`${table}_content`, schema)) {
    if (!/^c\d+$/.test(name)) continue;
    db.exec(
      `UPDATE ${content} SET ${name} = substr(${name}, 1, length(${name}))
       WHERE typeof(${name}) = 'text' AND instr(${name}, char(0)) > 0`,
    );
  }
  // The schema in memory does not know the table yet, whose row was written by hand (copy.ts).
  db.pragma('writable_schema = RESET');
  const target = `${schema}.${quoted(table)}`;
  db.exec(`INSERT INTO ${target} (${quoted(table)}) VALUES ('rebuild')`);
  db.exec(`INSERT INTO ${target} (${quoted(table)}, rank) VALUES ('integrity-check', 1)`);
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
