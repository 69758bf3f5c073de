/**
 * What has to be the case before and after a clean-up of a directory in which real Chroma has deleted collections: the
 * expectations of fixtures/leftovers.py, row by row and byte by byte.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { type Deletions, seqIdsIn } from './fixtures.ts';
import { bytesOf, withDatabase } from './state.ts';

export interface CheckJson {
  readonly findings: readonly {
    readonly id: string;
    readonly severity: string;
    readonly subject: string;
    readonly message: string;
  }[];
  readonly counts: { readonly error: number; readonly warning: number; readonly info: number };
}

export interface CleanJson {
  readonly dryRun: boolean;
  readonly changed: boolean;
  readonly directories: readonly { readonly path: string; readonly bytes: number; readonly action: string }[];
  readonly rows: Readonly<Record<string, number>>;
  readonly reclaimedBytes: number;
  readonly quarantine: string | null;
}

/** Everything that `check` says of deleted collections, as `id subject`. */
export function leftoversIn({ findings }: CheckJson): readonly string[] {
  return findings
    .filter(({ id }) => id.startsWith('orphan-'))
    .map(({ id, subject }) => `${id} ${subject}`)
    .toSorted();
}

/** What it has to say: one line for each directory, each table and each topic. */
export function expectedLeftovers({ expected }: Deletions): readonly string[] {
  return Object.entries(expected.findings)
    .flatMap(([id, subjects]) =>
      // A topic is named by the id of the collection that it was of.
      subjects.map((subject) => `${id} ${id === 'orphan-topic' ? subject.split('/').at(-1) : subject}`),
    )
    .toSorted();
}

type Rows = ReadonlyMap<bigint, string>;

const TABLES = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type <> 'shadow' ORDER BY name";
const FULL_TEXT_TABLES = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'virtual'";

/** A digest of each row by its rowid, of every table but those that FTS5 keeps for itself. */
export function rowsByTable(persistDir: string): ReadonlyMap<string, Rows> {
  return withDatabase(persistDir, (db) => {
    const names = db.prepare<[], string>(TABLES).pluck().all();
    return new Map(names.map((name) => [name, rowsOfTable(db, name)]));
  });
}

function rowsOfTable(db: Database.Database, table: string): Rows {
  const rows = db.prepare<[], [bigint, ...unknown[]]>(`SELECT rowid, * FROM "${table}"`).raw().all();
  return new Map(rows.map(([rowid, ...values]) => [rowid, digestOf(values)]));
}

function digestOf(values: readonly unknown[]): string {
  const hash = createHash('sha256');
  for (const value of values) {
    hash.update(Buffer.isBuffer(value) ? 'blob:' : `${typeof value}:`);
    hash.update(Buffer.isBuffer(value) ? value : String(value));
    hash.update('\0');
  }
  return hash.digest('hex');
}

/** `rows` without those that have to go. */
export function withoutLeftovers(rows: ReadonlyMap<string, Rows>, { expected }: Deletions): ReadonlyMap<string, Rows> {
  return new Map(
    [...rows].map(([table, all]) => {
      const gone = new Set(seqIdsIn(expected.removableRowids[table] ?? ''));
      return [table, new Map([...all].filter(([rowid]) => !gone.has(rowid)))];
    }),
  );
}

/** Numbers of the documents that SQLite itself finds by each of `words`; throws where the full-text index is damaged. */
export function fullTextHits(persistDir: string, words: readonly string[]): ReadonlyMap<string, readonly bigint[]> {
  return withDatabase(persistDir, (db) => {
    const [table] = db.prepare<[], string>(FULL_TEXT_TABLES).pluck().all();
    db.exec(`INSERT INTO "${table}" ("${table}") VALUES ('integrity-check')`);
    const find = db.prepare<[string], bigint>(`SELECT rowid FROM "${table}" WHERE "${table}" MATCH ? ORDER BY rowid`);
    return new Map(words.map((word) => [word, find.pluck().all(`"${word}"`)]));
  });
}

/** The files below each of `directories`, which are somewhere below `root`, with their bytes. */
export function filesIn(root: string, directories: readonly string[]): readonly (readonly [string, string])[] {
  return directories.flatMap((name) =>
    [...bytesOf(join(root, name))].map(([path, content]) => [join(name, path), content] as const),
  );
}
