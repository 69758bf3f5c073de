/**
 * Where the pages of a database file are.
 */
import type { Database } from './open.ts';

export interface PageCounts {
  readonly pageSize: number;
  readonly pages: number;
  readonly freePages: number;
}

/** Bytes of the b-trees of each table, its indexes included, by table name. */
export type TableBytes = ReadonlyMap<string, number>;

const BTREES =
  "SELECT name, tbl_name AS owner FROM sqlite_schema WHERE rootpage > 0 UNION ALL SELECT 'sqlite_schema', 'sqlite_schema'";
// One b-tree at a time: with `name` bound, dbstat walks that tree alone instead of the whole file.
const TREE_BYTES = 'SELECT pgsize AS bytes FROM dbstat WHERE name = ? AND aggregate = TRUE';

export function readPageCounts(db: Database): PageCounts {
  const read = (pragma: string): number => Number(db.pragma(pragma, { simple: true }));
  return { pageSize: read('page_size'), pages: read('page_count'), freePages: read('freelist_count') };
}

/** Measures the b-trees of the tables for which `isMeasured` says so, page by page, overflow pages included. */
export function readTableBytes(db: Database, isMeasured: (table: string) => boolean): TableBytes {
  const measure = db.prepare<[string], bigint>(TREE_BYTES).pluck();
  const sums = new Map<string, number>();
  for (const { name, owner } of db.prepare<[], { name: string; owner: string }>(BTREES).all()) {
    if (isMeasured(owner)) sums.set(owner, (sums.get(owner) ?? 0) + Number(measure.get(name) ?? 0n));
  }
  return sums;
}
