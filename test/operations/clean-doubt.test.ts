/** A catalogue that may be damaged says of nothing that it is dead. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  clean,
  contentOf,
  emptyCatalog,
  LEFT_INDEX,
  leftBehind,
  loseSegments,
  quarantinesIn,
  runClean,
} from '../support/clean.ts';
import { collectionIdOf } from '../support/damage.ts';
import { temporaryDirectory } from '../support/fixtures.ts';
import { bytesOf, rowsOf, seqIdsOf, withDatabase } from '../support/state.ts';

async function withEmptyCatalog(): Promise<string> {
  const dir = await leftBehind();
  emptyCatalog(dir);
  return dir;
}

function indexesIn(dir: string): readonly string[] {
  return readdirSync(dir).filter((name) => name.length === 36);
}

describe('a catalogue without any collection', () => {
  it('ends with exit code 3, the indexes listed, and not a byte changed', async () => {
    const dir = await withEmptyCatalog();
    const before = bytesOf(dir);
    const { exitCode, stdout } = await runClean(dir);
    expect(exitCode).toBe(3);
    expect(stdout).toContain('either every one was deleted');
    expect(stdout).toContain(`chroma-maint clean ${dir} --allow-empty-catalog`);
    for (const name of indexesIn(dir)) expect(stdout).toContain(name);
    expect(await runClean(dir, ['--dry-run'])).toMatchObject({ exitCode: 3 });
    expect(await runClean(dir, ['--delete'])).toMatchObject({ exitCode: 3 });
    expect(bytesOf(dir)).toEqual(before);
  });

  it('that is believed puts indexes aside and leaves every row and the log', async () => {
    const dir = await withEmptyCatalog();
    const [names, database] = [indexesIn(dir), contentOf(dir).get('chroma.sqlite3')];
    const { exitCode, stdout } = await runClean(dir, ['--allow-empty-catalog']);
    expect(exitCode).toBe(3);
    expect(stdout).toContain('Rows cannot be taken back');
    expect(indexesIn(dir)).toEqual([]);
    expect(contentOf(dir).get('chroma.sqlite3')).toBe(database);
    const [id = ''] = quarantinesIn(dir);
    expect(readdirSync(join(dir, '.chroma-maint/quarantine', id)).toSorted()).toEqual([...names, 'manifest.json']);
  });

  it('that is believed takes rows and the log only behind a snapshot, and the last row not even then', async () => {
    const dir = await withEmptyCatalog();
    const [last, repository] = [seqIdsOf(dir).at(-1), join(temporaryDirectory(), 'repo')];
    const { changed, rows } = await clean(dir, '--allow-empty-catalog', '--backup', repository);
    expect({ changed, embeddings: rows['embeddings'] }).toEqual({ changed: true, embeddings: 740 });
    expect(seqIdsOf(dir)).toEqual([last]);
    expect(indexesIn(dir)).toEqual([]);
    expect(await clean(dir)).toMatchObject({ changed: false, doubt: null });
  });

  it('is never reason to delete a directory for good', async () => {
    const dir = await withEmptyCatalog();
    const before = bytesOf(dir);
    expect(await runClean(dir, ['--allow-empty-catalog', '--delete'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('do not go together'),
    });
    expect(bytesOf(dir)).toEqual(before);
  });

  it('is no reason for doubt where nothing is left behind', async () => {
    const dir = await withEmptyCatalog();
    await clean(dir, '--allow-empty-catalog', '--backup', join(temporaryDirectory(), 'repo'));
    expect(await runClean(dir)).toMatchObject({ exitCode: 0, stdout: 'Nothing to clean up.\n' });
  });
});

describe('a collection', () => {
  it.each([
    ['without its segments', ''],
    ['without its metadata segment', "AND scope = 'METADATA'"],
    ['without its vector segment', "AND scope = 'VECTOR'"],
  ])('%s ends with exit code 3, is named, and not a byte is changed', async (_, and) => {
    const dir = await leftBehind();
    loseSegments(dir, 'drafts', and);
    const before = bytesOf(dir);
    for (const options of [[], ['--delete'], ['--allow-empty-catalog'], ['--only', 'topics'], ['--dry-run']]) {
      const { exitCode, stdout } = await runClean(dir, options);
      expect({ exitCode, stdout }).toEqual({
        exitCode: 3,
        stdout: expect.stringMatching(/Collection drafts lacks a segment[^]*Everything\sstays/),
      });
    }
    expect(bytesOf(dir)).toEqual(before);
  });

  it('with a segment of an unknown kind is whole', async () => {
    const dir = await leftBehind();
    loseSegments(dir, 'drafts', "AND scope = 'VECTOR'");
    const id = collectionIdOf(dir, 'drafts');
    withDatabase(dir, (db) =>
      db.prepare("INSERT INTO segments VALUES ('s', 'urn:chroma:segment/vector/new', 'VECTOR', ?)").run(id),
    );
    const rows = rowsOf(dir, ['embeddings_queue']);
    expect(await clean(dir, '--only', 'dirs')).toMatchObject({ changed: true, doubt: null });
    expect(readdirSync(dir)).not.toContain(LEFT_INDEX);
    expect(rowsOf(dir, ['embeddings_queue'])).toEqual(rows);
  });

  it('of a database that is gone lives on', async () => {
    const dir = await leftBehind();
    await clean(dir);
    withDatabase(dir, (db) => db.exec('DELETE FROM databases; DELETE FROM tenants'));
    expect(await clean(dir)).toMatchObject({ changed: false, directories: [], rows: {}, doubt: null });
  });
});
