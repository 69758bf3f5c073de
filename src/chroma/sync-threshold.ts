/**
 * After how many writes Chroma saves a collection's index: at its sync threshold, for which it looks only when a batch is
 * full. Both are settings of the collection, kept in other places by every era. Up to 0.6.3 and in 1.x in the metadata of
 * collection and segment, `hnsw:sync_threshold` and `hnsw:batch_size`, of which the segment's counts, because the
 * collection's can be replaced later; from 0.5.4 on in `config_json_str` as well, and from 1.3.0 on in `schema_str`.
 */
import { quoted } from '../sqlite/copy.ts';
import type { Database } from '../sqlite/open.ts';
import type { CollectionId } from './model.ts';

/** The two settings by their names, with Chroma's default in every version (0.4.0 …/vector/hnsw_params.py). */
const DEFAULTS = { sync_threshold: 1000, batch_size: 100 } as const;

type Setting = keyof typeof DEFAULTS;

const IN_METADATA = `
  WITH told(id, key, value) AS (
    SELECT collection_id, key, int_value FROM collection_metadata
    UNION ALL
    SELECT s.collection, m.key, m.int_value FROM segment_metadata AS m JOIN segments AS s ON s.id = m.segment_id)
  SELECT id, SUBSTR(key, 6) AS setting, value FROM told WHERE key IN ('hnsw:sync_threshold', 'hnsw:batch_size')`;
const COLUMNS = "SELECT name FROM pragma_table_info('collections') WHERE name IN ('config_json_str', 'schema_str')";

/** What is told of one collection; the highest where several places tell of one setting. */
type Settings = ReadonlyMap<Setting, number>;

/** Reads the settings of every collection, and returns how many writes of one can wait until its index is saved. */
export function readSaveIntervals(db: Database): (id: CollectionId) => number {
  const told = new Map<CollectionId, Map<Setting, number>>();
  const note = (id: CollectionId, setting: Setting, value: number): void => {
    if (!(value >= 1)) return;
    const settings = told.get(id) ?? new Map<Setting, number>();
    told.set(id, settings.set(setting, Math.max(settings.get(setting) ?? 0, value)));
  };
  const inMetadata = db.prepare<[], { id: string; setting: Setting; value: unknown }>(IN_METADATA);
  for (const { id, setting, value } of inMetadata.all()) {
    if (typeof value === 'bigint') note(id, setting, Number(value));
  }
  for (const column of db.prepare<[], string>(COLUMNS).pluck().all()) {
    const rows = db.prepare<[], { id: string; text: unknown }>(`SELECT id, ${quoted(column)} AS text FROM collections`);
    for (const { id, text } of rows.all()) {
      for (const [setting, value] of settingsIn(parsed(text))) note(id, setting, value);
    }
  }
  return (id) => intervalOf(told.get(id) ?? new Map());
}

function intervalOf(settings: Settings): number {
  const valueOf = (setting: Setting): number => settings.get(setting) ?? DEFAULTS[setting];
  return Math.max(valueOf('sync_threshold'), valueOf('batch_size'));
}

function parsed(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

/** The numbers under the names of the settings, at whatever depth: their place differs from version to version. */
function settingsIn(value: unknown): readonly (readonly [Setting, number])[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]: [string, unknown]) =>
    isSetting(key) && typeof each === 'number' ? [[key, each] as const] : settingsIn(each),
  );
}

function isSetting(key: string): key is Setting {
  return Object.hasOwn(DEFAULTS, key);
}
