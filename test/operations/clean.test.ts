import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FIXTURES, unpacked } from '../support/fixtures.ts';
import { run, runJson } from '../support/run.ts';
import { bytesOf, rowsOf, withDatabase } from '../support/state.ts';

interface Cleaned {
  readonly changed: boolean;
  readonly directories: readonly { readonly path: string; readonly action: string }[];
  readonly rows: Readonly<Record<string, number>>;
  readonly quarantine: string | null;
}

const clean = (dir: string, ...options: readonly string[]): Promise<Cleaned> =>
  runJson<Cleaned>(['clean', dir, '--yes', '--min-age', '0s', ...options]);

/** What belongs to a segment of a collection, asked of the database in another way than the program does. */
function liveRows(dir: string): Readonly<Record<string, string>> {
  return withDatabase(dir, (db) => {
    const rows = (sql: string): string => JSON.stringify(db.prepare(sql).raw().all(), (_, value) => String(value));
    const live = 'SELECT s.id FROM segments AS s JOIN collections AS c ON s.collection = c.id';
    return {
      embeddings: rows(`SELECT * FROM embeddings WHERE segment_id IN (${live}) ORDER BY id`),
      metadata: rows(
        `SELECT m.* FROM embedding_metadata AS m JOIN embeddings AS e USING (id) WHERE e.segment_id IN (${live}) ORDER BY 1, 2`,
      ),
      positions: rows(`SELECT * FROM max_seq_id WHERE segment_id IN (${live}) ORDER BY 1`),
      catalogue: rows('SELECT * FROM collections ORDER BY id'),
      queue: rows('SELECT * FROM embeddings_queue ORDER BY seq_id'),
    };
  });
}

describe.each(FIXTURES.filter(({ expected }) => expected.exitCode !== 14).map(({ name }) => [name]))('%s', (name) => {
  it('keeps every row of a live segment, and a second clean-up finds nothing', async () => {
    const dir = await unpacked(name);
    const before = liveRows(dir);
    await clean(dir);
    expect(liveRows(dir)).toEqual(before);
    expect(withDatabase(dir, (db) => db.pragma('integrity_check', { simple: true }))).toBe('ok');
    expect(await clean(dir)).toMatchObject({ changed: false, directories: [], rows: {} });
  });

  it('changes not one byte in a dry run', async () => {
    const dir = await unpacked(name);
    const before = bytesOf(dir);
    await runJson(['clean', dir, '--dry-run', '--min-age', '0s']);
    expect(bytesOf(dir)).toEqual(before);
  });
});

it('gives directories back as they were', async () => {
  const dir = await unpacked('0.6.3-purge-off');
  const names = readdirSync(dir).toSorted();
  const { quarantine, directories } = await clean(dir, '--only', 'dirs');
  const [moved] = directories;
  expect(existsSync(moved?.path ?? '')).toBe(false);
  expect(existsSync(join(dir, '.chroma-maint/quarantine', quarantine ?? ''))).toBe(true);
  expect((await run(['clean', dir, '--restore', quarantine ?? '', '--yes'])).exitCode).toBe(0);
  expect(readdirSync(dir).toSorted()).toEqual(names);
});

it('puts directories back and deletes no row where one cannot be deleted', async () => {
  const dir = await unpacked('0.6.3-purge-off');
  withDatabase(dir, (db) =>
    db.exec("CREATE TRIGGER stop BEFORE DELETE ON collection_metadata BEGIN SELECT RAISE(ABORT, 'no'); END"),
  );
  const [rows, names] = [rowsOf(dir), readdirSync(dir)];
  const { exitCode } = await run(['clean', dir, '--yes', '--min-age', '0s']);
  expect(exitCode).not.toBe(0);
  expect(rowsOf(dir)).toEqual(rows);
  expect(readdirSync(dir)).toEqual(names);
});
