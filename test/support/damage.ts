/**
 * Damages that persist directories meet in the wild, each done on purpose to a test's own copy of a fixture. A damage
 * that finds nothing to damage throws, so that no test passes on a sound directory.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { withDatabase } from './state.ts';

/** What metadb/5 makes of the INTEGER 1150 in the BLOB column that it converts. */
export const POISON = 0x1111_1111_3131_3530n;

type Scope = 'METADATA' | 'VECTOR';

export function databaseOf(persistDir: string): string {
  return join(persistDir, 'chroma.sqlite3');
}

/** Id of a collection by its id or its name; where several databases have the name, the one of the default database. */
export function collectionIdOf(persistDir: string, collection: string): string {
  return withDatabase(persistDir, (db) => {
    const hasDatabases = columnsOf(db, 'collections').includes('database_id');
    const order = hasDatabases ? "ORDER BY database_id <> '00000000-0000-0000-0000-000000000000', id" : '';
    const id = db
      .prepare<[string, string], string>(`SELECT id FROM collections WHERE id = ? OR name = ? ${order}`)
      .pluck()
      .get(collection, collection);
    return present(id, `collection ${collection}`);
  });
}

export function vectorSegmentOf(persistDir: string, collection: string): string {
  return segmentOf(persistDir, collection, 'VECTOR');
}

export function metadataSegmentOf(persistDir: string, collection: string): string {
  return segmentOf(persistDir, collection, 'METADATA');
}

export function pickleOf(persistDir: string, collection: string): string {
  const path = join(persistDir, vectorSegmentOf(persistDir, collection), 'index_metadata.pickle');
  if (!existsSync(path)) throw new Error(`${collection} has no index_metadata.pickle to damage`);
  return path;
}

// --- index_metadata.pickle -------------------------------------------------------------------------------------------

export function missingPickle(persistDir: string, collection: string): void {
  rmSync(pickleOf(persistDir, collection));
}

export function emptyPickle(persistDir: string, collection: string): void {
  truncateSync(pickleOf(persistDir, collection), 0);
}

/** Cut in the middle, long after `max_seq_id`: the part that is left still names a plausible watermark. */
export function truncatedPickle(persistDir: string, collection: string): void {
  const path = pickleOf(persistDir, collection);
  truncateSync(path, Math.floor(readFileSync(path).length / 2));
}

/** Bytes that are no pickle, of the same length, with the end mark that a pickle has. */
export function garbagePickle(persistDir: string, collection: string): void {
  const path = pickleOf(persistDir, collection);
  const { length } = readFileSync(path);
  writeFileSync(path, Buffer.concat([Buffer.alloc(length - 1, 0xa5), Buffer.from('.')]));
}

/** A pickle that runs `touch <witness>` in every parser that believes it. */
export function pickleWithForbiddenClass(persistDir: string, collection: string, witness: string): void {
  writeFileSync(pickleOf(persistDir, collection), pickleCalling('posix', 'system', `touch ${witness}`));
}

/** `module.name(argument)` as protocol 4 spells it: two strings, STACK_GLOBAL, a tuple of one, REDUCE, STOP. */
export function pickleCalling(module: string, name: string, argument: string): Buffer {
  const parts = [Buffer.from([0x80, 4]), unicode(module), unicode(name), Buffer.from([0x93]), unicode(argument)];
  return Buffer.concat([...parts, Buffer.from([0x85]), Buffer.from('R.')]);
}

/** SHORT_BINUNICODE. */
function unicode(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x8c, Buffer.byteLength(text)]), Buffer.from(text)]);
}

/** Takes the attribute away by renaming it: every length and frame in the file stays right. */
export function pickleWithoutMaxSeqId(persistDir: string, collection: string): void {
  const path = pickleOf(persistDir, collection);
  const bytes = readFileSync(path);
  const at = bytes.indexOf('max_seq_id');
  if (at === -1) throw new Error(`the pickle of ${collection} has no max_seq_id`);
  bytes.write('mex_seq_id', at);
  writeFileSync(path, bytes);
}

export function damagedIndexFiles(persistDir: string, collection: string, what: 'no header.bin' | 'short data'): void {
  const directory = dirname(pickleOf(persistDir, collection));
  if (what === 'no header.bin') return rmSync(join(directory, 'header.bin'));
  truncateSync(join(directory, 'data_level0.bin'), 100);
}

// --- recorded positions ----------------------------------------------------------------------------------------------

/** Stores `value` as the recorded position of a segment that has one already: bigint as INTEGER, Buffer as BLOB. */
export function recordedAs(
  persistDir: string,
  collection: string,
  scope: Scope,
  value: bigint | Buffer | string | number | null,
): void {
  const segment = segmentOf(persistDir, collection, scope);
  change(persistDir, 'UPDATE max_seq_id SET seq_id = ? WHERE segment_id = ?', value, segment);
}

/** The metadata position that 1.0.0's migration leaves where a repair had stored an INTEGER in the BLOB column. */
export function poisonedWatermark(persistDir: string, collection: string, storedAs: 'INTEGER' | 'BLOB'): void {
  recordedAs(persistDir, collection, 'METADATA', storedAs === 'INTEGER' ? POISON : blobOf(POISON));
}

/** 1.0.0 and later only: the column of older versions is NOT NULL. */
export function nullWatermark(persistDir: string, collection: string): void {
  recordedAs(persistDir, collection, 'METADATA', null);
}

export function negativeWatermark(persistDir: string, collection: string): void {
  recordedAs(persistDir, collection, 'METADATA', -1n);
}

/** Every position as 8 bytes big-endian, as 0.6.3 writes them into the INTEGER column of a directory that 1.x migrated. */
export function blobWatermark(persistDir: string): void {
  withDatabase(persistDir, (db) => {
    const rows = db
      .prepare<[], [string, bigint]>("SELECT segment_id, seq_id FROM max_seq_id WHERE typeof(seq_id) = 'integer'")
      .raw()
      .all();
    if (rows.length === 0) throw new Error('no position is stored as INTEGER');
    const update = db.prepare('UPDATE max_seq_id SET seq_id = ? WHERE segment_id = ?');
    for (const [segment, position] of rows) update.run(blobOf(position), segment);
  });
}

/** Takes the row of table `max_seq_id` away: a crash at the very first persist of 0.5.6 and later. */
export function missingPosition(persistDir: string, collection: string, scope: Scope): void {
  change(persistDir, 'DELETE FROM max_seq_id WHERE segment_id = ?', segmentOf(persistDir, collection, scope));
}

/** The trace of a crash inside Chroma's submit transaction: the index claims more than the metadata has. */
export function vectorAheadOfMetadata(persistDir: string, collection: string): void {
  const stored = withDatabase(persistDir, (db) =>
    db
      .prepare<[string], string>('SELECT typeof(seq_id) FROM max_seq_id WHERE segment_id = ?')
      .pluck()
      .get(metadataSegmentOf(persistDir, collection)),
  );
  recordedAs(persistDir, collection, 'METADATA', stored === 'blob' ? blobOf(1n) : 1n);
}

// --- queue, catalog --------------------------------------------------------------------------------------------------

/** What a WAL cleaner leaves that knows nothing of seq_ids: the next row starts at 1 again. */
export function emptiedQueue(persistDir: string): void {
  change(persistDir, 'DELETE FROM embeddings_queue');
}

/** What `delete_database` of 1.x leaves: the rows of `segments`, and nothing else of the collection. */
export function orphanSegmentRows(persistDir: string, collection: string): void {
  const id = collectionIdOf(persistDir, collection);
  change(persistDir, "DELETE FROM embeddings_queue WHERE topic LIKE '%/' || ?", id);
  change(persistDir, 'DELETE FROM max_seq_id WHERE segment_id IN (SELECT id FROM segments WHERE collection = ?)', id);
  change(persistDir, 'DELETE FROM collections WHERE id = ?', id);
}

/** What `delete_database` of Python leaves: everything but the collection itself, its queue included. */
export function orphanTopic(persistDir: string, collection: string): void {
  change(persistDir, 'DELETE FROM collections WHERE id = ?', collectionIdOf(persistDir, collection));
}

/** Every topic as a server with other `tenant_id` and `topic_namespace` settings writes it. */
export function customTopicPrefix(persistDir: string, prefix = 'persistent://acme/search/'): void {
  withDatabase(persistDir, (db) => {
    for (const table of ['embeddings_queue', 'collections', 'segments']) {
      if (!columnsOf(db, table).includes('topic')) continue;
      db.prepare(`UPDATE ${table} SET topic = replace(topic, 'persistent://default/default/', ?)`).run(prefix);
    }
  });
}

/** The older half of a collection's rows under another prefix: a server was started with other settings in between. */
export function secondTopicPrefix(persistDir: string, collection: string, prefix = 'persistent://acme/search/'): void {
  const id = collectionIdOf(persistDir, collection);
  change(
    persistDir,
    `UPDATE embeddings_queue SET topic = @prefix || @id
     WHERE topic LIKE '%/' || @id
       AND seq_id < (SELECT AVG(seq_id) FROM embeddings_queue WHERE topic LIKE '%/' || @id)`,
    { prefix, id },
  );
}

// --- migrations ------------------------------------------------------------------------------------------------------

export function unknownMigration(persistDir: string): void {
  const sql = 'ALTER TABLE collections ADD COLUMN meaning TEXT;';
  change(
    persistDir,
    `INSERT INTO migrations (dir, version, filename, sql, hash)
     SELECT 'sysdb', MAX(version) + 1, '00099-meaning.sqlite.sql', ?, ? FROM migrations WHERE dir = 'sysdb'`,
    sql,
    createHash('md5').update(sql).digest('hex'),
  );
}

/** A known migration with another text, hash and all, as 0.4.1 edited metadb/1. */
export function editedMigration(persistDir: string): void {
  withDatabase(persistDir, (db) => {
    const where = "WHERE dir = 'metadb' AND version = 1";
    const sql = `${db.prepare<[], string>(`SELECT sql FROM migrations ${where}`).pluck().get()}\n`;
    const hash = createHash('md5').update(sql).digest('hex');
    db.prepare(`UPDATE migrations SET sql = ?, hash = ? ${where}`).run(sql, hash);
  });
}

export const HALF_RUN_MIGRATIONS = ['collections_tmp', 'segments_temp', 'int_seq_id', 'combination', 'gap'] as const;

/** What Python leaves when it is stopped inside a migration, or between two of its folders. */
export function halfRunMigration(persistDir: string, what: (typeof HALF_RUN_MIGRATIONS)[number]): void {
  withDatabase(persistDir, (db) => {
    if (what === 'collections_tmp') db.exec('CREATE TABLE collections_tmp AS SELECT * FROM collections');
    if (what === 'segments_temp') db.exec('CREATE TABLE segments_temp AS SELECT * FROM segments');
    if (what === 'int_seq_id') db.exec('ALTER TABLE max_seq_id ADD COLUMN int_seq_id INTEGER');
    // embeddings_queue comes first in Python, sysdb second: its newest two are still to come.
    if (what === 'combination') db.exec("DELETE FROM migrations WHERE dir = 'sysdb' AND version >= 8");
    if (what === 'combination') db.exec("DELETE FROM migrations WHERE dir = 'metadb' AND version >= 3");
    if (what === 'gap') db.exec("DELETE FROM migrations WHERE dir = 'sysdb' AND version = 2");
  });
}

/** The hashes of `migrations_hash_algorithm = sha256`. No damage: a setting. */
export function sha256Hashes(persistDir: string): void {
  withDatabase(persistDir, (db) => {
    db.function('sha256', (text) =>
      createHash('sha256')
        .update(text as string)
        .digest('hex'),
    );
    db.exec('UPDATE migrations SET hash = sha256(sql)');
  });
}

// --- the database file -----------------------------------------------------------------------------------------------

/** Cut in the middle, at a page boundary. */
export function tornDatabase(persistDir: string): void {
  const path = databaseOf(persistDir);
  truncateSync(path, Math.floor(readFileSync(path).length / 2 / 4096) * 4096);
}

export function zeroByteDatabase(persistDir: string): void {
  truncateSync(databaseOf(persistDir), 0);
}

/** A sound SQLite file of another program in the place of Chroma's. */
export function foreignDatabase(persistDir: string): void {
  rmSync(databaseOf(persistDir));
  const db = new Database(databaseOf(persistDir));
  db.exec("CREATE TABLE bookmarks (url TEXT PRIMARY KEY, title TEXT); INSERT INTO bookmarks VALUES ('about:', 'x')");
  db.close();
}

/**
 * Overwrites a leaf page of the b-tree of `table`: the whole page, so that it is none any more, or the cells at its
 * end, so that their lengths lead out of it. The header of the file stays right.
 */
export function damagedPage(persistDir: string, table: string, what: 'page' | 'cells' = 'page'): void {
  const page = withDatabase(persistDir, (db) =>
    db
      .prepare<[string], bigint>("SELECT MAX(pageno) FROM dbstat WHERE name = ? AND pagetype = 'leaf'")
      .pluck()
      .get(table),
  );
  const bytes = Buffer.alloc(what === 'page' ? 4096 : 1000, 0xee);
  const descriptor = openSync(databaseOf(persistDir), 'r+');
  writeSync(descriptor, bytes, 0, bytes.length, Number(present(page, table)) * 4096 - bytes.length);
  closeSync(descriptor);
}

/** Takes a document out of the full-text table behind the back of its index. */
export function damagedFullText(persistDir: string): void {
  withDatabase(persistDir, (db) => {
    // What FTS5 keeps for itself is otherwise not to be written.
    db.unsafeMode(true);
    const content = db
      .prepare<[], string>("SELECT name FROM sqlite_schema WHERE name LIKE 'embedding_fulltext%_content'")
      .pluck()
      .get();
    const sql = `DELETE FROM "${content}" WHERE rowid = (SELECT MIN(rowid) FROM "${content}")`;
    if (db.prepare(sql).run().changes === 0) throw new Error('there is no document');
  });
}

/** A second name for the database, outside the directory. Returns it. */
export function hardLinkedDatabase(persistDir: string): string {
  const other = join(dirname(persistDir), 'second-name.sqlite3');
  linkSync(databaseOf(persistDir), other);
  return other;
}

/** The database outside the directory, a symbolic link in its place. Returns where it is. */
export function symlinkedDatabase(persistDir: string): string {
  const other = join(dirname(persistDir), 'elsewhere.sqlite3');
  renameSync(databaseOf(persistDir), other);
  symlinkSync(other, databaseOf(persistDir));
  return other;
}

// --- journals --------------------------------------------------------------------------------------------------------

/**
 * What a machine leaves that stops in the middle of a transaction: pages already overwritten, the old ones in a synced
 * journal. Real: taken from under a transaction whose cache was too small to hold what it changed.
 */
export function hotJournal(persistDir: string): void {
  const before = readFileSync(databaseOf(persistDir));
  inScratchCopy(persistDir, (path, db) => {
    db.pragma('cache_size = 1');
    db.pragma('cache_spill = 1');
    db.pragma('synchronous = FULL');
    db.exec("BEGIN IMMEDIATE; UPDATE embeddings_queue SET id = id || '-half-done', metadata = 'half done'");
    takeFiles(path, persistDir, ['', '-journal']);
    db.exec('ROLLBACK');
  });
  const path = databaseOf(persistDir);
  if (readFileSync(`${path}-journal`)[0] === 0) throw new Error('the journal was not synced, so it is not hot');
  if (readFileSync(path).equals(before)) throw new Error('no changed page was written to the database');
}

/** What a finished transaction leaves in `journal_mode = PERSIST`: a whole journal whose header is zeroed. */
export function coldJournal(persistDir: string): void {
  inScratchCopy(persistDir, (path, db) => {
    db.pragma('journal_mode = PERSIST');
    db.exec("UPDATE embeddings_queue SET metadata = 'done'");
    takeFiles(path, persistDir, ['-journal']);
  });
  const journal = readFileSync(`${databaseOf(persistDir)}-journal`);
  if (journal.length === 0 || journal[0] !== 0) throw new Error('the journal is not cold');
}

/**
 * SQLite's write-ahead mode, as a user may have set it. `header`: a clean one, the database alone. `files`: -wal and
 * -shm beside it, the -wal with a committed change that the database file does not have yet.
 */
export function walMode(persistDir: string, variant: 'header' | 'files'): void {
  inScratchCopy(persistDir, (path, db) => {
    db.pragma('journal_mode = WAL');
    db.pragma('wal_autocheckpoint = 0');
    if (variant === 'files') {
      db.exec("UPDATE embeddings_queue SET metadata = 'in the -wal'");
      return takeFiles(path, persistDir, ['', '-wal', '-shm']);
    }
    db.close();
    takeFiles(path, persistDir, ['']);
  });
}

/** Runs `work` on a copy of the database in a folder of its own, which is gone afterwards. */
function inScratchCopy(persistDir: string, work: (path: string, db: Database.Database) => void): void {
  const scratch = mkdtempSync(join(tmpdir(), 'chroma-maint-damage-'));
  const path = join(scratch, 'copy');
  copyFileSync(databaseOf(persistDir), path);
  const db = new Database(path, { fileMustExist: true });
  try {
    work(path, db);
  } finally {
    db.close();
    rmSync(scratch, { recursive: true });
  }
}

function takeFiles(path: string, persistDir: string, suffixes: readonly string[]): void {
  for (const suffix of suffixes) copyFileSync(path + suffix, databaseOf(persistDir) + suffix);
}

// --- helpers ---------------------------------------------------------------------------------------------------------

function segmentOf(persistDir: string, collection: string, scope: Scope): string {
  const id = collectionIdOf(persistDir, collection);
  return withDatabase(persistDir, (db) => {
    const sql = 'SELECT id FROM segments WHERE collection = ? AND scope = ?';
    return present(
      db.prepare<[string, string], string>(sql).pluck().get(id, scope),
      `${scope} segment of ${collection}`,
    );
  });
}

/** Runs one changing statement that must change something. */
export function change(persistDir: string, sql: string, ...values: readonly unknown[]): void {
  const { changes } = withDatabase(persistDir, (db) => db.prepare(sql).run(...values));
  if (changes === 0) throw new Error(`nothing to damage: ${sql}`);
}

function columnsOf(db: Database.Database, table: string): readonly string[] {
  return db.prepare<[string], string>('SELECT name FROM pragma_table_info(?)').pluck().all(table);
}

function blobOf(position: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(position);
  return bytes;
}

function present<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new Error(`there is no ${what}`);
  return value;
}
