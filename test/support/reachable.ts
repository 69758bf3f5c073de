/**
 * What of a directory belongs to a living collection, by plain sets: the judge of a clean-up, which shares no line with
 * the program.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { bytesOf, withDatabase } from './state.ts';

type Row = Readonly<Record<string, unknown>>;

/** Every row of every table, under the number that SQLite gave it; the full-text table as one sees it. */
export type Rows = ReadonlyMap<string, ReadonlyMap<string, Row>>;

export interface State {
  readonly rows: Rows;
  /** As {@link bytesOf}: every path with its kind, mode, size, time and content. */
  readonly files: ReadonlyMap<string, string>;
}

const OWN_TABLES = `
  SELECT name FROM pragma_table_list
  WHERE schema = 'main' AND type IN ('table', 'virtual') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name`;

const FILES = ['data_level0.bin', 'header.bin', 'index_metadata.pickle', 'length.bin', 'link_lists.bin'];
const HEX = '[0-9a-f]';
const UUID = new RegExp(`^${HEX}{8}(-${HEX}{4}){3}-${HEX}{12}$`);

export function stateOf(dir: string): State {
  return { rows: withDatabase(dir, readRows), files: bytesOf(dir) };
}

function readRows(db: Database.Database): Rows {
  const names = db.prepare<[], string>(OWN_TABLES).pluck().all();
  return new Map(names.map((name) => [name, rowsIn(db, name)]));
}

function rowsIn(db: Database.Database, table: string): ReadonlyMap<string, Row> {
  const rows = db.prepare<[], Row>(`SELECT rowid AS number, * FROM "${table}" ORDER BY rowid`).all();
  return new Map(rows.map((row) => [String(row['number']), row]));
}

/** Where two readings differ: rows that one has, or that are not equal, as `table number`. */
export function differences(a: Rows, b: Rows): readonly string[] {
  return [...new Set([...a.keys(), ...b.keys()])].flatMap((table) => {
    const [left, right] = [a.get(table), b.get(table)];
    const numbers = [...new Set([...(left?.keys() ?? []), ...(right?.keys() ?? [])])];
    return numbers.filter((number) => !isSame(left?.get(number), right?.get(number))).map((each) => `${table} ${each}`);
  });
}

function isSame(a: Row | undefined, b: Row | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return Object.entries(a).every(([column, value]) => {
    const other = b[column];
    return value instanceof Buffer && other instanceof Buffer ? value.equals(other) : value === other;
  });
}

export interface Asked {
  readonly parts: readonly ('dirs' | 'rows' | 'topics')[];
  readonly minAgeMs: number;
  readonly nowMs: number;
  readonly allowsEmptyCatalog: boolean;
}

/** What a clean-up has to take, and what it has to say about the catalogue. */
export interface Verdict {
  readonly doubt: 'empty-catalog' | 'collection-without-segments' | null;
  readonly directories: ReadonlySet<string>;
  /** Numbers of the rows that go, of each table that loses some. */
  readonly rows: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Says what has to go from the directory at `dir`, which is in `state`. */
export function judged(dir: string, { rows }: State, asked: Asked): Verdict {
  const live = liveIn(rows);
  const orphans = new Map([...rows].map(([table, all]) => [table, unreachable(table, all, live, rows)]));
  const topics = orphans.get('embeddings_queue') ?? new Set();
  const tables = new Map([...orphans].filter(([table, gone]) => gone.size > 0 && table !== 'embeddings_queue'));
  const directories = orphanDirectories(dir, live);
  const isClean = topics.size === 0 && tables.size === 0 && directories.length === 0;
  const doubt = isClean ? null : doubtIn(rows, live);
  const isTrusted = doubt === null;
  const areDirectoriesTrusted = isTrusted || (doubt === 'empty-catalog' && asked.allowsEmptyCatalog);
  const takes = (part: Asked['parts'][number]): boolean => asked.parts.includes(part);
  return {
    doubt,
    directories: new Set(
      takes('dirs') && areDirectoriesTrusted ? directories.filter((name) => mayGo(join(dir, name), asked)) : [],
    ),
    rows: new Map([
      ...(takes('rows') && isTrusted ? tables : []),
      ...(takes('topics') && isTrusted && topics.size > 0 ? [['embeddings_queue', topics] as const] : []),
    ]),
  };
}

interface Live {
  readonly collections: ReadonlySet<unknown>;
  /** Topics that a collection, or up to 0.4.24 one of its segments, names. */
  readonly topics: ReadonlySet<unknown>;
  readonly segments: ReadonlySet<unknown>;
  readonly records: ReadonlySet<string>;
}

function liveIn(rows: Rows): Live {
  const collections = new Set(valuesOf(rows, 'collections', 'id'));
  const named = new Set<unknown>(valuesOf(rows, 'collections', 'topic').filter((topic) => typeof topic === 'string'));
  const owned = rowsOfTable(rows, 'segments').filter(
    ({ collection, topic }) => collections.has(collection) || named.has(topic),
  );
  const segments = new Set(owned.map(({ id }) => id));
  const records = rowsOfTable(rows, 'embeddings').filter(({ segment_id: segment }) => segments.has(segment));
  return {
    collections,
    topics: new Set([...named, ...owned.map(({ topic }) => topic)]),
    segments,
    records: new Set(records.map(({ id }) => String(id))),
  };
}

function unreachable(table: string, all: ReadonlyMap<string, Row>, live: Live, rows: Rows): ReadonlySet<string> {
  const isOrphan = (row: Row): boolean => {
    switch (table) {
      case 'embeddings':
      case 'max_seq_id':
      case 'segment_metadata':
        return !live.segments.has(row['segment_id']);
      case 'segments':
        return !live.segments.has(row['id']);
      case 'collection_metadata':
        return !live.collections.has(row['collection_id']);
      case 'embedding_metadata':
      case 'embedding_metadata_array':
      case 'embedding_fulltext':
        return !live.records.has(String(row['id']));
      case 'embedding_fulltext_search':
        return !live.records.has(String(row['number']));
      case 'embeddings_queue':
        return !isOfCollection(String(row['topic']), live) && row !== newest(rows);
      default:
        return false;
    }
  };
  return new Set([...all].filter(([, row]) => isOrphan(row)).map(([number]) => number));
}

function isOfCollection(topic: string, { topics, collections }: Live): boolean {
  return topics.has(topic) || collections.has(topic.split('/').at(-1));
}

function newest(rows: Rows): Row | undefined {
  return rowsOfTable(rows, 'embeddings_queue').at(-1);
}

function doubtIn(rows: Rows, { collections, segments }: Live): Verdict['doubt'] {
  if (collections.size === 0) return 'empty-catalog';
  const own = rowsOfTable(rows, 'segments').filter(({ id }) => segments.has(id));
  const isWhole = ({ id, topic }: Row): boolean => {
    const types = own
      .filter((each) => each['collection'] === id || (typeof topic === 'string' && each['topic'] === topic))
      .map(({ type }) => String(type));
    return types.some((type) => type.includes('/metadata/')) && types.some((type) => type.includes('/vector/'));
  };
  return rowsOfTable(rows, 'collections').every(isWhole) ? null : 'collection-without-segments';
}

/** Real directories that are named as segments are, and neither as a living one nor as a collection. */
function orphanDirectories(dir: string, { segments, collections }: Live): readonly string[] {
  return readdirSync(dir).filter(
    (name) =>
      UUID.test(name) && lstatSync(join(dir, name)).isDirectory() && !segments.has(name) && !collections.has(name),
  );
}

function mayGo(path: string, { minAgeMs, nowMs }: Asked): boolean {
  const names = readdirSync(path);
  const isOnlyIndex = names.every((name) => FILES.includes(name) && lstatSync(join(path, name)).isFile());
  const times = [path, ...names.map((name) => join(path, name))].map((each) => lstatSync(each).mtimeMs);
  return isOnlyIndex && times.every((time) => time <= nowMs - minAgeMs);
}

/** The rows of `before` without those that have to go. */
export function remaining(before: Rows, { rows: gone }: Verdict): Rows {
  return new Map(
    [...before].map(([table, all]) => [
      table,
      new Map([...all].filter(([number]) => gone.get(table)?.has(number) !== true)),
    ]),
  );
}

/** The paths of `files` without the database, the directory itself, and everything below one of `directories`. */
export function otherPaths(
  files: ReadonlyMap<string, string>,
  directories: ReadonlySet<string>,
): ReadonlyMap<string, string> {
  return new Map(
    [...files].filter(([path]) => !['', 'chroma.sqlite3'].includes(path) && !directories.has(path.split('/')[0] ?? '')),
  );
}

function valuesOf(rows: Rows, table: string, column: string): readonly unknown[] {
  return rowsOfTable(rows, table).map((row) => row[column]);
}

function rowsOfTable(rows: Rows, table: string): readonly Row[] {
  return [...(rows.get(table)?.values() ?? [])];
}
