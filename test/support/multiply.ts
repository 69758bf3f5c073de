import { existsSync, linkSync, mkdirSync, readdirSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { withDatabase } from './state.ts';

interface SegmentRow {
  readonly id: string;
  readonly type: string;
  readonly scope: string;
}

/**
 * Repeats a collection `times` times under new names and ids: its catalogue rows, recorded positions, index files and
 * queue rows, as real Chroma wrote them for the one. For directories of generations without topic columns (0.5.0 on).
 */
export function multiply(persistDir: string, collection: string, times: number): void {
  withDatabase(persistDir, (db) => {
    const id = db
      .prepare<[string], string>('SELECT id FROM collections WHERE name = ? LIMIT 1')
      .pluck()
      .get(collection);
    const segments = db
      .prepare<[unknown], SegmentRow>('SELECT id, type, scope FROM segments WHERE collection = ?')
      .all(id);
    const columns = db
      .prepare<[], string>("SELECT name FROM pragma_table_info('collections')")
      .pluck()
      .all()
      .filter((name) => name !== 'id' && name !== 'name');
    const copyCollection = db.prepare(
      `INSERT INTO collections (id, name, ${columns.join(', ')}) SELECT ?, ?, ${columns.join(', ')} FROM collections WHERE id = ?`,
    );
    const insertSegment = db.prepare('INSERT INTO segments (id, type, scope, collection) VALUES (?, ?, ?, ?)');
    const copyPosition = db.prepare(
      'INSERT INTO max_seq_id (segment_id, seq_id) SELECT ?, seq_id FROM max_seq_id WHERE segment_id = ?',
    );
    const copyRows = db.prepare(`
      INSERT INTO embeddings_queue (operation, topic, id, vector, encoding, metadata)
      SELECT operation, replace(topic, ?, ?), id, vector, encoding, metadata FROM embeddings_queue WHERE topic LIKE '%' || ? LIMIT 5`);
    db.transaction(() => {
      for (let copy = 1; copy <= times; copy += 1) {
        const newId = randomUUID();
        copyCollection.run(newId, `${collection}-${copy}`, id);
        for (const segment of segments) {
          const newSegment = randomUUID();
          insertSegment.run(newSegment, segment.type, segment.scope, newId);
          copyPosition.run(newSegment, segment.id);
          copyDirectory(join(persistDir, segment.id), join(persistDir, newSegment));
        }
        copyRows.run(id, newId, id);
      }
    })();
  });
}

function copyDirectory(from: string, to: string): void {
  if (!existsSync(from)) return;
  mkdirSync(to);
  for (const name of readdirSync(from)) linkSync(join(from, name), join(to, name));
}
