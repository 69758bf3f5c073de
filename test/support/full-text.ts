/**
 * The full-text index of a test's own copy, seen from outside the program.
 */
import { countFullTextRows, fullTextDifferences, readFullText } from '../../src/chroma/full-text.ts';
import { readSchema } from '../../src/chroma/schema.ts';
import { checkFullText } from '../../src/sqlite/full-text-check.ts';
import { ownTablesOf } from '../../src/sqlite/full-text-table.ts';
import { withWritable } from '../../src/sqlite/open.ts';
import { databaseOf } from './damage.ts';
import { fullTextTableOf } from './full-text-damage.ts';
import { NOBODY } from './holders.ts';
import { runJson } from './run.ts';
import { rowsOf, withDatabase } from './state.ts';

/** The work is done in this process: it makes no difference to the index, and there are many. */
export const HERE = { holdersOf: () => NOBODY };

export interface FtsJson {
  readonly changed: boolean;
  readonly documents: number;
  readonly endingAtNul: number;
  readonly before: {
    readonly state: string;
    readonly damagedTables: readonly string[];
    readonly rows: number | null;
    readonly missing: number | null;
    readonly differing: number | null;
    readonly surplus: number | null;
    readonly orphans: number | null;
  };
  readonly after: { readonly bytes: number };
  readonly expected: { readonly bytes: number };
  readonly sample: {
    readonly queries: number;
    readonly hits: number;
    readonly hitsBefore: number | null;
    readonly correctBefore: number | null;
  } | null;
}

export function fts(verb: 'rebuild' | 'optimize', dir: string): Promise<FtsJson> {
  return runJson<FtsJson>(['fts', verb, dir, '--yes'], HERE);
}

/** What is wrong with the index, by means that are tested elsewhere; nothing where it is as Chroma would have it. */
export function faultsOf(dir: string): readonly unknown[] {
  return withWritable(databaseOf(dir), 0, (db) => {
    const schema = readSchema(db, databaseOf(dir));
    const { missing, differing, surplus } = fullTextDifferences(db, schema);
    const { orphans } = countFullTextRows(db, schema);
    return [
      ...(readFullText(db, schema).kind === 'sound' ? [] : [readFullText(db, schema)]),
      ...checkFullText(db),
      ...(missing + differing + surplus + orphans === 0 ? [] : [{ missing, differing, surplus, orphans }]),
    ];
  });
}

/** Every row of the directory that is not of the full-text index. */
export function othersOf(dir: string): object {
  const tables = ['embedding_fulltext', 'embedding_fulltext_search'];
  return rowsOf(dir, [...tables, ...tables.flatMap(ownTablesOf)]);
}

const PHRASES = ['Document 1', 'meadow', 'наука, 科学', 'ocument 20', 'MEADOW', 'nowhere'];

/** What Chroma answers to `where_document`: the ids of the records in which each phrase stands. */
export function hitsOf(dir: string): readonly unknown[] {
  const table = fullTextTableOf(dir);
  const hits =
    table === 'embedding_fulltext'
      ? `SELECT id FROM ${table} WHERE string_value LIKE ? ESCAPE '\\'`
      : `SELECT rowid FROM ${table} WHERE string_value LIKE ?`;
  return withDatabase(dir, (db) => {
    db.pragma('case_sensitive_like = ON');
    const records = db.prepare(`SELECT segment_id, embedding_id FROM embeddings WHERE id IN (${hits}) ORDER BY 1, 2`);
    return PHRASES.map((phrase) => records.raw().all(`%${phrase}%`));
  });
}

export function declarationOf(dir: string): unknown {
  return withDatabase(dir, (db) =>
    db.prepare('SELECT sql FROM sqlite_schema WHERE name = ?').pluck().get(fullTextTableOf(dir)),
  );
}
