/** What a scrub says that it found, piece by piece, and what follows from it. */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Host, HolderScan } from '../../../src/host/host.ts';
import { realHost } from '../../../src/host/real-host.ts';
import { isGone, type Found } from '../../../src/operations/scrub/search.ts';
import { archivedNotesOf } from '../../support/catalogue-damage.ts';
import { damagedIndexFiles, databaseOf, unknownMigration } from '../../support/damage.ts';
import { temporaryDirectory, unpacked, unpackedDemo } from '../../support/fixtures.ts';
import { NOBODY } from '../../support/holders.ts';
import { run } from '../../support/run.ts';
import { inFreePages, inFullTextTable, inLeftIndex, inOrphanRow, phraseFile, scrub } from '../../support/scrub.ts';

const MEBIBYTE = 1024 * 1024;

/** Nobody else has the directory open: in this process that cannot be told otherwise. */
const ALONE: Partial<Host> = { holdersOf: () => NOBODY, holdersOfFile: () => NOBODY, probeLease: () => 'granted' };

/** A machine on which `work` happens once the new database of `dir` is in place and the old one overwritten. */
function afterwards(dir: string, work: () => void): Partial<Host> {
  const inode = (): number => statSync(databaseOf(dir)).ino;
  const old = inode();
  let isDone = false;
  const holdersOfFile = (): HolderScan => {
    if (!isDone && inode() !== old) {
      isDone = true;
      work();
    }
    return NOBODY;
  };
  return { ...ALONE, holdersOfFile };
}

describe('deleted texts', () => {
  const nothing: Found = {
    traces: [],
    indistinct: 7,
    indistinctPhrases: [],
    indexes: [],
    leftDirectories: [],
    unsearchable: [],
    tooShort: 0,
    rowsBeyond: 0,
  };
  const collection = { id: 'c', name: 'notes', tenant: 't', database: 'd' } as Found['indexes'][number]['collection'];

  it.each<[string, Partial<Found>]>([
    ['a trace', { traces: [{ place: { kind: 'free-space' }, texts: 1, phrases: [] }] }],
    ['an index with vectors', { indexes: [{ collection, slots: 1, elements: 2, unsaved: 0 }] }],
    ['the directory of an index', { leftDirectories: ['d'] }],
    ['a file that could not be searched', { unsearchable: [{ root: null, path: 'x', because: 'compressed' }] }],
    ['a text too short to be searched for', { tooShort: 1 }],
    ['a text beyond those that are sought', { rowsBeyond: 1 }],
    ['a phrase that cannot be told from what lives', { indistinctPhrases: [1] }],
  ])('are gone where nothing was found, and not where there is %s', (_, found) => {
    expect(isGone(nothing)).toBe(true);
    expect(isGone({ ...nothing, ...found })).toBe(false);
  });

  it('that are gone end a scrub with 0, and what could not be searched with 3', async () => {
    const dir = await unpackedDemo();
    expect(await scrub(dir)).toMatchObject({ exitCode: 0, json: { searched: { isGone: true, traces: [] } } });
    const others = temporaryDirectory();
    writeFileSync(join(others, 'old.gz'), Buffer.from('1f8b', 'hex'));
    const phrases = phraseFile(['a phrase that is nowhere']);
    const { exitCode, json } = await scrub(dir, ['--yes', '--also', others, '--phrases', phrases]);
    expect([exitCode, json.searched.traces, json.searched.unsearchable.length]).toEqual([3, [], 1]);
  });

  it('of sixteen bytes are found where what is read at once ends between any two of them', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const others = temporaryDirectory();
    const phrase = 'sixteen bytes :-';
    for (const before of [1, 8, 15]) {
      writeFileSync(join(others, String(before)), 'z'.repeat(MEBIBYTE - before) + phrase);
    }
    const { json } = await scrub(dir, ['--dry-run', '--also', others, '--phrases', phraseFile([phrase])]);
    const found = json.searched.traces.filter(({ phrases }) => phrases.includes(1));
    expect(found.map(({ path, texts }) => [path, texts])).toEqual(['1', '15', '8'].map((path) => [path, 0]));
  });

  it('are counted by rows: of no collection as such, and in the full-text table', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    inOrphanRow(dir, 'a text in a row that belongs to nothing');
    inFullTextTable(dir, 'a text that only the full-text table has');
    const { traces } = (await scrub(dir, ['--dry-run'])).json.searched;
    expect(traces).toContainEqual(
      expect.objectContaining({ place: 'wal', collection: null, state: 'orphan', texts: 1 }),
    );
    expect(traces).toContainEqual(expect.objectContaining({ place: 'full-text', texts: 1 }));
  });
});

describe('what to do', () => {
  it('is to scrub for what is in free pages, and to clean where only the directory of an index is left', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    inFreePages(dir, 'a text in freed pages of the database');
    const argv = ['--dry-run', '--phrases', phraseFile(['a text in freed pages of the database'])];
    const { stdout } = await run(['scrub', dir, ...argv], { columns: 120 });
    expect(stdout).toMatch(/free space of chroma\.sqlite3 .* this scrub/);
    const other = await unpackedDemo();
    inLeftIndex(other, 'some bytes');
    const left = await run(['scrub', other, '--dry-run'], { columns: 120 });
    expect(left.stdout).toContain(`  chroma-maint clean ${other} --delete\n  chroma-maint scrub ${other}\n`);
  });
});

describe('a quarantine in another directory', () => {
  it('goes with its files, not with a command on this one', async () => {
    const others = temporaryDirectory();
    const quarantine = join(others, '.chroma-maint', 'quarantine', '20261122T000000Z');
    mkdirSync(quarantine, { recursive: true });
    writeFileSync(join(quarantine, 'length.bin'), 'a text in the quarantine of a copy');
    const phrases = phraseFile(['a text in the quarantine of a copy']);
    const argv = ['scrub', await unpackedDemo(), '--dry-run', '--also', others, '--phrases', phrases];
    const { stdout } = await run(argv, { columns: 200 });
    expect(stdout).toMatch(/length\.bin .* the file/);
    expect(stdout).not.toContain('--purge-quarantine');
  });
});

describe('an index that cannot be read', () => {
  it('is named, because what it has is not known', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const indexes = async (): Promise<readonly object[]> => (await scrub(dir, ['--dry-run'])).json.searched.indexes;
    const before = await indexes();
    damagedIndexFiles(dir, archivedNotesOf(dir), 'short data');
    expect(await indexes()).toEqual(
      expect.arrayContaining([
        ...before,
        {
          collection: expect.objectContaining({ name: 'notes', database: 'archive' }),
          deletedSlots: null,
          elements: 0,
          unsavedDeletions: 0,
        },
      ]),
    );
  });
});

describe('the work', () => {
  it('names no collection either where it is redacted', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const { stdout } = await run(['scrub', dir, '--yes', '--redact', '--json', '--quiet']);
    expect(stdout).toContain('collection-');
    expect(stdout).not.toMatch(/notes|ledger|drafts|Document \d/);
  });

  it('does not overwrite the old database before the new one is sure to be there', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const content = readFileSync(databaseOf(dir));
    // To be written to as well: in this process it cannot be told from SQLite's own.
    const old = openSync(databaseOf(dir), 'r+');
    const sync = (path: string): void => {
      if (path === dir) throw new Error('EIO');
      realHost.sync(path);
    };
    const { exitCode, stderr } = await run(['scrub', dir, '--yes', '--json', '--quiet'], {}, { ...ALONE, sync });
    expect(exitCode).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({
      changed: true,
      state: 'the new database is in place and whole; a power cut now could bring the old one back',
    });
    expect(readFileSync(old).equals(content)).toBe(true);
    closeSync(old);
  });

  it.each([
    ['ext4', true],
    ['btrfs', false],
    ['zfs', false],
  ])('on %s is said to overwrite blocks where they are: %s', async (name, isInPlace) => {
    const dir = await unpacked('0.6.3-purge-off');
    const host = { fileSystemOf: () => ({ name, isNetwork: false, device: 1n }) };
    expect((await scrub(dir, ['--dry-run'], host)).json.overwritesInPlace).toBe(isInPlace);
  });

  it('says that a directory to be searched was gone when its turn came', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const others = temporaryDirectory();
    const host = afterwards(dir, () => rmSync(others, { recursive: true }));
    const { exitCode, json } = await scrub(dir, ['--yes', '--also', others], host);
    expect(exitCode).toBe(3);
    expect(json.searched.unsearchable).toEqual([
      { root: others, path: '.', because: expect.stringContaining('ENOENT') },
    ]);
  });

  it('is said to be done where the search after it fails', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const host = afterwards(dir, () => unknownMigration(dir));
    const { exitCode, stderr } = await run(['scrub', dir, '--yes', '--json', '--quiet'], {}, host);
    expect(exitCode).toBe(13);
    expect(JSON.parse(stderr)).toMatchObject({
      changed: true,
      state: 'the new database is in place and the old one is overwritten; what is left elsewhere was not searched for',
    });
  });
});
