/**
 * Chroma's own purge of the queue (0.5.6 and later): whether it is on in this directory, and the row that says so, as
 * Chroma itself writes it.
 */
import { COPY } from '../sqlite/copy.ts';
import type { Database } from '../sqlite/open.ts';
import type { Schema } from './model.ts';

/**
 * `not-available`: the versions that wrote the directory never purge. `undecided`: Chroma decides at its next start,
 * "on" only if the queue is empty then (0.5.6 chromadb/db/mixins/embeddings_queue.py:467).
 */
export type AutoPurge = 'on' | 'off' | 'undecided' | 'not-available';

/** What somebody can decide. */
export type DecidedAutoPurge = Extract<AutoPurge, 'on' | 'off'>;

export interface AutoPurgeReading {
  readonly state: AutoPurge;
  /** Why the setting is not one that Chroma writes, in words; null where it is, or where there is none. */
  readonly problem: string | null;
}

// The first row, as Chroma reads it (`LIMIT 1`; Rust takes the first).
const CONFIG = 'SELECT config_json_str FROM embeddings_queue_config ORDER BY id LIMIT 1';
const ROWS = 'SELECT id, config_json_str AS text FROM embeddings_queue_config ORDER BY id LIMIT 2';
const SET = 'INSERT OR REPLACE INTO main.embeddings_queue_config (id, config_json_str) VALUES (1, ?)';
const SET_IN_COPY = `INSERT OR REPLACE INTO ${COPY}.embeddings_queue_config (id, config_json_str) VALUES (1, ?)`;
const IS_SET = `
  SELECT COUNT(*) = 1 AND MIN(id) = 1 AND MIN(config_json_str) = ? FROM main.embeddings_queue_config`;
const IS_SET_IN_COPY = `
  SELECT COUNT(*) = 1 AND MIN(id) = 1 AND MIN(config_json_str) = ? FROM ${COPY}.embeddings_queue_config`;

/** Class of the setting in Python, stored beside it (0.5.6 chromadb/api/configuration.py); Rust keeps the name. */
const TYPE = 'EmbeddingsQueueConfigurationInternal';

export function readAutoPurge(db: Database, { versions }: Schema): AutoPurge {
  if (versions.embeddingsQueue < 2) return 'not-available';
  const text = db.prepare<[], string | null>(CONFIG).pluck().get();
  if (text === undefined || text === null) return 'undecided';
  return isOn(text) ? 'on' : 'off';
}

/** The same, and whether it stands there as Chroma writes it: one row with id 1, two keys, a known type. */
export function examineAutoPurge(db: Database, schema: Schema): AutoPurgeReading {
  const state = readAutoPurge(db, schema);
  if (state === 'not-available') return { state, problem: null };
  const [row, ...others] = db.prepare<[], { id: bigint; text: unknown }>(ROWS).all();
  if (row === undefined) return { state, problem: null };
  if (others.length > 0) return { state, problem: 'there are several rows, and Chroma writes one' };
  if (row.id !== 1n) return { state, problem: `its row has the id ${row.id}, and Chroma gives it 1` };
  return { state, problem: problemIn(row.text) };
}

/** The text of the setting, as the last Chroma to have had the directory open writes it (Python with spaces). */
export function autoPurgeText(to: DecidedAutoPurge, { openedByRust }: Schema): string {
  const [space, isPurging] = [openedByRust ? '' : ' ', to === 'on'];
  return `{"automatically_purge":${space}${isPurging},${space}"_type":${space}"${TYPE}"}`;
}

/** Writes the setting as Chroma does, into the database or into its attached copy. Throws where it is not there then. */
export function writeAutoPurge(db: Database, text: string, into: 'database' | 'copy'): void {
  const [set, isSet] = into === 'database' ? [SET, IS_SET] : [SET_IN_COPY, IS_SET_IN_COPY];
  db.prepare<[string]>(set).run(text);
  if (db.prepare<[string], bigint | null>(isSet).pluck().get(text) !== 1n) {
    throw new Error('the setting of auto-purge is not what was written');
  }
}

/** Python refuses a setting with an unknown key or type; a newer Chroma may have more to say in it. */
function problemIn(text: unknown): string | null {
  if (typeof text !== 'string') return 'its value is not a text';
  const config = parsed(text);
  if (typeof config !== 'object' || config === null || Array.isArray(config)) return 'its value is not a JSON object';
  const values = new Map<string, unknown>(Object.entries(config));
  const strange = [...values.keys()].find((key) => key !== 'automatically_purge' && key !== '_type');
  if (strange !== undefined) return `it has a key that is not known: ${JSON.stringify(strange)}`;
  if (typeof values.get('automatically_purge') !== 'boolean') return 'automatically_purge is neither true nor false';
  return values.get('_type') === TYPE ? null : `its _type is not ${TYPE}`;
}

function isOn(text: string): boolean {
  const config = parsed(text);
  return (
    typeof config === 'object' &&
    config !== null &&
    'automatically_purge' in config &&
    config.automatically_purge === true
  );
}

/** Undefined where `text` is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
