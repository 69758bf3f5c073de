/** What a clean-up takes, what it leaves, and what it says of both. */
import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clean, contentOf, LEFT_INDEX, leftBehind, runClean, type CleanJson } from '../support/clean.ts';
import { collectionIdOf, orphanTopic } from '../support/damage.ts';
import { FIXTURES, temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { fullTextTableOf } from '../support/full-text-damage.ts';
import { unprivileged } from '../support/program.ts';
import { run, runJson } from '../support/run.ts';
import { bytesOf, rowsOf, seqIdsOf, withDatabase } from '../support/state.ts';

const NOTHING = { changed: false, directories: [], rows: {}, quarantine: null };

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
    expect(await clean(dir)).toMatchObject(NOTHING);
  });

  it('changes not one byte in a dry run', async () => {
    const dir = await unpacked(name);
    const before = bytesOf(dir);
    await runJson(['clean', dir, '--dry-run', '--min-age', '0s']);
    expect(bytesOf(dir)).toEqual(before);
  });
});

/** A directory in which everything is left behind that can be: an index, rows of every table, and a log. */
async function withAllParts(): Promise<string> {
  const dir = await leftBehind();
  orphanTopic(dir, 'drafts');
  return dir;
}

describe('one part alone', () => {
  it('leaves the database to the byte with --only dirs', async () => {
    const dir = await withAllParts();
    const before = contentOf(dir).get('chroma.sqlite3');
    const { directories, rows, changed } = await clean(dir, '--only', 'dirs');
    expect({ changed, rows, names: directories.length }).toEqual({ changed: true, rows: {}, names: 2 });
    expect(contentOf(dir).get('chroma.sqlite3')).toBe(before);
  });

  it('leaves every directory and the log with --only rows', async () => {
    const dir = await withAllParts();
    const [files, ids] = [contentOf(dir), seqIdsOf(dir)];
    const { directories, rows, quarantine } = await clean(dir, '--only', 'rows');
    expect({ directories, quarantine }).toEqual({ directories: [], quarantine: null });
    expect(Object.keys(rows).toSorted()).toEqual([
      'collection_metadata',
      'embedding_fulltext_search',
      'embedding_metadata',
      'embeddings',
      'max_seq_id',
      'segment_metadata',
      'segments',
    ]);
    expect(seqIdsOf(dir)).toEqual(ids);
    expect([...contentOf(dir)].filter(([path]) => path !== 'chroma.sqlite3')).toEqual(
      [...files].filter(([path]) => path !== 'chroma.sqlite3'),
    );
  });

  it('leaves every directory and every other table with --only topics', async () => {
    const dir = await withAllParts();
    const [names, others] = [readdirSync(dir), rowsOf(dir, ['embeddings_queue'])];
    const many = seqIdsOf(dir).length;
    const { directories, rows } = await clean(dir, '--only', 'topics');
    expect({ directories, rows }).toEqual({ directories: [], rows: { embeddings_queue: 40 } });
    expect(seqIdsOf(dir)).toHaveLength(many - 40);
    expect(readdirSync(dir)).toEqual(names);
    expect(rowsOf(dir, ['embeddings_queue'])).toEqual(others);
  });

  it('does not go together with another, nor is another part known', async () => {
    const dir = await leftBehind();
    expect((await runClean(dir, ['--only', 'files'])).exitCode).toBe(2);
  });
});

/** Cleans up what has to stay, and returns what is said of it. */
async function keptBecause(dir: string, ...options: readonly string[]): Promise<string> {
  const before = bytesOf(dir);
  const argv = ['clean', dir, '--yes', '--only', 'dirs', ...options];
  const { changed, directories } = await runJson<CleanJson>(argv);
  expect({ changed, actions: directories.map(({ action }) => action) }).toEqual({ changed: false, actions: ['keep'] });
  expect(bytesOf(dir)).toEqual(before);
  expect(await run(argv)).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('stays:') });
  return directories[0]?.because ?? '';
}

describe('a directory of no segment', () => {
  it.each([
    ['one of its files', 'header.bin'],
    ['it itself', '.'],
  ])('stays for an hour after %s was written to, and goes at once with --min-age 0s', async (_, name) => {
    const dir = await leftBehind();
    const now = new Date();
    utimesSync(join(dir, LEFT_INDEX, name), now, now);
    expect(await keptBecause(dir)).toMatch(/^written to within 1h/);
    expect(await clean(dir, '--only', 'dirs')).toMatchObject({ changed: true });
    expect(readdirSync(dir)).not.toContain(LEFT_INDEX);
  });

  it('goes when it is exactly as old as --min-age says, and stays a moment before', async () => {
    const dir = await leftBehind();
    const [written, hour] = [new Date('2026-11-21T12:00:00Z'), 3_600_000];
    for (const name of ['.', ...readdirSync(join(dir, LEFT_INDEX))])
      utimesSync(join(dir, LEFT_INDEX, name), written, written);
    const planned = (age: number): Promise<CleanJson> => {
      return runJson(['clean', dir, '--dry-run'], { now: () => new Date(written.getTime() + age) });
    };
    expect((await planned(hour - 1)).directories[0]?.action).toBe('keep');
    expect((await planned(hour)).directories[0]?.action).toBe('quarantine');
  });

  it('stays whatever is said where it was written to in the future, for then no clock can be believed', async () => {
    const dir = await leftBehind();
    const later = new Date(Date.now() + 60_000);
    utimesSync(join(dir, LEFT_INDEX, 'length.bin'), later, later);
    expect(await keptBecause(dir, '--min-age', '0s')).toBe('its time is in the future');
  });

  it.each([
    ['a file that is not of an index', (path: string) => writeFileSync(join(path, 'notes.txt'), ''), 'notes.txt'],
    ['a hidden file', (path: string) => writeFileSync(join(path, '.keep'), ''), '.keep'],
    ['a directory', (path: string) => mkdirSync(join(path, 'old')), 'old'],
    ['a directory with the name of a file', (path: string) => mkdirSync(join(path, 'index_metadata.pickle')), 'pickle'],
    ['a link', (path: string) => replacedByLink(join(path, 'link_lists.bin')), 'link_lists.bin'],
  ])('stays where it holds %s', async (_, put, name) => {
    const dir = await leftBehind();
    rmSync(join(dir, LEFT_INDEX, 'index_metadata.pickle'));
    put(join(dir, LEFT_INDEX));
    expect(await keptBecause(dir, '--min-age', '0s')).toContain(name);
  });

  it.each([
    ['whose files this user may not list', 0o300],
    ['whose files this user may not look at', 0o400],
  ])('%s stops everything', async (_, mode) => {
    const dir = await leftBehind();
    chmodSync(join(dir, LEFT_INDEX), mode);
    const before = bytesOf(dir);
    const { status, stderr } = unprivileged('clean', dir, '--yes', '--min-age', '0s');
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/may not read everything[^]*77bbefcc[^]*nothing was changed/),
    });
    expect(bytesOf(dir)).toEqual(before);
  });

  it('is not what a link, a file, or a directory in capitals with such a name is', async () => {
    const dir = await leftBehind();
    const outside = join(temporaryDirectory(), 'outside');
    renameSync(join(dir, LEFT_INDEX), outside);
    symlinkSync(outside, join(dir, LEFT_INDEX));
    writeFileSync(join(dir, LEFT_INDEX.replace('77', '78')), '');
    mkdirSync(join(dir, LEFT_INDEX.replace('77', '79').toUpperCase()));
    mkdirSync(join(dir, `${LEFT_INDEX}-old`));
    mkdirSync(join(dir, LEFT_INDEX.replaceAll('-', '')));
    const before = bytesOf(dir);
    expect(await clean(dir, '--only', 'dirs')).toMatchObject(NOTHING);
    expect(bytesOf(dir)).toEqual(before);
  });

  it('is not what is named after a living collection', async () => {
    const dir = await leftBehind();
    rmSync(join(dir, LEFT_INDEX), { recursive: true });
    mkdirSync(join(dir, collectionIdOf(dir, 'notes')));
    expect(await clean(dir, '--only', 'dirs')).toMatchObject(NOTHING);
  });

  it('goes where it is empty, as a crash before the first save leaves it', async () => {
    const dir = await leftBehind();
    rmSync(join(dir, LEFT_INDEX), { recursive: true });
    mkdirSync(join(dir, LEFT_INDEX));
    expect(await clean(dir, '--only', 'dirs')).toMatchObject({ changed: true });
  });
});

function replacedByLink(path: string): void {
  rmSync(path);
  symlinkSync('/dev/null', path);
}

describe('full text', () => {
  it.each(['0.4.3', '0.4.24', '0.6.3-purge-off'])(
    'is merged, so that what went takes no space, in %s',
    async (name) => {
      const dir = await unpacked(name);
      const segmentBytes = (): bigint =>
        withDatabase(dir, (db) => {
          const table = fullTextTableOf(dir);
          return db.prepare(`SELECT SUM(length(block)) FROM ${table}_data`).pluck().get() as bigint;
        });
      const before = segmentBytes();
      await clean(dir, '--only', 'rows');
      expect(segmentBytes()).toBeLessThan(before);
      expect(
        withDatabase(dir, (db) =>
          db
            .prepare(`SELECT COUNT(DISTINCT segid) FROM ${fullTextTableOf(dir)}_idx`)
            .pluck()
            .get(),
        ),
      ).toBe(1n);
    },
  );
});

describe('the log of a collection that is gone', () => {
  const write = "INSERT INTO embeddings_queue (operation, topic, id) VALUES (0, 'persistent://default/default/x', 'x')";

  it('keeps the last row of all, so that numbers go on growing', async () => {
    const dir = await leftBehind();
    const last = seqIdsOf(dir).at(-1) ?? 0n;
    withDatabase(dir, (db) => {
      db.exec(`${write}; ${write}`);
      db.exec(write.replace('/x', '/y'));
      db.exec(write);
    });
    expect(await clean(dir, '--only', 'topics')).toMatchObject({ rows: { embeddings_queue: 3 } });
    expect(seqIdsOf(dir).slice(-2)).toEqual([last, last + 4n]);
    withDatabase(dir, (db) => db.exec(write));
    expect(seqIdsOf(dir).at(-1)).toBe(last + 5n);
  });

  it('is nothing left behind where it is that last row alone, be there a collection or not', async () => {
    const dir = await leftBehind();
    withDatabase(dir, (db) => db.exec(write));
    await clean(dir);
    expect(await clean(dir)).toMatchObject({ ...NOTHING, doubt: null });
    withDatabase(dir, (db) => {
      const tables = ['segments', 'collection_metadata', 'segment_metadata', 'max_seq_id', 'embeddings'];
      for (const table of ['collections', ...tables, 'embedding_metadata', 'embedding_fulltext_search'])
        db.exec(`DELETE FROM ${table}`);
      db.exec('DELETE FROM embeddings_queue WHERE seq_id < (SELECT MAX(seq_id) FROM embeddings_queue)');
    });
    expect(await runClean(dir, ['--only', 'topics'])).toMatchObject({ exitCode: 3 });
    for (const name of readdirSync(dir)) if (name.length === 36) rmSync(join(dir, name), { recursive: true });
    expect(await runClean(dir)).toMatchObject({ exitCode: 0, stdout: 'Nothing to clean up.\n' });
  });

  it('is not what stands under another prefix for a collection that lives', async () => {
    const dir = await unpacked('0.4.24');
    const id = collectionIdOf(dir, 'drafts');
    withDatabase(dir, (db) => db.exec(write.replace('default/default/x', `acme/search/${id}`)));
    withDatabase(dir, (db) => db.exec(write));
    expect(await clean(dir, '--only', 'topics')).toMatchObject({ changed: false, rows: {} });
  });
});
