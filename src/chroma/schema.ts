/**
 * Which Chroma can have written this database: decided by the `migrations` table, checked against the real tables,
 * refused where anything is unknown. Chroma itself accepts migrations it does not know (0.4.0 chromadb/db/migrations.py
 * zips both lists); this program may not: a new column could give old rows a new meaning.
 */
import { createHash } from 'node:crypto';
import { MaintError } from '../errors.ts';
import type { Database } from '../sqlite/open.ts';
import type { MigrationVersions, Schema } from './model.ts';
import { FIRST_RELEASE, METADB_1_OF_0_4_0, MIGRATIONS, RELEASES, type MigrationDir } from './migrations.ts';

const TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table'";
const APPLIED = 'SELECT dir, version, filename, sql, hash FROM migrations ORDER BY dir, version';
const COLUMNS = 'SELECT name FROM pragma_table_info(?)';
const QUEUE_KEY = "SELECT type, pk FROM pragma_table_info('embeddings_queue') WHERE name = 'seq_id'";

/** What a migration leaves lying about when Python was stopped inside it. */
const LEFTOVER_TABLES: readonly string[] = ['collections_tmp', 'segments_temp'];
const LEFTOVER_COLUMN = 'int_seq_id';

/** Tables every generation has. A SQLite file without them is somebody else's. */
const MARKS_OF_CHROMA: readonly string[] = ['migrations', 'embeddings_queue', 'collections', 'segments', 'max_seq_id'];

const DIRS: readonly MigrationDir[] = ['embeddings_queue', 'sysdb', 'metadb'];

interface AppliedRow {
  readonly dir: string;
  readonly version: bigint;
  readonly filename: string;
  readonly sql: string;
  readonly hash: string;
}

/** What the migrations and tables of a database say. */
export type SchemaReading =
  | { readonly kind: 'known'; readonly schema: Schema }
  /** A database of somebody else. */
  | { readonly kind: 'not-chroma' }
  /** Unknown or edited, in a newer version or by hand. */
  | { readonly kind: 'unknown'; readonly detail: string }
  /** Python migrates step by step, and was stopped in between. */
  | { readonly kind: 'half-migrated'; readonly detail: string };

type Problem = Exclude<SchemaReading, { kind: 'known' }>;

/**
 * Returns what the migrations say. Throws NOT_A_PERSIST_DIR for a database that is not Chroma's, and
 * UNSUPPORTED_SCHEMA for an unknown, edited or half-run migration.
 */
export function readSchema(db: Database, path: string): Schema {
  const reading = examineSchema(db);
  switch (reading.kind) {
    case 'known':
      return reading.schema;
    case 'not-chroma':
      throw notChroma(path);
    case 'unknown':
      throw unsupported(path, reading.detail);
    case 'half-migrated':
      throw halfMigrated(path, reading.detail);
  }
}

/** The same for those who want to know more than whether it can be worked with. */
export function examineSchema(db: Database): SchemaReading {
  const tables = new Set(db.prepare<[], string>(TABLES).pluck().all());
  const missing = MARKS_OF_CHROMA.filter((name) => !tables.has(name));
  if (missing.length === MARKS_OF_CHROMA.length || !tables.has('migrations')) return { kind: 'not-chroma' };
  if (missing.length > 0) return unknown(`the table ${missing.join(', ')} is missing`);

  const applied = db.prepare<[], AppliedRow>(APPLIED).all();
  const stray = applied.find((row) => !isKnown(row));
  if (stray) return unknown(`the migration ${stray.dir}/${stray.version} (${stray.filename}) is not one it knows`);
  const gap = DIRS.find((dir) => versionsOf(applied, dir).some((version, at) => version !== at + 1));
  if (gap) return halfRun(`the migrations of ${gap} have a gap`);

  const versions = highestOf(applied);
  const original = applied.some(({ sql }) => md5(sql) === METADB_1_OF_0_4_0);
  const release = (original ? [FIRST_RELEASE] : RELEASES).find((each) => isSame(each.versions, versions));
  if (release === undefined) {
    const state = `embeddings_queue ${versions.embeddingsQueue}, sysdb ${versions.sysdb}, metadb ${versions.metadb}`;
    return halfRun(`no release leaves these migrations: ${state}`);
  }
  const { generation, writtenBy } = release;
  const known = { generation, writtenBy, versions, openedByRust: tables.has('acquire_write') };
  return problemOfTables(db, tables, versions) ?? { kind: 'known', schema: known };
}

function isKnown({ dir, version, filename, sql, hash }: AppliedRow): boolean {
  const migration = Object.hasOwn(MIGRATIONS, dir) ? MIGRATIONS[dir as MigrationDir][Number(version) - 1] : undefined;
  if (migration === undefined || migration.filename !== filename) return false;
  const digest = md5(sql);
  // The algorithm of `hash` is a setting since 0.4.18 (chromadb/config.py `migrations_hash_algorithm`).
  return migration.md5.includes(digest) && (hash === digest || hash === sha256(sql));
}

function versionsOf(applied: readonly AppliedRow[], dir: MigrationDir): readonly number[] {
  return applied.filter((row) => row.dir === dir).map(({ version }) => Number(version));
}

function highestOf(applied: readonly AppliedRow[]): MigrationVersions {
  const highest = (dir: MigrationDir): number => versionsOf(applied, dir).length;
  return { embeddingsQueue: highest('embeddings_queue'), sysdb: highest('sysdb'), metadb: highest('metadb') };
}

/** Columns that this program reads or that tell one generation from the next. */
function expectedColumns({
  embeddingsQueue,
  sysdb,
  metadb,
}: MigrationVersions): Readonly<Record<string, readonly string[]>> {
  const topic = sysdb < 5 ? ['topic'] : [];
  const database = sysdb >= 4 ? ['database_id'] : [];
  return {
    embeddings_queue: ['seq_id', 'created_at', 'operation', 'topic', 'id', 'vector', 'encoding', 'metadata'],
    max_seq_id: ['segment_id', 'seq_id'],
    collections: ['id', 'name', 'dimension', ...topic, ...database],
    segments: ['id', 'type', 'scope', 'collection', ...topic],
    collection_metadata: ['collection_id', 'key', 'int_value'],
    segment_metadata: ['segment_id', 'key', 'int_value'],
    embeddings: ['id', 'segment_id', 'embedding_id', 'seq_id'],
    embedding_metadata: ['id', 'key', 'string_value', 'int_value', 'float_value'],
    ...(sysdb >= 4 ? { tenants: ['id'], databases: ['id', 'name', 'tenant_id'] } : {}),
    ...(sysdb >= 8 ? { maintenance_log: ['operation', 'timestamp'] } : {}),
    ...(embeddingsQueue >= 2 ? { embeddings_queue_config: ['id', 'config_json_str'] } : {}),
    ...(metadb >= 6 ? { embedding_metadata_array: ['id', 'key'] } : {}),
  };
}

function problemOfTables(db: Database, tables: ReadonlySet<string>, versions: MigrationVersions): Problem | null {
  const columnsOf = db.prepare<[string], string>(COLUMNS).pluck();
  const leftover = LEFTOVER_TABLES.find((name) => tables.has(name));
  if (leftover) return halfRun(`the table ${leftover} of an unfinished migration is still there`);
  if (columnsOf.all('max_seq_id').includes(LEFTOVER_COLUMN)) {
    return halfRun(`the column max_seq_id.${LEFTOVER_COLUMN} of an unfinished migration is still there`);
  }
  for (const [table, expected] of Object.entries(expectedColumns(versions))) {
    const found = columnsOf.all(table);
    const missing = expected.filter((column) => !found.includes(column));
    if (missing.length > 0) return unknown(`the table ${table} lacks ${missing.join(', ')}`);
    if (versions.sysdb >= 5 && found.includes('topic') && table !== 'embeddings_queue') {
      return unknown(`the table ${table} still has the column topic`);
    }
  }
  const key = db.prepare<[], { type: string; pk: bigint }>(QUEUE_KEY).get();
  // Only INTEGER PRIMARY KEY makes seq_id the rowid, and everything decided about seq_ids rests on that.
  return key?.type === 'INTEGER' && key.pk === 1n
    ? null
    : unknown('embeddings_queue.seq_id is not its INTEGER PRIMARY KEY');
}

function unknown(detail: string): Problem {
  return { kind: 'unknown', detail };
}

function halfRun(detail: string): Problem {
  return { kind: 'half-migrated', detail };
}

function isSame(a: MigrationVersions, b: MigrationVersions): boolean {
  return a.embeddingsQueue === b.embeddingsQueue && a.sysdb === b.sysdb && a.metadb === b.metadb;
}

function notChroma(path: string): MaintError {
  return new MaintError('NOT_A_PERSIST_DIR', {
    message: `this database is not Chroma's: ${path}`,
    details: ['it has none of the tables that every Chroma since 0.4.0 creates'],
    hint: 'name the persist directory of a Chroma server: the one it was given with --path, or PERSIST_DIRECTORY',
  });
}

function unsupported(path: string, detail: string): MaintError {
  return new MaintError('UNSUPPORTED_SCHEMA', {
    message: `this schema is not one that chroma-maint knows: ${path}`,
    details: [detail],
    hint: 'a newer chroma-maint may know it; until then leave this directory to Chroma itself',
  });
}

function halfMigrated(path: string, detail: string): MaintError {
  return new MaintError('UNSUPPORTED_SCHEMA', {
    message: `an upgrade of Chroma was cut off in the middle of its migrations: ${path}`,
    details: [detail],
    hint: 'restore the backup from before the upgrade, or let the newer Chroma finish: start it once on a copy first',
  });
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
