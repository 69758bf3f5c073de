/**
 * Rows that belong to nothing any more: what Chroma leaves behind when it deletes a collection or a database
 * (docs/FORMAT.md, "What a delete leaves behind"). Decided by **segment** id, over all tenants and databases.
 */
import { quoted } from '../sqlite/copy.ts';
import type { Database } from '../sqlite/open.ts';
import type { SegmentId } from './model.ts';

/** Tables that can hold such rows, in the order in which they are emptied: what is decided from others goes first. */
const TABLES = [
  'full-text',
  'embedding_metadata_array',
  'embedding_metadata',
  'embeddings',
  'max_seq_id',
  'segment_metadata',
  'segments',
  'collection_metadata',
] as const;

export type LeftoverKind = (typeof TABLES)[number];

/** Rows of one table that belong to nothing. */
export interface TableLeftovers {
  readonly kind: LeftoverKind;
  /** The table's name in this directory. */
  readonly table: string;
  readonly rows: number;
  /** Rows of the table altogether. */
  readonly of: number;
}

const CREATE_LIVE = 'CREATE TEMP TABLE live_segment (id TEXT PRIMARY KEY) WITHOUT ROWID';
const INSERT_LIVE = 'INSERT INTO temp.live_segment (id) VALUES (?)';
const DROP_LIVE = 'DROP TABLE IF EXISTS temp.live_segment';
const TABLE_NAMES = "SELECT name FROM sqlite_schema WHERE type = 'table'";

const OF_NO_SEGMENT = 'NOT IN (SELECT id FROM temp.live_segment)';
const ofNoRecord = (id: string): string => `NOT EXISTS (
  SELECT 1 FROM embeddings AS live WHERE live.id = ${id} AND live.segment_id IN (SELECT id FROM temp.live_segment))`;

interface Source {
  readonly table: string;
  /** Where the rows are counted: for full text the shadow table that has their numbers, which is a tenth as large. */
  readonly counted: string;
  readonly condition: string;
}

/** Table and condition of each kind; null where the directory has no such table. */
type Sources = ReadonlyMap<LeftoverKind, Source>;

/** Counts the rows that belong to no segment of `live`. One pass over each table; writes nothing. */
export function countLeftovers(db: Database, live: ReadonlySet<SegmentId>): readonly TableLeftovers[] {
  return withLiveSegments(db, live, () =>
    [...sourcesIn(db)].flatMap(([kind, { table, counted, condition }]) => {
      const sql = `SELECT COUNT(*) AS "of", COUNT(*) FILTER (WHERE ${condition}) AS rows FROM ${quoted(counted)}`;
      const { of, rows } = db.prepare<[], { of: bigint; rows: bigint }>(sql).get() ?? { of: 0n, rows: 0n };
      return rows === 0n ? [] : [{ kind, table, rows: Number(rows), of: Number(of) }];
    }),
  );
}

/**
 * Deletes the rows that belong to no segment of `live`, and returns how many went from each table. The caller holds the
 * exclusive lock, compares, and rolls back.
 */
export function deleteLeftovers(
  db: Database,
  live: ReadonlySet<SegmentId>,
  kinds: readonly LeftoverKind[],
): ReadonlyMap<LeftoverKind, number> {
  return withLiveSegments(db, live, () => {
    const sources = sourcesIn(db);
    return new Map(
      TABLES.filter((kind) => kinds.includes(kind)).map((kind) => {
        const source = sources.get(kind);
        if (source === undefined) return [kind, 0];
        return [kind, kind === 'full-text' ? deleteFullText(db, source) : deleteRows(db, source)];
      }),
    );
  });
}

function deleteRows(db: Database, { table, condition }: Source): number {
  return db.prepare(`DELETE FROM ${quoted(table)} WHERE ${condition}`).run().changes;
}

/** Through FTS5's own delete, which needs what it deletes; then its index is merged, or the space would stay taken. */
function deleteFullText(db: Database, { table, counted, condition }: Source): number {
  const ids = db
    .prepare<[], bigint>(`SELECT id FROM ${quoted(counted)} WHERE ${condition}`)
    .pluck()
    .all();
  const remove = db.prepare<[bigint]>(`DELETE FROM ${quoted(table)} WHERE rowid = ?`);
  const removed = ids.reduce((sum, id) => sum + remove.run(id).changes, 0);
  if (removed > 0) db.exec(`INSERT INTO ${quoted(table)} (${quoted(table)}) VALUES ('optimize')`);
  return removed;
}

function sourcesIn(db: Database): Sources {
  const names = new Set(db.prepare<[], string>(TABLE_NAMES).pluck().all());
  const candidates: readonly (readonly [LeftoverKind, Source])[] = [
    // Up to 0.4.5 a column holds the record's number, from 0.4.6 on the row's own (metadb migration 3).
    ['full-text', fullText('embedding_fulltext', '_content', 'CAST(c0 AS INTEGER)')],
    ['full-text', fullText('embedding_fulltext_search', '_docsize', 'id')],
    ['embedding_metadata_array', plain('embedding_metadata_array', ofNoRecord('embedding_metadata_array.id'))],
    ['embedding_metadata', plain('embedding_metadata', ofNoRecord('embedding_metadata.id'))],
    ['embeddings', plain('embeddings', `segment_id ${OF_NO_SEGMENT}`)],
    ['max_seq_id', plain('max_seq_id', `segment_id ${OF_NO_SEGMENT}`)],
    ['segment_metadata', plain('segment_metadata', `segment_id ${OF_NO_SEGMENT}`)],
    ['segments', plain('segments', `id ${OF_NO_SEGMENT}`)],
    ['collection_metadata', plain('collection_metadata', 'collection_id NOT IN (SELECT id FROM collections)')],
  ];
  return new Map(candidates.filter(([, { table, counted }]) => names.has(table) && names.has(counted)));
}

function plain(table: string, condition: string): Source {
  return { table, counted: table, condition };
}

function fullText(table: string, shadow: string, id: string): Source {
  const counted = `${table}${shadow}`;
  return { table, counted, condition: ofNoRecord(id === 'id' ? `${counted}.id` : id) };
}

function withLiveSegments<T>(db: Database, live: ReadonlySet<SegmentId>, work: () => T): T {
  db.exec(DROP_LIVE);
  db.exec(CREATE_LIVE);
  const insert = db.prepare<[string]>(INSERT_LIVE);
  for (const id of live) insert.run(id);
  const result = work();
  // Not where `work` throws: on a full disk a DROP would mask what had happened.
  db.exec(DROP_LIVE);
  return result;
}
