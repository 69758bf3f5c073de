/**
 * After how many writes Chroma saves a collection's index: a setting of the collection, kept in other places by every
 * era. Up to 0.6.3 and in 1.x a collection's metadata, `hnsw:sync_threshold`; from 0.5.4 on `config_json_str` as well,
 * and from 1.3.0 on `schema_str`.
 */
import { quoted } from '../sqlite/copy.ts';
import type { Database } from '../sqlite/open.ts';
import type { CollectionId } from './model.ts';

/** Chroma's default in every version (0.4.0 chromadb/segment/impl/vector/hnsw_params.py). */
export const DEFAULT_SYNC_THRESHOLD = 1000;

const IN_METADATA =
  "SELECT collection_id AS id, MAX(int_value) AS value FROM collection_metadata WHERE key = 'hnsw:sync_threshold' GROUP BY 1";
const COLUMNS = "SELECT name FROM pragma_table_info('collections') WHERE name IN ('config_json_str', 'schema_str')";

/** Returns the thresholds of the collections that set one; the highest where several places tell of one. */
export function readSyncThresholds(db: Database): ReadonlyMap<CollectionId, number> {
  const found = new Map<CollectionId, number>();
  const note = (id: CollectionId, value: number): void => {
    found.set(id, Math.max(found.get(id) ?? 0, value));
  };
  for (const { id, value } of db.prepare<[], { id: string; value: bigint | null }>(IN_METADATA).all()) {
    if (typeof value === 'bigint') note(id, Number(value));
  }
  for (const column of db.prepare<[], string>(COLUMNS).pluck().all()) {
    const rows = db.prepare<[], { id: string; text: unknown }>(`SELECT id, ${quoted(column)} AS text FROM collections`);
    for (const { id, text } of rows.all()) for (const value of thresholdsIn(parsed(text))) note(id, value);
  }
  return found;
}

function parsed(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

/** The numbers under the key `sync_threshold`, at whatever depth: its place differs from version to version. */
function thresholdsIn(value: unknown): readonly number[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]: [string, unknown]) =>
    key === 'sync_threshold' && typeof each === 'number' ? [each] : thresholdsIn(each),
  );
}
