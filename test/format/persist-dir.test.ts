import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { locatePersistDir } from '../../src/chroma/persist-dir.ts';
import {
  coldJournal,
  databaseOf,
  foreignDatabase,
  hardLinkedDatabase,
  hotJournal,
  symlinkedDatabase,
  tornDatabase,
  walMode,
  zeroByteDatabase,
} from '../support/damage.ts';
import { FIXTURES, temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { bytesOf } from '../support/state.ts';

function refusalOf(given: string): { readonly code?: string } {
  try {
    locatePersistDir(given);
  } catch (error) {
    return error as object;
  }
  return {};
}

function message(part: string): string {
  return expect.stringContaining(part) as string;
}

describe('locating a persist directory', () => {
  it.each(FIXTURES.map(({ name }) => name))('finds the database of %s and changes nothing', async (name) => {
    const dir = await unpacked(name);
    const before = bytesOf(dir);
    const found = locatePersistDir(dir);
    expect(found).toMatchObject({
      given: dir,
      path: dir,
      databasePath: databaseOf(dir),
      journal: 'none',
      walMode: false,
      walFiles: [],
      database: { bytes: readFileSync(databaseOf(dir)).length, links: 1, isSymlink: false },
    });
    expect(bytesOf(dir)).toEqual(before);
  });

  it('resolves symbolic links to the directory, and remembers what was given', async () => {
    const dir = await unpacked('0.5.5');
    const link = join(dirname(dir), 'link');
    symlinkSync(dir, link);
    expect(locatePersistDir(`${link}/`)).toMatchObject({
      given: `${link}/`,
      path: dir,
      database: { isSymlink: false },
    });
    const here = relative(process.cwd(), dir);
    expect(locatePersistDir(here)).toMatchObject({ given: here, path: dir });
  });

  it('sees that the database is a symbolic link, and where it leads', async () => {
    const dir = await unpacked('0.5.5');
    const elsewhere = symlinkedDatabase(dir);
    expect(locatePersistDir(dir)).toMatchObject({ databasePath: elsewhere, database: { isSymlink: true } });
  });

  it('sees that the database has a second name', async () => {
    const dir = await unpacked('0.5.5');
    hardLinkedDatabase(dir);
    expect(locatePersistDir(dir)).toMatchObject({ database: { links: 2 } });
  });

  it('looks for journals beside the real database, not beside a link to it', async () => {
    const dir = await unpacked('0.5.5');
    hotJournal(dir);
    const elsewhere = symlinkedDatabase(dir);
    renameSync(`${databaseOf(dir)}-journal`, `${elsewhere}-journal`);
    expect(locatePersistDir(dir)).toMatchObject({ journal: 'hot' });
  });

  it('tells a hot journal from a cold one', async () => {
    const [hot, cold] = [await unpacked('0.5.5'), await unpacked('0.5.5')];
    hotJournal(hot);
    coldJournal(cold);
    const before = [bytesOf(hot), bytesOf(cold)];
    expect([locatePersistDir(hot).journal, locatePersistDir(cold).journal]).toEqual(['hot', 'cold']);
    expect([bytesOf(hot), bytesOf(cold)]).toEqual(before);
  });

  it.each([
    ['header', []],
    ['files', ['-wal', '-shm']],
  ] as const)('sees write-ahead mode (%s) without opening the database', async (variant, walFiles) => {
    const dir = await unpacked('0.5.5');
    walMode(dir, variant);
    const before = bytesOf(dir);
    expect(locatePersistDir(dir)).toMatchObject({ walMode: true, walFiles });
    expect(bytesOf(dir)).toEqual(before);
  });

  it('takes a database of another program for a database: its tables are looked at later', async () => {
    const dir = await unpacked('0.5.5');
    foreignDatabase(dir);
    expect(locatePersistDir(dir)).toMatchObject({ walMode: false });
  });
});

describe('what is no persist directory', () => {
  it('is a path that does not exist, or that leads through a file', async () => {
    const dir = await unpacked('0.5.5');
    for (const given of [join(dir, 'no-such'), join(databaseOf(dir), 'below')]) {
      expect(refusalOf(given)).toMatchObject({
        code: 'NOT_A_PERSIST_DIR',
        message: message('there is no such directory'),
      });
    }
  });

  it('is a file, its own database included', async () => {
    const dir = await unpacked('0.5.5');
    expect(refusalOf(databaseOf(dir))).toMatchObject({ code: 'NOT_A_PERSIST_DIR', message: message('a file, not a') });
  });

  it('is an empty directory, or one without the database', async () => {
    const dir = await unpacked('0.5.5');
    rmSync(databaseOf(dir));
    expect(refusalOf(dir)).toMatchObject({ code: 'NOT_A_PERSIST_DIR', details: ['it holds no chroma.sqlite3'] });
    expect(refusalOf(temporaryDirectory())).toMatchObject({ code: 'NOT_A_PERSIST_DIR', details: ['it is empty'] });
  });

  it('is a directory of Chroma before 0.4, and the remedy is named', () => {
    const dir = temporaryDirectory();
    writeFileSync(join(dir, 'chroma-embeddings.parquet'), '');
    expect(refusalOf(dir)).toMatchObject({ code: 'NOT_A_PERSIST_DIR', hint: message('chroma-migrate') });
  });

  it('is one whose database is a directory, a link to nowhere, empty, or no database', async () => {
    const dir = await unpacked('0.5.5');
    zeroByteDatabase(dir);
    expect(refusalOf(dir)).toMatchObject({ code: 'NOT_A_PERSIST_DIR', message: message('empty (0 bytes)') });
    writeFileSync(databaseOf(dir), 'not a database, though long enough to be one'.repeat(10));
    expect(refusalOf(dir)).toMatchObject({ code: 'NOT_A_PERSIST_DIR', message: message('not a SQLite database') });
    rmSync(databaseOf(dir));
    symlinkSync('nowhere', databaseOf(dir));
    expect(refusalOf(dir)).toMatchObject({ code: 'NOT_A_PERSIST_DIR', message: message('leads nowhere') });
    rmSync(databaseOf(dir));
    mkdirSync(databaseOf(dir));
    expect(refusalOf(dir)).toMatchObject({ code: 'NOT_A_PERSIST_DIR', message: message('is not a file') });
  });

  it('is none the shorter while a commit is under way, which writes the header first: its journal is hot', async () => {
    const dir = await unpacked('0.5.5');
    hotJournal(dir);
    const { size } = statSync(databaseOf(dir));
    truncateSync(databaseOf(dir), size - 4096);
    expect(locatePersistDir(dir)).toMatchObject({ journal: 'hot', database: { bytes: size - 4096 } });
    rmSync(`${databaseOf(dir)}-journal`);
    expect(refusalOf(dir)).toMatchObject({ code: 'CORRUPT' });
  });

  it('is told from one whose database is cut short, which is damage', async () => {
    const dir = await unpacked('0.5.5');
    const { length } = readFileSync(databaseOf(dir));
    tornDatabase(dir);
    const before = bytesOf(dir);
    expect(refusalOf(dir)).toMatchObject({
      code: 'CORRUPT',
      details: [message(`its header promises ${length}`)],
      changed: false,
    });
    expect(bytesOf(dir)).toEqual(before);
  });
});
