/** What the commands on the WAL print, and rows that no Chroma writes. */
import { databaseOf } from './damage.ts';
import { withDatabase } from './state.ts';

export interface ListedRow {
  readonly seqId: string;
  readonly createdAt: string | null;
  readonly op: string;
  readonly topic: string | null;
  readonly collection: string | null;
  readonly collectionName: string | null;
  readonly id: string | null;
  readonly encoding: string | null;
  readonly vectorBytes: number | null;
  readonly dimension: number | null;
  readonly norm: number | null;
  readonly metadata: string | null;
  readonly metadataKeys: readonly string[] | null;
  readonly state: string;
  readonly prunable: boolean;
}

export interface ExportedRow {
  readonly seq_id: string;
  readonly op: string;
  readonly id: string | null;
  readonly collection_name: string | null;
  readonly vector: string | readonly number[] | null;
  readonly metadata: string | null;
}

/** The objects of JSON Lines. */
export function linesOf(text: string): readonly unknown[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));
}

export function listedIn(text: string): readonly ListedRow[] {
  return linesOf(text) as readonly ListedRow[];
}

export function exportedIn(text: string): readonly ExportedRow[] {
  return linesOf(text) as readonly ExportedRow[];
}

export interface StrangeRow {
  readonly seqId?: bigint;
  readonly createdAt?: string | null;
  readonly operation?: bigint | string | null;
  readonly topic?: string | null;
  readonly id?: string | Buffer | null;
  readonly vector?: Buffer | string | null;
  readonly encoding?: string | null;
  readonly metadata?: string | Buffer | null;
}

/** The topic of the first row of `collection`, by name. */
export function topicOf(persistDir: string, collection: string): string {
  const topic = withDatabase(persistDir, (db) =>
    db
      .prepare<[string], string>(
        "SELECT topic FROM embeddings_queue WHERE topic LIKE '%' || (SELECT id FROM collections WHERE name = ? LIMIT 1) LIMIT 1",
      )
      .pluck()
      .get(collection),
  );
  if (topic === undefined) throw new Error(`the queue of ${databaseOf(persistDir)} has no row of ${collection}`);
  return topic;
}

const INSERT = `
  INSERT INTO embeddings_queue (seq_id, created_at, operation, topic, id, vector, encoding, metadata)
  VALUES (@seqId, @createdAt, @operation, @topic, @id, @vector, @encoding, @metadata)`;

/** Appends rows to the queue; what is not said is as Chroma would have it, and NULL stands where null is said. */
export function appendRows(persistDir: string, rows: readonly StrangeRow[]): readonly bigint[] {
  const topic = topicOf(persistDir, 'drafts');
  return withDatabase(persistDir, (db) => {
    const insert = db.prepare(INSERT);
    const append = (row: StrangeRow): bigint => {
      const plain = {
        seqId: null,
        createdAt: '2026-11-22 12:00:00',
        operation: 0n,
        topic,
        id: 'appended',
        vector: null,
        encoding: null,
        metadata: null,
      };
      return BigInt(insert.run({ ...plain, ...row }).lastInsertRowid);
    };
    return db.transaction(() => rows.map(append))();
  });
}

/** Makes the queue anew without its NOT NULL, as somebody's repair may leave it. */
export function withoutConstraints(persistDir: string): void {
  withDatabase(persistDir, (db) => {
    db.exec(`
      CREATE TABLE other (seq_id INTEGER PRIMARY KEY, created_at TIMESTAMP, operation INTEGER, topic TEXT, id TEXT,
        vector BLOB, encoding TEXT, metadata TEXT);
      INSERT INTO other SELECT seq_id, created_at, operation, topic, id, vector, encoding, metadata FROM embeddings_queue;
      DROP TABLE embeddings_queue;
      ALTER TABLE other RENAME TO embeddings_queue;`);
  });
}
