/**
 * Rows and directories as Chroma of every generation writes and leaves them, put into a copy of a directory that real
 * Chroma made: what a random life of a directory needs, fast and without Chroma.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

export const INDEX_FILES: readonly string[] = [
  'data_level0.bin',
  'header.bin',
  'index_metadata.pickle',
  'length.bin',
  'link_lists.bin',
];

/** What Chroma leaves of a collection that it deletes, by the release that began to leave it so. */
export type Deletion = '0.4.0' | '0.4.9, loaded' | '0.4.19, loaded' | '0.4.23, loaded' | '0.5.21' | '1.0.0' | '1.0.15';

export interface Made {
  readonly id: string;
  /** Where the rows of its queue go. */
  readonly topic: string;
  readonly metadata: string;
  readonly vector: string;
}

const METADATA = 'urn:chroma:segment/metadata/sqlite';
const VECTOR = 'urn:chroma:segment/vector/hnsw-local-persisted';

const LIVE_COLLECTIONS = 'SELECT id FROM collections ORDER BY id';
const SEGMENTS_OF = 'SELECT id, scope FROM segments WHERE collection = ?';
const OWN_COLUMNS = 'SELECT name FROM pragma_table_info(?)';

/** One directory, open for as long as it is written to. */
export class ChromaRows {
  readonly dir: string;
  readonly db: Database.Database;
  readonly hasTopics: boolean;
  readonly hasDatabases: boolean;
  readonly hasArrays: boolean;
  readonly #hasBlobs: boolean;
  readonly #fullText: string;
  #ids = 0;

  constructor(dir: string) {
    this.dir = dir;
    this.db = new Database(join(dir, 'chroma.sqlite3'), { fileMustExist: true });
    this.db.defaultSafeIntegers(true);
    for (const pragma of ['foreign_keys = OFF', 'synchronous = OFF']) this.db.pragma(pragma);
    this.hasTopics = this.#columns('segments').includes('topic');
    this.hasDatabases = this.#columns('collections').includes('database_id');
    this.hasArrays = this.#columns('embedding_metadata_array').length > 0;
    this.#hasBlobs = this.one("SELECT type FROM pragma_table_info('max_seq_id') WHERE name = 'seq_id'") === 'BLOB';
    this.#fullText =
      this.#columns('embedding_fulltext').length > 0 ? 'embedding_fulltext' : 'embedding_fulltext_search';
  }

  close(): void {
    this.db.close();
  }

  /** The same ones in every life, so that a counterexample stays one while it gets smaller. */
  newId(): string {
    this.#ids += 1;
    return `a0000000-0000-4000-8000-${String(this.#ids).padStart(12, '0')}`;
  }

  run(sql: string, ...values: readonly unknown[]): void {
    this.db.prepare(sql).run(...values);
  }

  one(sql: string, ...values: readonly unknown[]): unknown {
    return this.db
      .prepare(sql)
      .pluck()
      .get(...values);
  }

  collections(): readonly string[] {
    return this.db.prepare<[], string>(LIVE_COLLECTIONS).pluck().all();
  }

  databases(): readonly string[] {
    if (!this.hasDatabases) return [];
    return this.db.prepare<[], string>('SELECT id FROM databases ORDER BY id').pluck().all();
  }

  /** The collection `id` as far as the catalogue tells; null where a segment of it is missing. */
  find(id: string): Made | null {
    const segments = this.db.prepare<[string], { id: string; scope: string }>(SEGMENTS_OF).all(id);
    const [metadata, vector] = ['METADATA', 'VECTOR'].map((scope) => segments.find((each) => each.scope === scope)?.id);
    if (metadata === undefined || vector === undefined) return null;
    const topic = this.hasTopics ? this.one('SELECT topic FROM collections WHERE id = ?', id) : topicOf(id);
    return { id, topic: String(topic), metadata, vector };
  }

  createDatabase(tenant: string): void {
    if (!this.hasDatabases) return;
    this.run('INSERT OR IGNORE INTO tenants (id) VALUES (?)', tenant);
    this.run('INSERT INTO databases (id, name, tenant_id) VALUES (?, ?, ?)', this.newId(), this.newId(), tenant);
  }

  /** `names`: how its segments name it, where they can in more than one way. */
  createCollection(at: number, names: 'both' | 'id' | 'topic' = 'both'): Made {
    const id = this.newId();
    const made = { id, topic: topicOf(id), metadata: this.newId(), vector: this.newId() };
    const databases = this.databases();
    this.insert('collections', {
      id,
      name: `made-${id}`,
      ...(this.hasTopics ? { topic: made.topic } : {}),
      ...(this.hasDatabases ? { database_id: databases[at % databases.length] ?? 'none' } : {}),
    });
    this.insert('collection_metadata', { collection_id: id, key: 'made', int_value: 1n });
    const collection = names === 'topic' && this.hasTopics ? null : id;
    this.createSegment(made.metadata, METADATA, collection, names === 'id' ? null : made.topic);
    this.createSegment(made.vector, VECTOR, collection, names === 'id' ? null : made.topic);
    return made;
  }

  createSegment(id: string, type: string, collection: string | null, topic: string | null): void {
    const scope = type === METADATA ? 'METADATA' : 'VECTOR';
    this.insert('segments', { id, type, scope, collection, ...(this.hasTopics ? { topic } : {}) });
    this.insert('segment_metadata', { segment_id: id, key: 'hnsw:space', str_value: 'l2' });
  }

  /** Writes records as a batch of Chroma does: log, metadata segment, and the position of that. */
  write({ topic, metadata }: Made, many: number): void {
    for (let count = 0; count < many; count += 1) {
      const seqId = this.queue(topic, this.newId());
      this.record(metadata, seqId);
      this.position(metadata, seqId);
    }
  }

  queue(topic: string, id: string, operation = 0n): bigint {
    const row = { operation, topic, id, vector: operation === 3n ? null : Buffer.alloc(16), encoding: 'FLOAT32' };
    this.insert('embeddings_queue', row);
    return this.one('SELECT MAX(seq_id) FROM embeddings_queue') as bigint;
  }

  record(segment: string, seqId: bigint): bigint {
    const row = { segment_id: segment, embedding_id: this.newId(), seq_id: this.#hasBlobs ? blobOf(seqId) : seqId };
    this.insert('embeddings', row);
    const id = this.one('SELECT MAX(id) FROM embeddings') as bigint;
    this.metadataOf(id);
    this.fullTextOf(id);
    this.arraysOf(id);
    return id;
  }

  metadataOf(id: bigint): void {
    const row = { id, key: 'chroma:document', string_value: `document ${id}` };
    this.insert('embedding_metadata', row);
    this.insert('embedding_metadata', { id, key: 'rank', int_value: id });
  }

  fullTextOf(id: bigint): void {
    this.insert(this.#fullText, { [this.#record]: id, string_value: `document ${id}` });
  }

  arraysOf(id: bigint): void {
    if (!this.hasArrays) return;
    for (const value of ['a', 'b']) this.insert('embedding_metadata_array', { id, key: 'tags', string_value: value });
  }

  position(segment: string, seqId: bigint): void {
    this.insert('max_seq_id', { segment_id: segment, seq_id: this.#hasBlobs ? blobOf(seqId) : seqId });
  }

  /** The files of an index. No program that cleans up has to understand them. */
  saveIndex(segment: string): void {
    const place = join(this.dir, segment);
    rmSync(place, { recursive: true, force: true });
    mkdirSync(place);
    for (const name of INDEX_FILES) writeFileSync(join(place, name), `${name} of ${segment}`);
  }

  /** Deletes one record; up to 0.4.24 its full text stays (0.4.14 on), from 1.5.0 on its arrays. */
  deleteRecord({ metadata, topic }: Made, staying: 'nothing' | 'full text' | 'arrays'): void {
    const id = this.one('SELECT MIN(id) FROM embeddings WHERE segment_id = ?', metadata) as bigint | null;
    if (id === null) return;
    this.queue(topic, 'deleted', 3n);
    this.run('DELETE FROM embeddings WHERE id = ?', id);
    this.run('DELETE FROM embedding_metadata WHERE id = ?', id);
    if (staying !== 'full text') this.run(`DELETE FROM ${this.#fullText} WHERE ${this.#record} = ?`, id);
    if (staying !== 'arrays' && this.hasArrays) this.run('DELETE FROM embedding_metadata_array WHERE id = ?', id);
  }

  deleteCollection(id: string, like: Deletion): void {
    const found = this.find(id);
    const topic = found?.topic ?? topicOf(id);
    const segments = this.db.prepare<[string], string>(SEGMENTS_OF).pluck().all(id);
    this.run('DELETE FROM embeddings_queue WHERE topic = ?', topic);
    this.run('DELETE FROM collections WHERE id = ?', id);
    this.run('DELETE FROM segments WHERE collection = ?', id);
    if (like.startsWith('1')) this.run('DELETE FROM collection_metadata WHERE collection_id = ?', id);
    for (const segment of segments) {
      if (like.endsWith('loaded')) rmSync(join(this.dir, segment), { recursive: true, force: true });
      if (like === '1.0.15') {
        this.run('DELETE FROM max_seq_id WHERE segment_id = ?', segment);
        this.run('DELETE FROM segment_metadata WHERE segment_id = ?', segment);
      }
      if (['0.4.19, loaded', '0.4.23, loaded', '1.0.15'].includes(like)) this.#deleteRecords(segment, like);
    }
  }

  /** Python takes the collections alone, Rust everything but the segments. Both leave the directories. */
  deleteDatabase(id: string, like: 'Python' | 'Rust' | 'half'): void {
    this.run('DELETE FROM databases WHERE id = ?', id);
    if (like === 'half') return;
    for (const collection of this.#collectionsIn(id)) {
      const found = this.find(collection);
      this.run('DELETE FROM collections WHERE id = ?', collection);
      if (like === 'Python' || found === null) continue;
      this.run('DELETE FROM embeddings_queue WHERE topic = ?', found.topic);
      this.run('DELETE FROM collection_metadata WHERE collection_id = ?', collection);
      for (const segment of [found.metadata, found.vector]) {
        this.run('DELETE FROM max_seq_id WHERE segment_id = ?', segment);
        this.#deleteRecords(segment, '1.0.15');
      }
    }
  }

  /** What a crash between the statements that make a collection leaves, or a damaged page. */
  loseSegment(collection: string, scope: 'METADATA' | 'VECTOR'): void {
    this.run('DELETE FROM segments WHERE collection = ? AND scope = ?', collection, scope);
  }

  #collectionsIn(database: string): readonly string[] {
    return this.db.prepare<[string], string>('SELECT id FROM collections WHERE database_id = ?').pluck().all(database);
  }

  #deleteRecords(segment: string, like: Deletion): void {
    const ids = this.db
      .prepare<[string], bigint>('SELECT id FROM embeddings WHERE segment_id = ?')
      .pluck()
      .all(segment);
    for (const id of ids) {
      this.run('DELETE FROM embedding_metadata WHERE id = ?', id);
      if (like !== '0.4.19, loaded') this.run(`DELETE FROM ${this.#fullText} WHERE ${this.#record} = ?`, id);
    }
    this.run('DELETE FROM embeddings WHERE segment_id = ?', segment);
  }

  /** Replaces what is there under the same key, as a number that is used again meets old rows. */
  insert(table: string, row: Readonly<Record<string, unknown>>): void {
    const names = Object.keys(row);
    const marks = names.map(() => '?').join(', ');
    this.run(`INSERT OR REPLACE INTO ${table} (${names.join(', ')}) VALUES (${marks})`, ...Object.values(row));
  }

  /** The column that leads to the record. */
  get #record(): string {
    return this.#fullText === 'embedding_fulltext' ? 'id' : 'rowid';
  }

  #columns(table: string): readonly string[] {
    return this.db.prepare<[string], string>(OWN_COLUMNS).pluck().all(table);
  }
}

export function topicOf(collection: string): string {
  return `persistent://default/default/${collection}`;
}

function blobOf(position: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(position);
  return bytes;
}
