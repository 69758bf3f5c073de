/**
 * Clean-ups as tests make and look at them.
 */
import { cpSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../../src/host/host.ts';
import { collectionIdOf } from './damage.ts';
import { unpacked } from './fixtures.ts';
import { run, runJson, type Run, type Terminal } from './run.ts';
import { bytesOf, withDatabase } from './state.ts';

/** The index that is left behind in {@link leftBehind}. */
export const LEFT_INDEX = '77bbefcc-fa26-40f3-9644-30b5ff3a575b';

const LIVE_INDEX = 'fb7fc353-095a-43b7-bcdf-052758766bb6';
const LONG_AGO = new Date('2026-01-01');

/** A directory in which 0.6.3 left one index and rows in six tables. All indexes are old ones. */
export async function leftBehind(): Promise<string> {
  const dir = await unpacked('0.6.3-purge-off');
  // Unpacking gives files their times, and directories that of the unpacking.
  for (const name of readdirSync(dir)) utimesSync(join(dir, name), LONG_AGO, LONG_AGO);
  return dir;
}

export interface CleanJson {
  readonly dryRun: boolean;
  readonly changed: boolean;
  readonly doubt: string | null;
  readonly directories: readonly {
    readonly path: string;
    readonly bytes: number;
    readonly action: 'quarantine' | 'delete' | 'keep';
    readonly because: string;
  }[];
  readonly rows: Readonly<Record<string, number>>;
  readonly quarantine: string | null;
  readonly reclaimedBytes: number;
  readonly freedInsideBytes: number;
}

/** Cleans up at once, whatever was just written. */
export function clean(dir: string, ...options: readonly string[]): Promise<CleanJson> {
  return runJson<CleanJson>(['clean', dir, '--yes', '--min-age', '0s', ...options]);
}

/** The same for what has to fail, or to end with a code of its own. */
export function runClean(
  dir: string,
  options: readonly string[] = [],
  terminal: Terminal = {},
  host: Partial<Host> = {},
): Promise<Run> {
  const consent = terminal.answer === undefined ? ['--yes'] : [];
  return run(['clean', dir, ...consent, '--min-age', '0s', ...options], terminal, host);
}

/** Makes `many` more directories of no segment, old ones, and returns their names. */
export function addLeftIndexes(dir: string, many: number): readonly string[] {
  const names = Array.from({ length: many }, (_, at) => `b0000000-0000-4000-8000-${String(at).padStart(12, '0')}`);
  for (const name of names) {
    cpSync(join(dir, LIVE_INDEX), join(dir, name), { recursive: true, preserveTimestamps: true });
    utimesSync(join(dir, name), LONG_AGO, LONG_AGO);
  }
  return names;
}

/** Adds `many` records of a segment that is gone, with documents, as 0.6.3 leaves them. */
export function addLeftRecords(dir: string, many: number): void {
  withDatabase(dir, (db) => {
    db.function('document', (at) => `document ${String(at)} ${'of a collection that was deleted '.repeat(20)}`);
    db.exec(`
      CREATE TEMP TABLE fresh (id INTEGER PRIMARY KEY);
      WITH RECURSIVE counter(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < ${many})
      INSERT INTO fresh SELECT n + (SELECT MAX(id) FROM embeddings) FROM counter;
      INSERT INTO embeddings (id, segment_id, embedding_id, seq_id) SELECT id, 'gone', id, x'00' FROM fresh;
      INSERT INTO embedding_metadata (id, key, string_value) SELECT id, 'chroma:document', document(id) FROM fresh;
      INSERT INTO embedding_fulltext_search (rowid, string_value) SELECT id, document(id) FROM fresh`);
  });
}

/** The catalogue as it is after every collection was deleted, or was lost. */
export function emptyCatalog(dir: string): void {
  withDatabase(dir, (db) => db.exec('DELETE FROM collections; DELETE FROM segments'));
}

/** Takes a living collection's segments out of the catalogue, all or those for which `and` holds. */
export function loseSegments(dir: string, collection: string, and = ''): void {
  const id = collectionIdOf(dir, collection);
  withDatabase(dir, (db) => db.prepare(`DELETE FROM segments WHERE collection = ? ${and}`).run(id));
}

export function quarantinesIn(dir: string): readonly string[] {
  return readdirSync(join(dir, '.chroma-maint', 'quarantine')).toSorted();
}

/** Every path but the directory itself, whose time changes with what is put into it. */
export function contentOf(dir: string): ReadonlyMap<string, string> {
  return new Map([...bytesOf(dir)].filter(([path]) => path !== ''));
}
