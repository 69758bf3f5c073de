/**
 * What a directory holds, to compare before and after: every byte, or every row.
 */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import Database from 'better-sqlite3';

/** Each path below `directory` with its kind, mode, size, modification time and content. Access times do not count. */
export function bytesOf(directory: string): ReadonlyMap<string, string> {
  const paths = readdirSync(directory, { withFileTypes: true, recursive: true }).map((entry) =>
    join(entry.parentPath, entry.name),
  );
  return new Map(
    [directory, ...paths].toSorted().map((path) => {
      const { mode, mtimeNs, size } = lstatSync(path, { bigint: true });
      return [relative(directory, path), `${mode.toString(8)} ${mtimeNs} ${size} ${contentOf(path)}`];
    }),
  );
}

function contentOf(path: string): string {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return `-> ${readlinkSync(path)}`;
  // Sparse giants are told by their size and time alone.
  if (!stat.isFile() || stat.size > 64 * 1024 * 1024) return '';
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** All files but the database, its journal included: what prune and vacuum must not touch. */
export function otherFilesOf(persistDir: string): ReadonlyMap<string, string> {
  return new Map([...bytesOf(persistDir)].filter(([path]) => path !== '' && path !== 'chroma.sqlite3'));
}

const TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";

/** A digest of all rows of every table but `without`, rowids included where a table has them. */
export function rowsOf(persistDir: string, without: readonly string[] = []): Readonly<Record<string, string>> {
  return withDatabase(persistDir, (db) => {
    const names = db.prepare<[], string>(TABLES).pluck().all();
    return Object.fromEntries(
      names.filter((name) => !without.includes(name)).map((name) => [name, digestOf(db, name)]),
    );
  });
}

function digestOf(db: Database.Database, table: string): string {
  const rows = db.prepare<[], unknown[]>(`SELECT * FROM "${table}"`).raw().all().map(rowDigest).toSorted();
  return `${rows.length} rows ${createHash('sha256').update(rows.join()).digest('hex')}`;
}

function rowDigest(row: readonly unknown[]): string {
  const hash = createHash('sha256');
  for (const value of row) {
    hash.update(Buffer.isBuffer(value) ? 'blob:' : `${typeof value}:`);
    hash.update(Buffer.isBuffer(value) ? value : String(value));
    hash.update('\0');
  }
  return hash.digest('hex');
}

/** The seq_ids in the queue, ascending. */
export function seqIdsOf(persistDir: string): readonly bigint[] {
  return withDatabase(persistDir, (db) =>
    db.prepare<[], bigint>('SELECT seq_id FROM embeddings_queue ORDER BY seq_id').pluck().all(),
  );
}

/** Runs `work` on the real database of a test's own copy. */
export function withDatabase<T>(persistDir: string, work: (db: Database.Database) => T): T {
  const db = new Database(join(persistDir, 'chroma.sqlite3'), { fileMustExist: true });
  try {
    db.defaultSafeIntegers(true);
    db.pragma('foreign_keys = OFF');
    return work(db);
  } finally {
    db.close();
  }
}
