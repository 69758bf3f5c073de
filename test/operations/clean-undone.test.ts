/** Clean-ups that fail, or that somebody's change overtakes: rows and directories are as they were. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { realHost } from '../../src/host/real-host.ts';
import { addLeftIndexes, clean, contentOf, LEFT_INDEX, leftBehind, runClean } from '../support/clean.ts';
import { collectionIdOf, damagedFullText, damagedPage, orphanTopic } from '../support/damage.ts';
import { temporaryDirectory } from '../support/fixtures.ts';
import { PROGRAM, unprivileged } from '../support/program.ts';
import { bytesOf, rowsOf, withDatabase } from '../support/state.ts';

describe('a clean-up in which a row cannot be deleted', () => {
  it.each(['embeddings', 'collection_metadata', 'embeddings_queue'])(
    'of %s deletes none and puts the directories back',
    async (table) => {
      const dir = await leftBehind();
      addLeftIndexes(dir, 3);
      orphanTopic(dir, 'drafts');
      withDatabase(dir, (db) =>
        db.exec(`CREATE TRIGGER stop BEFORE DELETE ON ${table} BEGIN SELECT RAISE(ABORT, 'no'); END`),
      );
      const [rows, files] = [rowsOf(dir), contentOf(dir)];
      const { exitCode, stdout } = await runClean(dir, ['--delete']);
      expect(exitCode).not.toBe(0);
      expect(stdout).toBe('');
      expect(rowsOf(dir)).toEqual(rows);
      expect(contentOf(dir)).toEqual(files);
    },
  );

  it.each(['embeddings', 'segment_metadata', 'embeddings_queue'])(
    'because one of %s stays without a word deletes none',
    async (table) => {
      const dir = await leftBehind();
      orphanTopic(dir, 'drafts');
      withDatabase(dir, (db) => {
        db.exec(`
          CREATE TABLE seen (number INTEGER);
          CREATE TRIGGER keep BEFORE DELETE ON ${table} WHEN NOT EXISTS (SELECT 1 FROM seen) BEGIN
            INSERT INTO seen VALUES (OLD.rowid);
            SELECT RAISE(IGNORE);
          END`);
      });
      const [rows, files] = [rowsOf(dir), contentOf(dir)];
      expect((await runClean(dir)).exitCode).not.toBe(0);
      expect(rowsOf(dir)).toEqual(rows);
      expect(contentOf(dir)).toEqual(files);
    },
  );

  it('because one more goes with it deletes none', async () => {
    const dir = await leftBehind();
    withDatabase(dir, (db) =>
      db.exec(`
        CREATE TRIGGER more AFTER DELETE ON max_seq_id BEGIN
          DELETE FROM embeddings_queue WHERE seq_id = (SELECT MAX(seq_id) FROM embeddings_queue);
        END`),
    );
    const [rows, files] = [rowsOf(dir), contentOf(dir)];
    expect((await runClean(dir)).exitCode).not.toBe(0);
    expect(rowsOf(dir)).toEqual(rows);
    expect(contentOf(dir)).toEqual(files);
  });

  it('because its document is not in the full-text table says how that is mended', async () => {
    const dir = await leftBehind();
    orphanTopic(dir, 'notes');
    damagedFullText(dir);
    const [rows, files] = [rowsOf(dir), contentOf(dir)];
    const { exitCode, stderr } = await runClean(dir);
    expect({ exitCode, stderr }).toEqual({ exitCode: 14, stderr: expect.stringContaining('fts rebuild') });
    expect(rowsOf(dir)).toEqual(rows);
    expect(contentOf(dir)).toEqual(files);
  });
});

describe('a damaged database', () => {
  it.each([['embedding_metadata'], ['embeddings_queue'], ['migrations'], ['embedding_metadata_string_value']])(
    'with a bad page of %s is refused, and nothing changed',
    async (table) => {
      const dir = await leftBehind();
      damagedPage(dir, table);
      const before = bytesOf(dir);
      expect(await runClean(dir)).toMatchObject({
        exitCode: 14,
        stdout: '',
        stderr: expect.stringContaining('nothing was changed'),
      });
      expect(bytesOf(dir)).toEqual(before);
    },
  );
});

describe('the place for directories that are put aside', () => {
  it.each([
    ['a link to elsewhere', '.', (path: string, elsewhere: string) => symlinkSync(elsewhere, path)],
    ['a file', '.', (path: string) => writeFileSync(path, 'x')],
    ['a link to elsewhere, one below', 'quarantine', (path: string, elsewhere: string) => symlinkSync(elsewhere, path)],
    ['a file, one below', 'quarantine', (path: string) => writeFileSync(path, 'x')],
  ])('that is %s is refused with 20, and nothing changed there or here', async (_, name, make) => {
    const [dir, elsewhere] = [await leftBehind(), temporaryDirectory()];
    if (name !== '.') mkdirSync(join(dir, '.chroma-maint'));
    make(join(dir, '.chroma-maint', name), elsewhere);
    const [rows, before] = [rowsOf(dir), contentOf(dir)];
    for (const options of [[], ['--delete']])
      expect(await runClean(dir, options)).toMatchObject({
        exitCode: 20,
        stderr: expect.stringMatching(/not a directory[^]*nothing was changed/),
      });
    expect(contentOf(dir)).toEqual(before);
    expect(rowsOf(dir)).toEqual(rows);
    expect(readdirSync(elsewhere)).toEqual([]);
    expect(await runClean(dir, ['--purge-quarantine', '--older-than', '0s'])).toMatchObject({ exitCode: 0 });
    expect(contentOf(dir)).toEqual(before);
    expect(await clean(dir, '--only', 'rows')).toMatchObject({ changed: true });
  });
});

describe('directories of which one cannot be moved', () => {
  it('all stay where they are, and so do the rows', async () => {
    const dir = await leftBehind();
    const [first = '', second = ''] = addLeftIndexes(dir, 4).slice(2);
    expect(first < second && second > LEFT_INDEX).toBe(true);
    // Whoever is not root cannot move a directory that may not be written: its ".." changes.
    chmodSync(join(dir, second), 0o555);
    const [rows, files] = [rowsOf(dir), contentOf(dir)];
    const { status, stderr } = unprivileged('clean', dir, '--yes', '--min-age', '0s');
    expect(contentOf(dir)).toEqual(files);
    expect(rowsOf(dir)).toEqual(rows);
    expect({ status, stderr }).toEqual({ status: 19, stderr: expect.stringContaining('nothing was changed') });
  });

  it('because something is mounted there all stay, and the message says which one', async () => {
    const dir = await leftBehind();
    const [, name = ''] = addLeftIndexes(dir, 3);
    const [rows, files] = [rowsOf(dir), contentOf(dir)];
    const script = 'mount -t tmpfs none "$1" || exit 99; shift; "$@"';
    const argv = [process.execPath, PROGRAM, 'clean', dir, '--yes', '--min-age', '0s'];
    const { status, stderr } = spawnSync(
      'unshare',
      ['--map-root-user', '--mount', 'sh', '-c', script, 'sh', join(dir, name), ...argv],
      { encoding: 'utf8' },
    );
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining(name) });
    expect(stderr).toContain('nothing was changed');
    expect(contentOf(dir)).toEqual(files);
    expect(rowsOf(dir)).toEqual(rows);
  });

  it.each([1, 3, 5])('to the disk (sync number %i fails) all stay, and so do the rows', async (failing) => {
    const dir = await leftBehind();
    addLeftIndexes(dir, 2);
    const [rows, files] = [rowsOf(dir), contentOf(dir)];
    let count = 0;
    const sync = (path: string): void => {
      count += 1;
      if (count === failing) throw Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' });
      realHost.sync(path);
    };
    const { exitCode, stderr } = await runClean(dir, [], {}, { sync });
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining('nothing was changed') });
    expect(contentOf(dir)).toEqual(files);
    expect(rowsOf(dir)).toEqual(rows);
  });
});

describe('a directory that changes while a person is asked', () => {
  it.each([
    ['a collection is deleted', (dir: string) => orphanTopic(dir, 'drafts')],
    ['another index is left behind', (dir: string) => void addLeftIndexes(dir, 1)],
    ['the index is gone', (dir: string) => rmSync(join(dir, LEFT_INDEX), { recursive: true })],
    ['the index is written to', (dir: string) => touched(join(dir, LEFT_INDEX, 'header.bin'))],
    ['the index gets a file of somebody', (dir: string) => writeFileSync(join(dir, LEFT_INDEX, 'notes'), '')],
    ['a row comes that is of nobody', (dir: string) => insertPosition(dir)],
    ['the index becomes that of a collection', (dir: string) => becomesLive(dir)],
  ])('because %s is left as it is, with exit code 16', async (_, change) => {
    const dir = await leftBehind();
    let [rows, files] = [rowsOf(dir), contentOf(dir)];
    const answer = (): boolean => {
      change(dir);
      [rows, files] = [rowsOf(dir), contentOf(dir)];
      return true;
    };
    expect(await runClean(dir, ['--min-age', '1h'], { answer })).toMatchObject({
      exitCode: 16,
      stderr: expect.stringMatching(/changed after the plan was shown[^]*nothing was changed/),
    });
    expect(rowsOf(dir)).toEqual(rows);
    expect(contentOf(dir)).toEqual(files);
  });

  it('in what stays anyway is cleaned up as agreed', async () => {
    const dir = await leftBehind();
    const answer = (): boolean => {
      const topic = `persistent://default/default/${collectionIdOf(dir, 'notes')}`;
      withDatabase(dir, (db) =>
        db.prepare("INSERT INTO embeddings_queue (operation, topic, id) VALUES (0, ?, 'x')").run(topic),
      );
      return true;
    };
    expect(await runClean(dir, [], { answer })).toMatchObject({ exitCode: 0 });
    expect(existsSync(join(dir, LEFT_INDEX))).toBe(false);
  });
});

function touched(path: string): void {
  const now = new Date();
  utimesSync(path, now, now);
}

function insertPosition(dir: string): void {
  withDatabase(dir, (db) => db.exec("INSERT INTO max_seq_id VALUES ('nobody', x'0000000000000001')"));
}

function becomesLive(dir: string): void {
  const id = collectionIdOf(dir, 'drafts');
  withDatabase(dir, (db) =>
    db
      .prepare("INSERT INTO segments VALUES (?, 'urn:chroma:segment/vector/hnsw-local-persisted', 'VECTOR', ?)")
      .run(LEFT_INDEX, id),
  );
}

describe('a person', () => {
  it('who answers no, or presses Ctrl-C, changes nothing', async () => {
    const dir = await leftBehind();
    const before = bytesOf(dir);
    const refused = await runClean(dir, [], { answer: 'no' });
    expect(refused).toMatchObject({ exitCode: 0, stdout: 'Nothing was changed.\n' });
    expect(refused.questions).toEqual(['Put 1 directory aside and delete 972 rows?']);
    expect(await runClean(dir, [], { answer: 'ctrl-c' })).toMatchObject({ exitCode: 130 });
    expect(await runClean(dir, ['--delete', '--only', 'dirs'], { answer: 'no' })).toMatchObject({
      questions: ['Delete 1 directory?'],
    });
    expect(bytesOf(dir)).toEqual(before);
  });

  it('is not asked where there is nothing to do', async () => {
    const dir = await leftBehind();
    await clean(dir);
    expect(await runClean(dir, [], { answer: 'no' })).toMatchObject({ exitCode: 0, questions: [] });
  });
});
