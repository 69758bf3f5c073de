/**
 * A second database file with the same content, or with less of one table: what a rebuild puts in the old one's place.
 */
import { setAutoVacuum, type AutoVacuum } from './auto-vacuum.ts';
import type { Database } from './open.ts';

/** Rows of one table that the copy is to have. */
export interface Filter {
  readonly table: string;
  /** A condition on the columns of `table`, which stands for itself in it. */
  readonly where: string;
  /** How many rows of `table` that are, counted by other means. */
  readonly rows: number;
}

interface SchemaRow {
  readonly type: string;
  readonly name: string;
  readonly rootpage: bigint;
  readonly sql: string | null;
}

interface Table {
  readonly name: string;
  readonly hasRowid: boolean;
  readonly columns: readonly string[];
}

/** The schema name under which the copy is attached. */
export const COPY = 'rebuilt';

const SCHEMA = 'SELECT type, name, rootpage, sql FROM main.sqlite_schema ORDER BY rowid';
const STORED_TABLES = `
  SELECT name, wr = 0 AS hasRowid FROM pragma_table_list
  WHERE schema = 'main' AND type IN ('table', 'shadow') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`;
const COLUMNS = 'SELECT name FROM pragma_table_info(?)';
const SCHEMA_DIFFERENCE = `
  SELECT name FROM (
    SELECT * FROM (SELECT type, name, tbl_name, sql FROM main.sqlite_schema
      EXCEPT SELECT type, name, tbl_name, sql FROM ${COPY}.sqlite_schema)
    UNION ALL
    SELECT * FROM (SELECT type, name, tbl_name, sql FROM ${COPY}.sqlite_schema
      EXCEPT SELECT type, name, tbl_name, sql FROM main.sqlite_schema))
  LIMIT 1`;

/** Pages of the copy that are kept in memory while it is written, in KiB (docs/DECISIONS.md, "The rebuild"). */
const CACHE_KIB = 16 * 1024;

/** Tables of up to so many rows are compared row by row whatever they hold. */
const SMALL_TABLE_ROWS = 10_000n;

/**
 * Why `db` cannot be copied table by table, in words; null where it can. Known are ordinary tables, their indexes, and
 * full-text tables (FTS5), whose content is in ordinary tables.
 */
export function obstacleToCopy(db: Database, filtered: string): string | null {
  for (const { type, name, rootpage, sql } of db.prepare<[], SchemaRow>(SCHEMA).all()) {
    if (type === 'trigger' || type === 'view') return `the schema has a ${type}, ${name}`;
    if (type === 'table' && name.startsWith('sqlite_')) return `the schema has a table of SQLite's own, ${name}`;
    const isVirtual = type === 'table' && rootpage === 0n;
    if (isVirtual && !/^CREATE VIRTUAL TABLE .*\bUSING fts5\b/is.test(sql ?? ''))
      return `the schema has a virtual table that is not FTS5, ${name}`;
  }
  const keyed = db.prepare<[string], bigint>(
    "SELECT COUNT(*) FROM pragma_table_info(?) WHERE pk = 1 AND upper(type) = 'INTEGER'",
  );
  // A copy row by row keeps row numbers only where a column holds them.
  return keyed.pluck().get(filtered) === 1n ? null : `${filtered} has no INTEGER PRIMARY KEY`;
}

/**
 * Attaches the empty file at `path` to `db` while `use` runs, outside a transaction. The copy is neither journalled nor
 * synced: until the caller has synced it, it is nothing. It gives pages back as `autoVacuum` says.
 */
export function withCopyAttached<T>(db: Database, path: string, autoVacuum: AutoVacuum, use: () => T): T {
  // The defensive mode of better-sqlite3 forbids to write the one row of the schema that stands for a full-text table.
  db.unsafeMode(true);
  db.prepare(`ATTACH ? AS ${COPY}`).run(path);
  db.pragma(`${COPY}.page_size = ${valueOf(db, 'page_size')}`);
  setAutoVacuum(db, autoVacuum, COPY);
  db.pragma(`${COPY}.journal_mode = OFF`);
  db.pragma(`${COPY}.synchronous = OFF`);
  db.pragma(`${COPY}.cache_size = -${CACHE_KIB}`);
  const result = use();
  // Where `use` throws, it stays attached until the connection is closed: without a journal a copy that could not be
  // finished is not a database, and DETACH would say that instead of what had happened.
  db.exec(`DETACH ${COPY}`);
  db.unsafeMode(false);
  return result;
}

/**
 * Fills the attached copy, inside the caller's transaction. Row numbers, indexes and the full-text tables are kept; no
 * byte of `db` is written. The tables named in `empty` are created without their rows.
 */
export function fillCopy(db: Database, filter: Filter | null, empty: readonly string[] = []): void {
  const schema = db.prepare<[], SchemaRow>(SCHEMA).all();
  // Indexes before rows: SQLite then copies the b-trees of table and index page by page instead of row by row.
  for (const type of ['table', 'index']) {
    for (const { sql } of schema.filter((row) => row.type === type && row.rootpage > 0n && row.sql !== null)) {
      db.exec(inCopy(sql ?? ''));
    }
  }
  for (const { name } of storedTables(db).filter((table) => !empty.includes(table.name))) {
    const condition = filter?.table === name ? `WHERE ${filter.where}` : '';
    db.exec(`INSERT INTO ${COPY}.${quoted(name)} SELECT * FROM main.${quoted(name)} ${condition}`);
  }
  db.pragma('writable_schema = ON');
  db.exec(`INSERT INTO ${COPY}.sqlite_schema SELECT * FROM main.sqlite_schema WHERE type = 'table' AND rootpage = 0`);
  db.pragma('writable_schema = OFF');
  for (const pragma of ['user_version', 'application_id']) db.pragma(`${COPY}.${pragma} = ${valueOf(db, pragma)}`);
  // Whoever has read the old schema must read this one anew.
  db.pragma(`${COPY}.schema_version = ${Number(valueOf(db, 'schema_version')) + 1}`);
}

/**
 * What is different in the attached copy, in words; null where it is what it should be. Compares the schema, the number
 * and the range of rows of every table but those that were left `empty`, and row by row the filtered table and all
 * small ones; with `isFull` all.
 */
export function differenceFromCopy(
  db: Database,
  filter: Filter | null,
  isFull: boolean,
  empty: readonly string[] = [],
): string | null {
  const object = db.prepare<[], string>(SCHEMA_DIFFERENCE).pluck().get();
  if (object !== undefined) return `the schema of ${object} is different`;
  for (const table of storedTables(db).filter(({ name }) => !empty.includes(name))) {
    const difference =
      filter?.table === table.name ? filteredDifference(db, table, filter) : wholeDifference(db, table, isFull);
    if (difference !== null) return difference;
  }
  return null;
}

/** Every row of the copy is one of those to be kept and equal to it, and there are as many: so there are all of them. */
function filteredDifference(db: Database, table: Table, { where, rows }: Filter): string | null {
  const found = extentOf(db, COPY, table);
  if (!found.startsWith(`${rows} rows`)) return `${table.name} has ${found}, not ${rows} rows`;
  return described(table, differingRows(db, table, where));
}

function wholeDifference(db: Database, table: Table, isFull: boolean): string | null {
  const [expected, found] = [extentOf(db, 'main', table), extentOf(db, COPY, table)];
  if (expected !== found) return `${table.name} has ${found}, not ${expected}`;
  const isCompared = isFull || BigInt(expected.split(' ')[0] ?? 0) <= SMALL_TABLE_ROWS;
  return isCompared ? described(table, differingRows(db, table, 'TRUE')) : null;
}

function described({ name }: Table, differing: bigint): string | null {
  return differing === 0n ? null : `${differing} rows of ${name} are different`;
}

function extentOf(db: Database, schema: string, { name, hasRowid }: Table): string {
  const range = hasRowid ? "' rows, ' || IFNULL(MIN(rowid), 0) || ' to ' || IFNULL(MAX(rowid), 0)" : "' rows'";
  const sql = `SELECT COUNT(*) || ${range} FROM ${schema}.${quoted(name)}`;
  return db.prepare<[], string>(sql).pluck().get() ?? '';
}

/** Rows of the copy that are not, under the same number, rows of the original for which `where` holds. */
function differingRows(db: Database, { name, hasRowid, columns }: Table, where: string): bigint {
  const table = quoted(name);
  const isSame = columns
    .map(quoted)
    .map((each) => `${table}.${each} IS kept.${each} AND typeof(${table}.${each}) = typeof(kept.${each})`);
  const sql = hasRowid
    ? `SELECT COUNT(*) FROM ${COPY}.${table} LEFT JOIN main.${table} AS kept ON kept.rowid = ${table}.rowid
       WHERE kept.rowid IS NULL OR (${[...isSame, where].join(' AND ')}) IS NOT TRUE`
    : `SELECT COUNT(*) FROM (SELECT * FROM ${COPY}.${table} EXCEPT SELECT * FROM main.${table})`;
  return db.prepare<[], bigint>(sql).pluck().get() ?? 0n;
}

function storedTables(db: Database): readonly Table[] {
  const columns = db.prepare<[string], string>(COLUMNS).pluck();
  return db
    .prepare<[], { name: string; hasRowid: bigint }>(STORED_TABLES)
    .all()
    .map(({ name, hasRowid }) => ({ name, hasRowid: hasRowid === 1n, columns: columns.all(name) }));
}

/** The statement as it stands in the schema, for the copy. SQLite stores it beginning with these very words. */
function inCopy(sql: string): string {
  return sql.replace(/^CREATE( UNIQUE)? (TABLE|INDEX) /, (words) => `${words}${COPY}.`);
}

function valueOf(db: Database, pragma: string): string {
  return String(db.pragma(`main.${pragma}`, { simple: true }));
}

/** A name as SQL takes it, whatever is in it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
