/**
 * Where the pages of a database file are.
 */
import type { Database } from './open.ts';

export interface PageCounts {
  readonly pageSize: number;
  readonly pages: number;
  readonly freePages: number;
}

/** Bytes of each b-tree of interest, by table or index name. */
export type TreeBytes = ReadonlyMap<string, number>;

const BTREES = "SELECT name FROM sqlite_schema WHERE rootpage > 0 UNION ALL SELECT 'sqlite_schema'";
// One b-tree at a time: with `name` bound, dbstat walks that tree alone instead of the whole file.
const TREE_BYTES = 'SELECT pgsize AS bytes FROM dbstat WHERE name = ? AND aggregate = TRUE';

export function readPageCounts(db: Database): PageCounts {
  const [pageSize, pages, freePages] = ['page_size', 'page_count', 'freelist_count'].map((pragma) =>
    Number(db.pragma(pragma, { simple: true })),
  );
  return { pageSize: pageSize ?? 0, pages: pages ?? 0, freePages: freePages ?? 0 };
}

/** Measures every b-tree except `without`, page by page, overflow pages included. */
export function readTreeBytes(db: Database, without: ReadonlySet<string>): TreeBytes {
  const names = db.prepare<[], string>(BTREES).pluck().all();
  const measure = db.prepare<[string], bigint>(TREE_BYTES).pluck();
  return new Map(names.filter((name) => !without.has(name)).map((name) => [name, Number(measure.get(name) ?? 0n)]));
}
