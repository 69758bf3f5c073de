/**
 * Damages to the catalogue and to rows, and what deletions leave, each done on purpose to a test's own copy of a fixture.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { change, collectionIdOf, metadataSegmentOf, vectorSegmentOf } from './damage.ts';
import { withDatabase } from './state.ts';

// --- WAL -------------------------------------------------------------------------------------------------------------

const TOPIC_OF = `
  SELECT topic FROM embeddings_queue WHERE topic LIKE '%/' || ? ORDER BY seq_id LIMIT 1`;

export function topicOf(persistDir: string, collection: string): string {
  const id = collectionIdOf(persistDir, collection);
  const topic = withDatabase(persistDir, (db) => db.prepare<[string], string>(TOPIC_OF).pluck().get(id));
  if (topic === undefined) throw new Error(`the WAL has no row of ${collection}`);
  return topic;
}

/** The WAL rows of one collection are gone, as after the purge of 0.5.7 or a deletion by hand. */
export function lostWalRows(persistDir: string, collection: string): void {
  change(persistDir, 'DELETE FROM embeddings_queue WHERE topic = ?', topicOf(persistDir, collection));
}

/** The newest `rows` WAL rows of a collection with an operation that no Chroma up to 1.3.5 knows. */
export function unknownOperations(persistDir: string, collection: string, rows: number): void {
  change(
    persistDir,
    `UPDATE embeddings_queue SET operation = 4
     WHERE seq_id IN (SELECT seq_id FROM embeddings_queue WHERE topic = ? ORDER BY seq_id DESC LIMIT ?)`,
    topicOf(persistDir, collection),
    BigInt(rows),
  );
}

/** WAL rows of `operation` above everything that is saved: what an index leaves that can no longer be saved. */
export function waitingRows(persistDir: string, collection: string, rows: number, operation: 0 | 2): void {
  change(
    persistDir,
    `WITH RECURSIVE counter(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < @rows)
     INSERT INTO embeddings_queue (operation, topic, id, vector, encoding, metadata)
     SELECT @operation, @topic, 'waiting-' || n, zeroblob(16), 'FLOAT32', '{}' FROM counter`,
    { rows: BigInt(rows), operation: BigInt(operation), topic: topicOf(persistDir, collection) },
  );
}

// --- records ---------------------------------------------------------------------------------------------------------

/** The last `count` records of a collection are gone from the metadata, with all that belongs to them, not from its index. */
export function lostRecords(persistDir: string, collection: string, count: number): readonly string[] {
  const segment = metadataSegmentOf(persistDir, collection);
  return withDatabase(persistDir, (db) => {
    const rows = db
      .prepare<[string, number], { id: bigint; embedding_id: string }>(
        'SELECT id, embedding_id FROM embeddings WHERE segment_id = ? ORDER BY id DESC LIMIT ?',
      )
      .all(segment, count);
    for (const { id } of rows) {
      for (const table of ['embeddings', 'embedding_metadata']) db.prepare(`DELETE FROM ${table} WHERE id = ?`).run(id);
      db.prepare('DELETE FROM embedding_fulltext_search WHERE rowid = ?').run(id);
    }
    if (rows.length < count) throw new Error(`${collection} has only ${rows.length} records`);
    return rows.map(({ embedding_id }) => embedding_id);
  });
}

// --- catalogue -------------------------------------------------------------------------------------------------------

/** The segments of a collection are gone: all, or those of one scope. */
export function lostSegments(persistDir: string, collection: string, scope?: 'METADATA' | 'VECTOR'): void {
  const where = scope === undefined ? '' : ` AND scope = '${scope}'`;
  change(persistDir, `DELETE FROM segments WHERE collection = ?${where}`, collectionIdOf(persistDir, collection));
}

/** A segment of a type that only a distributed Chroma writes. */
export function distributedSegment(persistDir: string, collection: string): void {
  const type = 'urn:chroma:segment/vector/hnsw-distributed';
  change(persistDir, 'UPDATE segments SET type = ? WHERE id = ?', type, vectorSegmentOf(persistDir, collection));
}

/** The row of table `databases` that a collection's database has, taken away behind Chroma's back. */
export function lostDatabase(persistDir: string, name: string): void {
  change(persistDir, 'DELETE FROM databases WHERE name = ?', name);
}

/** Collections and segments are gone; rows, WAL and directories are there. */
export function emptiedCatalog(persistDir: string): void {
  change(persistDir, 'DELETE FROM collections');
  change(persistDir, 'DELETE FROM segments');
}

/** A segment without an id, which SQLite takes although it is the primary key. */
export function segmentWithoutId(persistDir: string, collection: string): void {
  change(persistDir, 'UPDATE segments SET id = NULL WHERE id = ?', vectorSegmentOf(persistDir, collection));
}

/** Id of the collection "notes" in the database "archive", which shares its name with one of the default database. */
export function archivedNotesOf(persistDir: string): string {
  const sql = `
    SELECT c.id FROM collections AS c JOIN databases AS d ON d.id = c.database_id
    WHERE c.name = 'notes' AND d.name = 'archive'`;
  const id = withDatabase(persistDir, (db) => db.prepare<[], string>(sql).pluck().get());
  if (id === undefined) throw new Error('there is no archive/notes');
  return id;
}

/** A collection with everything of it, rows and directory, as if it had never been there. */
export function withoutCollection(persistDir: string, collection: string): void {
  const [id, vector, metadata] = [collectionIdOf, vectorSegmentOf, metadataSegmentOf].map((of) =>
    of(persistDir, collection),
  );
  withDatabase(persistDir, (db) => {
    const records = 'SELECT id FROM embeddings WHERE segment_id = @metadata';
    for (const sql of [
      `DELETE FROM embedding_fulltext_search WHERE rowid IN (${records})`,
      `DELETE FROM embedding_metadata WHERE id IN (${records})`,
      'DELETE FROM embeddings WHERE segment_id = @metadata',
      'DELETE FROM max_seq_id WHERE segment_id IN (@metadata, @vector)',
      'DELETE FROM segment_metadata WHERE segment_id IN (@metadata, @vector)',
      'DELETE FROM collection_metadata WHERE collection_id = @id',
      'DELETE FROM segments WHERE collection = @id',
      'DELETE FROM collections WHERE id = @id',
      "DELETE FROM embeddings_queue WHERE topic LIKE '%/' || @id",
    ]) {
      db.prepare(sql).run({ id, vector, metadata });
    }
  });
  rmSync(join(persistDir, vector ?? ''), { recursive: true, force: true });
}

/** Chroma's own purge of the WAL, switched on or off. */
export function autoPurge(persistDir: string, isOn: boolean): void {
  const config = JSON.stringify({ automatically_purge: isOn, _type: 'EmbeddingsQueueConfigurationInternal' });
  change(persistDir, 'UPDATE embeddings_queue_config SET config_json_str = ?', config);
}
