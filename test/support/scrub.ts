/**
 * Texts put where deleted ones stay, each into a test's own copy of a fixture, and what scrub says of them.
 */
import { randomUUID } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../../src/host/host.ts';
import { temporaryDirectory } from './fixtures.ts';
import { headerOf, indexDirOf } from './index-damage.ts';
import { run } from './run.ts';
import { withDatabase } from './state.ts';
import { appendRows } from './wal.ts';

export interface TraceJson {
  readonly place: string;
  readonly collection: { readonly name: string } | null;
  readonly state: string | null;
  readonly prunable: boolean | null;
  readonly table: string | null;
  readonly root: string | null;
  readonly path: string | null;
  readonly texts: number;
  readonly phrases: readonly number[];
}

export interface ScrubJson {
  readonly changed: boolean;
  readonly dryRun: boolean;
  readonly overwrittenBytes: number;
  readonly overwritesInPlace: boolean;
  readonly prune: { readonly totals: { readonly deleted: number } };
  readonly searched: {
    readonly texts: number;
    readonly phrases: number;
    readonly tooShort: number;
    readonly rowsBeyond: number;
    readonly indistinct: number;
    readonly indistinctPhrases: readonly number[];
    readonly isGone: boolean;
    readonly traces: readonly TraceJson[];
    readonly indexes: readonly {
      readonly collection: { readonly name: string };
      readonly deletedSlots: number | null;
      readonly elements: number;
      readonly unsavedDeletions: number;
    }[];
    readonly leftDirectories: readonly string[];
    readonly unsearchable: readonly { readonly root: string | null; readonly path: string; readonly because: string }[];
  };
}

/** What scrub ended with and said. */
export async function scrub(
  dir: string,
  options: readonly string[] = ['--yes'],
  host: Partial<Host> = {},
): Promise<{ readonly exitCode: number; readonly json: ScrubJson }> {
  const { exitCode, stdout, stderr } = await run(['scrub', dir, '--json', '--quiet', ...options], {}, host);
  if (stdout === '') throw new Error(`scrub ended with ${exitCode}: ${stderr}`);
  return { exitCode, json: JSON.parse(stdout) as ScrubJson };
}

/** A file with one phrase in each line. */
export function phraseFile(phrases: readonly string[]): string {
  const path = join(temporaryDirectory(), 'phrases.txt');
  writeFileSync(path, `${phrases.join('\n')}\n`);
  return path;
}

/** The document of a row that adds it, as Rust writes it. */
function metadataWith(text: string): string {
  return JSON.stringify({ 'chroma:document': text });
}

/** A row of the WAL whose collection does not exist. */
export function inOrphanRow(dir: string, text: string): void {
  const topic = `persistent://default/default/${randomUUID()}`;
  appendRows(dir, [
    { topic, id: 'orphan', metadata: metadataWith(text) },
    // The row with the highest seq_id stays whatever becomes of the others.
    { id: 'last', operation: 3n },
  ]);
}

/** A record whose segment does not exist. */
export function inLeftRecord(dir: string, text: string): void {
  withDatabase(dir, (db) => {
    const { lastInsertRowid } = db
      .prepare("INSERT INTO embeddings (segment_id, embedding_id, seq_id) VALUES (?, 'left', 1)")
      .run(randomUUID());
    db.prepare("INSERT INTO embedding_metadata (id, key, string_value) VALUES (?, 'chroma:document', ?)").run(
      lastInsertRowid,
      text,
    );
  });
}

/** A row of the full-text table without a record. */
export function inFullTextTable(dir: string, text: string): void {
  withDatabase(dir, (db) =>
    db.prepare('INSERT INTO embedding_fulltext_search (rowid, string_value) VALUES (999999, ?)').run(text),
  );
}

/** The index of the full-text table and nowhere else: FTS5 keeps what it has deleted until it merges. */
export function inFreePages(dir: string, text: string): void {
  withDatabase(dir, (db) => {
    db.pragma('secure_delete = OFF');
    db.exec('CREATE TABLE gone (text TEXT)');
    const insert = db.prepare('INSERT INTO gone VALUES (?)');
    for (let copy = 0; copy < 100; copy += 1) insert.run(`${text} ${'x'.repeat(500)}`);
    db.exec('DROP TABLE gone');
  });
}

/** A record that lives. */
export function inLiveRecord(dir: string, text: string): void {
  withDatabase(dir, (db) =>
    db
      .prepare(
        `INSERT INTO embedding_metadata (id, key, string_value)
         SELECT id, 'note', ? FROM embeddings WHERE segment_id IN (SELECT id FROM segments) LIMIT 1`,
      )
      .run(text),
  );
}

/** A slot of an index that is not in use: Chroma writes out what was in its memory there. */
export function inUnusedSlot(dir: string, collection: string, text: string): void {
  const { elements, elementBytes } = headerOf(dir, collection);
  const descriptor = openSync(join(indexDirOf(dir, collection), 'data_level0.bin'), 'r+');
  try {
    writeSync(descriptor, text, elements * elementBytes + 40);
  } finally {
    closeSync(descriptor);
  }
}

/** The index of a collection that does not exist. */
export function inLeftIndex(dir: string, text: string): void {
  const path = join(dir, randomUUID());
  mkdirSync(path);
  writeFileSync(join(path, 'length.bin'), text);
}

/** Somebody's copy beside the database, behind a mebibyte, so that it lies across two chunks of what is read. */
export function inStrangeFile(dir: string, name: string, text: string): void {
  writeFileSync(join(dir, name), Buffer.alloc(1024 * 1024 - 5, 'z'));
  appendFileSync(join(dir, name), text);
}

/** Paths of the files below `dir` in which `text` stands. */
export function filesWith(dir: string, text: string): readonly string[] {
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text))
    .map((path) => path.slice(dir.length + 1));
}
