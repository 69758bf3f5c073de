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
