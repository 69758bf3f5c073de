/**
 * What a directory says, as a hash of the rows that matter: those of live collections, without the rows of the queue
 * that a prune would delete, without what is derived from others (full text) and without logs. A prune, a vacuum and a
 * clean-up leave it as it is.
 */
import { createHash, type Hash } from 'node:crypto';
import type { Database } from '../sqlite/open.ts';
import { QUEUE, withRowsToKeep } from './embeddings-queue.ts';
import type { Collection, CollectionId, Cutoff } from './model.ts';

/** Each statement gives what its rows belong to first: a collection, a segment or a topic. */
const STATEMENTS: readonly (readonly [table: string, sql: string])[] = [
  ['collections', 'SELECT t.id, t.* FROM collections AS t ORDER BY t.id'],
  ['collection_metadata', 'SELECT t.collection_id, t.* FROM collection_metadata AS t ORDER BY t.collection_id, t.key'],
  ['segments', 'SELECT t.id, t.* FROM segments AS t ORDER BY t.id'],
  ['segment_metadata', 'SELECT t.segment_id, t.* FROM segment_metadata AS t ORDER BY t.segment_id, t.key'],
  ['max_seq_id', 'SELECT t.segment_id, t.* FROM max_seq_id AS t ORDER BY t.segment_id'],
  ['embeddings', 'SELECT t.segment_id, t.* FROM embeddings AS t ORDER BY t.id'],
  [
    'embedding_metadata',
    'SELECT e.segment_id, t.* FROM embedding_metadata AS t JOIN embeddings AS e ON e.id = t.id ORDER BY t.id, t.key',
  ],
  [
    'embedding_metadata_array',
    'SELECT e.segment_id, t.* FROM embedding_metadata_array AS t JOIN embeddings AS e ON e.id = t.id ORDER BY t.id, t.key, t.rowid',
  ],
];
const TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table'";
const keptRows = (where: string): string => `SELECT topic, * FROM ${QUEUE} WHERE ${where} ORDER BY seq_id`;

type StoredValue = string | bigint | number | Buffer | null;

/**
 * Hashes (SHA-256, hexadecimal) the rows of each collection. `cutoffs` are those of a prune of everything. One pass over
 * each table.
 */
export function readContentHashes(
  db: Database,
  collections: readonly Collection[],
  cutoffs: readonly Cutoff[],
): ReadonlyMap<CollectionId, string> {
  const hashes = new Map(collections.map(({ id }) => [id, createHash('sha256')]));
  const owners = hashesByOwner(collections, hashes);
  for (const { id, name, tenant, database } of collections) {
    hashes.get(id)?.update(rowText('collection', [name, tenant, database]));
  }
  const tables = new Set(db.prepare<[], string>(TABLES).pluck().all());
  for (const [table, sql] of STATEMENTS) if (tables.has(table)) addRows(db, table, sql, owners);
  withRowsToKeep(db, cutoffs, 0, (filter) => addRows(db, QUEUE, keptRows(filter?.where ?? 'TRUE'), owners));
  return new Map([...hashes].map(([id, hash]) => [id, hash.digest('hex')]));
}

/** One hash over those of the collections, whatever their order. */
export function contentHashOf(hashes: ReadonlyMap<CollectionId, string>): string {
  const lines = [...hashes].map(([id, hash]) => `${id} ${hash}\n`);
  return createHash('sha256').update(lines.toSorted().join('')).digest('hex');
}

function hashesByOwner(
  collections: readonly Collection[],
  hashes: ReadonlyMap<CollectionId, Hash>,
): ReadonlyMap<string, Hash> {
  return new Map(
    collections.flatMap(({ id, segments, topics }) => {
      const hash = hashes.get(id);
      const names = [id, ...segments.map((segment) => segment.id), ...topics];
      return hash === undefined ? [] : names.map((name) => [name, hash] as const);
    }),
  );
}

function addRows(db: Database, table: string, sql: string, owners: ReadonlyMap<string, Hash>): void {
  for (const [owner, ...values] of db.prepare<[], StoredValue[]>(sql).raw().iterate()) {
    const hash = owners.get(String(owner));
    if (hash === undefined) continue;
    hash.update(rowText(table, values));
    for (const value of values) if (Buffer.isBuffer(value)) hash.update(value);
  }
}

/** Every value with its type, and every text and blob with its length, so that no two rows read the same. */
function rowText(table: string, values: readonly StoredValue[]): string {
  return `${table}(${values.map(valueText).join(',')})`;
}

function valueText(value: StoredValue): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return `text ${value.length} ${value}`;
  if (typeof value === 'bigint') return `integer ${value}`;
  return typeof value === 'number' ? `real ${value}` : `blob ${value.length}`;
}
