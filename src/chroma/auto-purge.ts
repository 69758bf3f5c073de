/**
 * Chroma's own purge of the queue (0.5.6 and later): whether it is on in this directory.
 */
import type { Database } from '../sqlite/open.ts';
import type { Schema } from './model.ts';

/**
 * `not-available`: the versions that wrote the directory never purge. `undecided`: Chroma decides at its next start,
 * "on" only if the queue is empty then (0.5.6 chromadb/db/mixins/embeddings_queue.py:467).
 */
export type AutoPurge = 'on' | 'off' | 'undecided' | 'not-available';

// The first row, as Chroma reads it (`LIMIT 1`; Rust takes the first).
const CONFIG = 'SELECT config_json_str FROM embeddings_queue_config ORDER BY id LIMIT 1';

export function readAutoPurge(db: Database, { versions }: Schema): AutoPurge {
  if (versions.embeddingsQueue < 2) return 'not-available';
  const text = db.prepare<[], string | null>(CONFIG).pluck().get();
  if (text === undefined || text === null) return 'undecided';
  return isOn(text) ? 'on' : 'off';
}

function isOn(text: string): boolean {
  try {
    const config: unknown = JSON.parse(text);
    return (
      typeof config === 'object' &&
      config !== null &&
      'automatically_purge' in config &&
      config.automatically_purge === true
    );
  } catch {
    return false;
  }
}
