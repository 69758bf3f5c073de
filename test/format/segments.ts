/** What the tables of a real directory say about its vector segments, read with plain SQL. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { withDatabase } from '../support/state.ts';

export interface SavedSegment {
  readonly id: string;
  readonly path: string;
  /** The collection's name, or null where the segment's collection was deleted. */
  readonly collection: string | null;
  /** Table `max_seq_id`, up to 0.5.5 without a row for vector segments. */
  readonly recorded: bigint | null;
  /** Every id that the queue names in any operation or that the metadata segment holds. */
  readonly everNamed: ReadonlySet<string>;
  /** Ids in the metadata segment with the position of their last change. */
  readonly stored: ReadonlyMap<string, bigint>;
}

/** Segments with an index_metadata.pickle. */
export function savedSegments(persistDir: string): readonly SavedSegment[] {
  const ids = readdirSync(persistDir).filter((name) => existsSync(join(persistDir, name, 'index_metadata.pickle')));
  return ids.map((id) => ({ id, path: join(persistDir, id), ...rowsFor(persistDir, id) }));
}

function rowsFor(persistDir: string, id: string): Omit<SavedSegment, 'id' | 'path'> {
  return withDatabase(persistDir, (db) => {
    const owner = db
      .prepare<[string], { id: string; name: string }>(
        'SELECT c.id, c.name FROM segments AS s JOIN collections AS c ON c.id = s.collection WHERE s.id = ?',
      )
      .get(id);
    const recorded = db.prepare<[string]>('SELECT seq_id FROM max_seq_id WHERE segment_id = ?').pluck().get(id);
    const stored = db
      .prepare<[string | undefined], { embedding_id: string; seq_id: unknown }>(
        `SELECT embedding_id, seq_id FROM embeddings
         WHERE segment_id IN (SELECT id FROM segments WHERE collection = ? AND scope = 'METADATA')`,
      )
      .all(owner?.id);
    const queued = db
      .prepare<[string | undefined], string>("SELECT DISTINCT id FROM embeddings_queue WHERE topic LIKE '%/' || ?")
      .pluck()
      .all(owner?.id);
    return {
      collection: owner?.name ?? null,
      recorded: recorded === undefined ? null : numberIn(recorded),
      everNamed: new Set([...queued, ...stored.map((each) => each.embedding_id)]),
      stored: new Map(stored.map((each) => [each.embedding_id, numberIn(each.seq_id)])),
    };
  });
}

function numberIn(stored: unknown): bigint {
  return stored instanceof Buffer ? stored.readBigUInt64BE() : (stored as bigint);
}
