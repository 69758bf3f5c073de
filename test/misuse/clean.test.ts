/** Clean-ups where others are at work, where this user may not write, and where the disk is full. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  addLeftIndexes,
  addLeftRecords,
  clean,
  contentOf,
  LEFT_INDEX,
  leftBehind,
  quarantinesIn,
  runClean,
} from '../support/clean.ts';
import { databaseOf, hotJournal } from '../support/damage.ts';
import { temporaryDirectory } from '../support/fixtures.ts';
import { holdingOpen, inTransaction } from '../support/process.ts';
import { PROGRAM, unprivileged } from '../support/program.ts';
import { onSmallDisk } from '../support/small-disk.ts';
import { bytesOf, rowsOf, withDatabase } from '../support/state.ts';

describe('a process that has a file open', () => {
  it.each([
    ['the database', 'chroma.sqlite3'],
    ['the index that is to go', `${LEFT_INDEX}/data_level0.bin`],
  ])('(%s) stops a clean-up with 11 and is named, and no byte changes', async (_, name) => {
    const dir = await leftBehind();
    const { pid } = await holdingOpen(join(dir, name));
    const before = bytesOf(dir);
    for (const options of [[], ['--only', 'dirs'], ['--delete']])
      expect(await runClean(dir, options)).toMatchObject({
        exitCode: 11,
        stdout: '',
        stderr: expect.stringMatching(new RegExp(`pid ${pid} [^]*nothing was changed`)),
      });
    const planned = await runClean(dir, ['--dry-run']);
    expect(planned).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('not in use ✗') });
    expect(bytesOf(dir)).toEqual(before);
  });

  it('is waited for with --wait', async () => {
    const dir = await leftBehind();
    const child = await holdingOpen(databaseOf(dir));
    setTimeout(() => child.kill('SIGKILL'), 300);
    expect(await runClean(dir, ['--wait', '30s'])).toMatchObject({ exitCode: 0 });
  });
});

describe('a process that holds a lock', () => {
  it.each(['BEGIN EXCLUSIVE', 'BEGIN IMMEDIATE', 'BEGIN; SELECT * FROM collections'])(
    'by %s stops a clean-up, and no byte changes',
    async (begin) => {
      const dir = await leftBehind();
      const { pid } = await inTransaction(databaseOf(dir), begin);
      const before = bytesOf(dir);
      expect(await runClean(dir)).toMatchObject({ exitCode: 11, stderr: expect.stringContaining(`pid ${pid} `) });
      expect(bytesOf(dir)).toEqual(before);
    },
  );
});

describe('a hot journal', () => {
  it('is played back where that was asked for, and then it is cleaned up', async () => {
    const dir = await leftBehind();
    const rows = rowsOf(dir);
    hotJournal(dir);
    expect((await runClean(dir)).exitCode).toBe(12);
    expect(await runClean(dir, ['--recover-journal'])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/hot journal was played back[^]*deleted 972 rows/),
    });
    expect(rowsOf(dir)['collections']).toBe(rows['collections']);
    expect(rowsOf(dir)['embeddings_queue']).toBe(rows['embeddings_queue']);
  });
});

describe('a network file system', () => {
  it('is worked on where that is allowed', async () => {
    const dir = await leftBehind();
    const host = { fileSystemOf: () => ({ name: 'nfs', isNetwork: true, device: 1n }) };
    expect((await runClean(dir, [], {}, host)).exitCode).toBe(20);
    expect((await runClean(dir, ['--allow-network-fs'], {}, host)).exitCode).toBe(0);
  });
});

describe('a directory that may not be written', () => {
  it.each([
    ['because of its mode', 0o555, 0o644],
    ['because of the mode of the database', 0o755, 0o444],
  ])('%s is planned and refused with 19, and no byte changes', async (_, mode, databaseMode) => {
    const dir = await leftBehind();
    chmodSync(databaseOf(dir), databaseMode);
    chmodSync(dir, mode);
    const before = bytesOf(dir);
    const statusOf = (...argv: readonly string[]): number | null => unprivileged('clean', dir, ...argv).status;
    expect([statusOf('--dry-run'), statusOf('--yes'), statusOf('--yes', '--only', 'dirs')]).toEqual([0, 19, 19]);
    expect(bytesOf(dir)).toEqual(before);
    chmodSync(dir, 0o755);
  });

  it('because it is mounted read-only is planned and refused, restored and purged neither', async () => {
    const dir = await leftBehind();
    const { quarantine } = await clean(dir, '--only', 'dirs');
    const before = bytesOf(dir);
    const mount = join(temporaryDirectory(), 'mounted');
    mkdirSync(mount);
    const script = `
      mount --bind "$1" "$2" && mount -o remount,ro,bind "$2" || exit 99
      for argv in --dry-run --yes "--restore $5 --yes" "--purge-quarantine --older-than 0s --yes"
      do "$3" "$4" clean "$2" $argv > /dev/null; echo $?; done`;
    const { stdout, stderr } = spawnSync(
      'unshare',
      ['--map-root-user', '--mount', 'sh', '-c', script, 'sh', dir, mount, process.execPath, PROGRAM, quarantine ?? ''],
      { encoding: 'utf8' },
    );
    expect(stdout.trim().split('\n'), stderr).toEqual(['0', '19', '19', '19']);
    expect(bytesOf(dir)).toEqual(before);
  });
});

const CLEAN = ['clean', 'persist', '--yes', '--min-age', '0s'];

describe('a disk that fills up', () => {
  it.each([0, 8, 64, 256, 1024])(
    'with %i KiB to spare leaves every row and every directory in place',
    async (spareKiB) => {
      const dir = await leftBehind();
      addLeftIndexes(dir, 3);
      addLeftRecords(dir, 3000);
      const [rows, files] = [rowsOf(dir), contentOf(dir)];
      const { status, stderr, after } = onSmallDisk(dir, spareKiB, CLEAN);
      expect(status, stderr).toBe(15);
      expect(JSON.parse(stderr)).toMatchObject({ code: 'NO_SPACE', changed: false, state: 'nothing was changed' });
      expect([...contentOf(after).keys()]).toEqual([...files.keys()]);
      expect(rowsOf(after)).toEqual(rows);
      expect(withDatabase(after, (db) => db.pragma('integrity_check', { simple: true }))).toBe('ok');
    },
  );

  it('does not keep directories from being put aside, which takes next to nothing', async () => {
    const dir = await leftBehind();
    const rows = rowsOf(dir);
    const { status, stderr, after } = onSmallDisk(dir, 64, [...CLEAN, '--only', 'dirs']);
    expect(status, stderr).toBe(0);
    expect(rowsOf(after)).toEqual(rows);
    expect(quarantinesIn(after)).toHaveLength(1);
  });

  it('is foreseen: the room that is asked for beforehand is enough', async () => {
    const dir = await leftBehind();
    addLeftRecords(dir, 3000);
    const short = await runClean(dir, ['--json'], {}, { freeBytes: () => Promise.resolve(1024) });
    expect(short.exitCode).toBe(15);
    const { details } = JSON.parse(short.stderr) as { details: readonly string[] };
    const [, amount = '', unit = ''] = /needs ([\d.]+) (KiB|MiB)/.exec(details.join(' ')) ?? [];
    const kib = Math.ceil(Number(amount) * (unit === 'MiB' ? 1024 : 1));
    const { status, stderr } = onSmallDisk(dir, kib, [...CLEAN, '--only', 'rows']);
    expect(status, `${kib} KiB: ${stderr}`).toBe(0);
  });
});
