/**
 * Topics of the embeddings queue: `persistent://<tenant_id>/<topic_namespace>/<collection id>` in every version
 * (0.4.0 chromadb/api/segment.py:512; ≥ 0.5.0 chromadb/ingest/impl/utils.py; Rust rust/sqlite/src/helpers.rs:365).
 * The first two parts are server settings that are stored nowhere else.
 */
import type { CollectionId, Topic } from './model.ts';

/** The collection id at the end of a topic: what follows the last `/`, the whole topic where there is none. */
export function collectionIdOf(topic: Topic): CollectionId {
  return topic.slice(topic.lastIndexOf('/') + 1);
}
