import { withDatabase } from './state.ts';

const APPEND = `
  WITH RECURSIVE counter(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < @rows)
  INSERT INTO embeddings_queue (operation, topic, id, vector, encoding, metadata)
  SELECT 2, @topic, 'appended-' || n, randomblob(@bytes), 'FLOAT32', '{"chroma:document": "a document"}' FROM counter`;

const TOPIC_OF = `
  SELECT topic FROM embeddings_queue
  WHERE topic LIKE '%' || (SELECT id FROM collections WHERE name = ? LIMIT 1) LIMIT 1`;

/** Appends rows that Chroma has not saved yet to the queue of `collection`: live data that every copy must carry. */
export function enlarge(persistDir: string, collection: string, rows: number, dimension: number): void {
  withDatabase(persistDir, (db) => {
    const topic = db.prepare<[string], string>(TOPIC_OF).pluck().get(collection);
    if (topic === undefined) throw new Error(`the queue has no row of ${collection}`);
    db.prepare(APPEND).run({ rows: BigInt(rows), topic, bytes: BigInt(dimension * 4) });
  });
}

const DOCUMENTS = `
  WITH RECURSIVE counter(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < @documents)
  INSERT INTO embeddings (id, segment_id, embedding_id, seq_id)
  SELECT @first + n, (SELECT MIN(segment_id) FROM embeddings), 'long-' || n, x'0000000000000001' FROM counter`;

const TEXTS = `
  INSERT INTO embedding_metadata (id, key, string_value)
  SELECT id, 'chroma:document', 'long document ' || id || ' ' || hex(randomblob(@bytes / 2))
  FROM embeddings WHERE id > @first`;

const INDEX = `
  INSERT INTO embedding_fulltext_search (rowid, string_value)
  SELECT id, string_value FROM embedding_metadata WHERE id > @first AND key = 'chroma:document'`;

/** Adds records with long documents, in the index too: for directories of 0.4.6 and later. */
export function enlargeDocuments(persistDir: string, documents: number, bytes: number): void {
  withDatabase(persistDir, (db) => {
    const first = db.prepare<[], bigint>('SELECT MAX(id) FROM embeddings').pluck().get() ?? 0n;
    db.transaction(() => {
      db.prepare(DOCUMENTS).run({ documents: BigInt(documents), first });
      db.prepare(TEXTS).run({ first, bytes: BigInt(bytes) });
      db.prepare(INDEX).run({ first });
    })();
  });
}
