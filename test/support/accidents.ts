/**
 * What can happen to a directory beside Chroma's orderly life, by name: programs that die or forget a table, and what
 * people put there.
 */
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { INDEX_FILES, topicOf, type ChromaRows } from './chroma-rows.ts';

type Accident = (rows: ChromaRows, at: number) => void;

/** What a program can leave that dies, or that forgets a table. */
export const CRASHES = {
  'segments of no collection'(rows) {
    const id = rows.newId();
    rows.createSegment(id, 'urn:chroma:segment/metadata/sqlite', rows.newId(), topicOf(id));
  },
  'a directory of no segment'(rows) {
    rows.saveIndex(rows.newId());
  },
  'an empty directory'(rows) {
    mkdirSync(join(rows.dir, rows.newId()));
  },
  'a record of no segment'(rows) {
    rows.record(rows.newId(), 1n);
  },
  'metadata of no record'(rows, at) {
    rows.metadataOf(nextRecord(rows, at));
  },
  'arrays of no record'(rows, at) {
    rows.arraysOf(nextRecord(rows, at));
  },
  'full text of no record'(rows, at) {
    rows.fullTextOf(nextRecord(rows, at));
  },
  'a position of no segment'(rows) {
    // Above everything that was ever written: what of it is nobody's does not count.
    rows.position(rows.newId(), 1_000_000n);
  },
  'metadata of no collection'(rows) {
    rows.insert('collection_metadata', { collection_id: rows.newId(), key: 'lost', str_value: 'x' });
  },
  'metadata of no segment'(rows) {
    rows.insert('segment_metadata', { segment_id: rows.newId(), key: 'lost', str_value: 'x' });
  },
  'a record without metadata'(rows) {
    rows.run('DELETE FROM embedding_metadata WHERE id = (SELECT MAX(id) FROM embeddings)');
  },
  'a log of nobody'(rows) {
    rows.queue(topicOf(rows.newId()), 'x');
  },
  'a log of nobody without a prefix'(rows) {
    rows.queue(rows.newId(), 'x');
  },
  'a log under another prefix'(rows, at) {
    rows.queue(`persistent://acme/search/${pick(rows.collections(), at) ?? rows.newId()}`, 'x');
  },
} satisfies Readonly<Record<string, Accident>>;

/** What people and other programs put into a directory. */
export const THINGS = {
  'a file beside an index'({ dir }, at) {
    for (const index of indexAt(dir, at)) writeFileSync(join(index, '.notes'), 'x');
  },
  'a directory in an index'({ dir }, at) {
    for (const index of indexAt(dir, at)) mkdirSync(join(index, 'old'), { recursive: true });
  },
  'a link in an index'({ dir }, at) {
    for (const part of partAt(dir, at)) symlinkSync('/dev/null', part);
  },
  'an index with a directory for a file'({ dir }, at) {
    for (const part of partAt(dir, at)) mkdirSync(part);
  },
  'a link that is named as a segment'(rows, at) {
    symlinkSync(indexAt(rows.dir, at)[0] ?? rows.dir, join(rows.dir, rows.newId()));
  },
  'a file that is named as a segment'(rows) {
    writeFileSync(join(rows.dir, rows.newId()), 'x');
  },
  'a directory in capitals'(rows) {
    mkdirSync(join(rows.dir, rows.newId().toUpperCase()));
  },
  'a directory named as a collection'(rows, at) {
    mkdirSync(join(rows.dir, pick(rows.collections(), at) ?? 'old'), { recursive: true });
  },
  'another directory'({ dir }) {
    mkdirSync(join(dir, 'old', 'index'), { recursive: true });
  },
} satisfies Readonly<Record<string, Accident>>;

/** The one of `all` that the number `at` leads to. */
export function pick<T>(all: readonly T[], at: number): T | undefined {
  return all[at % all.length];
}

/** Real directories that are named as segments are, or as nearly. */
export function segmentDirectories(dir: string): readonly string[] {
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name.length === 36)
    .map(({ name }) => join(dir, name))
    .toSorted();
}

/** Close to the numbers that are used next, which makes it somebody's where records follow. */
function nextRecord(rows: ChromaRows, at: number): bigint {
  const last = rows.one('SELECT MAX(id) FROM embeddings') as bigint | null;
  return (last ?? 0n) + BigInt(1 + (at % 3));
}

/** One of the directories, or none where there is none. */
function indexAt(dir: string, at: number): readonly string[] {
  const index = pick(segmentDirectories(dir), at);
  return index === undefined ? [] : [index];
}

/** Where a file of an index was that is gone now. */
function partAt(dir: string, at: number): readonly string[] {
  return indexAt(dir, at).map((index) => {
    const part = join(index, pick(INDEX_FILES, at) ?? '');
    rmSync(part, { recursive: true, force: true });
    return part;
  });
}
