/** wal list and wal export with large numbers, long names, full outputs, and a lock in the middle. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { databaseOf } from '../support/damage.ts';
import { enlarge } from '../support/enlarge.ts';
import { temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { PROGRAM, unprivileged } from '../support/program.ts';
import { run, runJson } from '../support/run.ts';
import { seqIdsOf, withDatabase } from '../support/state.ts';
import { exportedIn } from '../support/wal.ts';

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly details: readonly string[];
  readonly hint: string;
}

function toFull(...argv: readonly string[]): { readonly status: number | null; readonly stderr: string } {
  const full = openSync('/dev/full', 'w');
  try {
    return spawnSync(process.execPath, [PROGRAM, ...argv], { stdio: ['ignore', full, 'pipe'], encoding: 'utf8' });
  } finally {
    closeSync(full);
  }
}

describe('a table of more rows than are measured', () => {
  it('is printed as it comes, in the widths of its beginning, and ends with how many there were', async () => {
    const dir = await unpacked('0.5.5');
    enlarge(dir, 'drafts', 1_500, 4);
    const { exitCode, stdout } = await run(['wal', 'list', dir, '--limit', '1000000']);
    const all = seqIdsOf(dir).length;
    expect(exitCode).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toBe(`${dir}   rows of the WAL, the newest first`);
    expect(lines.slice(3, -2).map((line) => BigInt(line.trim().split(' ')[0] ?? ''))).toEqual(
      seqIdsOf(dir).toReversed(),
    );
    expect(lines.slice(-2)).toEqual(['', `${all.toLocaleString('en')} rows.`]);
    const { stdout: fewer } = await run(['wal', 'list', dir, '--limit', '1100']);
    expect(fewer).toContain('There are older ones');
    expect(fewer.split('\n').filter((line) => /^ +\d+ /.test(line)).length).toBe(1_100);
  });

  it('keeps its columns where a row has an operation and a time that nobody writes', async () => {
    const dir = await unpacked('0.5.5');
    const last = seqIdsOf(dir).at(-1);
    withDatabase(dir, (db) =>
      db
        .prepare('UPDATE embeddings_queue SET operation = ?, created_at = ? WHERE seq_id = ?')
        .run('x'.repeat(300), 'y'.repeat(300), last),
    );
    const { stdout } = await run(['wal', 'list', dir, '--limit', '3'], { columns: 80 });
    const header = stdout.split('\n')[2] ?? '';
    for (const title of ['seq_id', 'Op', 'Id', 'State']) expect(header).toContain(title);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(90);
  });
});

describe('a time', () => {
  it.each(['99999999w', '999999999w'])('that is %s ago is the earliest there is', async (ago) => {
    const dir = await unpacked('0.5.5');
    const { exitCode, stdout } = await run(['wal', 'list', dir, '--since', ago, '--limit', '1'], { columns: 200 });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('--since 0000-01-01T00:00:00Z');
  });

  it('span that ends before it begins is refused', async () => {
    const argv = ['wal', 'list', await unpacked('0.5.5'), '--since', '1h', '--until', '2h'];
    const { exitCode, stderr } = await run(argv);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('--since is later than --until')]);
  });
});

describe('an output that takes nothing more', () => {
  it.each([
    ['wal export', ['wal', 'export']],
    ['wal list --json', ['wal', 'list', '--json']],
    ['inspect', ['inspect']],
  ])('ends %s with 15, in words', async (_, argv) => {
    const dir = await unpacked('0.5.5');
    const { status, stderr } = toFull(...argv, dir);
    expect(status).toBe(15);
    expect(stderr).toContain(
      argv.includes('--json') ? '"code":"NO_SPACE"' : 'error: the output cannot be written: the disk is full',
    );
    expect(stderr).not.toMatch(/\n {4}at /);
  });
});

describe('the file of an export', () => {
  it('may have a name that leaves no room for another around it, and is told where it is too long', async () => {
    const dir = await unpacked('0.5.5');
    const file = join(temporaryDirectory(), `${'n'.repeat(240)}.jsonl`);
    expect((await run(['wal', 'export', dir, '-o', file])).exitCode).toBe(0);
    expect(exportedIn(readFileSync(file, 'utf8')).length).toBe(seqIdsOf(dir).length);
    const { exitCode, stderr } = await run([
      'wal',
      'export',
      dir,
      '--json',
      '-o',
      join(dirname(file), 'n'.repeat(300)),
    ]);
    expect([exitCode, (JSON.parse(stderr) as Failure).code]).toEqual([1, 'FAILED']);
  });

  it('is refused where something that is no file stands in its way, or this user may not look', async () => {
    const dir = await unpacked('0.5.5');
    const directory = temporaryDirectory();
    mkdirSync(join(directory, '.wal.jsonl.chroma-maint-unfinished'));
    expect((await run(['wal', 'export', dir, '-o', join(directory, 'wal.jsonl')])).exitCode).toBe(17);
    const closed = join(temporaryDirectory(), 'closed');
    mkdirSync(closed, { mode: 0o700 });
    chmodSync(closed, 0o000);
    const { status, stderr } = unprivileged('wal', 'export', dir, '--json', '-o', join(closed, 'wal.jsonl'));
    expect([status, (JSON.parse(stderr) as Failure).code]).toEqual([19, 'NOT_WRITABLE']);
  });

  it('is stdout where it is called -, and has to have a name', async () => {
    const dir = await unpacked('0.5.5');
    const { stdout } = await run(['wal', 'export', dir, '-o', '-', '--limit', '2']);
    expect(exportedIn(stdout).length).toBe(2);
    expect(existsSync('-')).toBe(false);
    expect((await run(['wal', 'export', dir, '-o', ''])).exitCode).toBe(2);
  });

  it('is not written where the WAL ends before --after, and what comes next begins anew', async () => {
    const dir = await unpacked('0.5.5');
    const file = join(temporaryDirectory(), 'wal.jsonl');
    const argv = ['wal', 'export', dir, '--after', '900000', '--op', 'add', '-o', file];
    const { exitCode, stdout, stderr } = await run(argv, { columns: 200 });
    expect(exitCode).toBe(3);
    expect(stderr).toContain('export all of it once');
    expect(stdout).toContain(`All of it: chroma-maint wal export ${dir} --op add -o NEW-FILE\n`);
    expect(existsSync(file)).toBe(false);
    const json = await runJson<{ file: string | null; after: string | null }>(argv);
    expect([json.file, json.after]).toEqual([null, null]);
  });

  it('is followed by one with the same bounds', async () => {
    const dir = await unpacked('0.5.5');
    const file = join(temporaryDirectory(), 'wal.jsonl');
    const argv = ['wal', 'export', dir, '--limit', '5', '--until', '2099-01-01', '-o', file];
    const { stdout } = await run(argv, { columns: 300 });
    expect(stdout).toContain('--until 2099-01-01T00:00:00Z --limit 5 -o NEW-FILE');
  });
});

describe('an export that meets a lock in the middle', () => {
  it('goes on behind the last row once that is given up', async () => {
    const dir = await unpacked('0.5.5');
    enlarge(dir, 'drafts', 30_000, 64);
    const other = new Database(databaseOf(dir));
    onTestFinished(() => void other.close());
    const child = spawn(process.execPath, [PROGRAM, 'wal', 'export', dir], { stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = once(child, 'close');
    // Until somebody reads what it has said so far, it gets no further than a pipe is long.
    await once(child.stdout, 'readable');
    other.exec('BEGIN EXCLUSIVE');
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (data: string) => (said += data));
    // Longer than anything that only looks waits for a lock.
    await delay(6_000);
    const isWaiting = child.exitCode === null;
    other.exec('ROLLBACK');
    const [exitCode] = (await ended) as [number];
    expect([isWaiting, exitCode]).toEqual([true, 0]);
    expect(exportedIn(said).map((row) => BigInt(row.seq_id))).toEqual(seqIdsOf(dir));
  });
});

describe('auto-purge that is on', () => {
  it('is not called fine for a version that loses records by it', async () => {
    const dir = await unpacked('0.5.7-purge-on');
    const { exitCode, stderr } = await run([
      'wal',
      'config',
      dir,
      '--auto-purge',
      'on',
      '--chroma-version',
      '0.5.7',
      '--yes',
      '--json',
    ]);
    expect(exitCode).toBe(2);
    const { message, hint } = JSON.parse(stderr) as Failure;
    expect(message).toContain('auto-purge is on, and Chroma 0.5.7');
    expect(hint).toContain('--auto-purge off');
    expect(
      (await run(['wal', 'config', dir, '--auto-purge', 'on', '--chroma-version', '0.6.3', '--yes'])).exitCode,
    ).toBe(0);
  });

  it.each([['--wait', '1s'], ['--timeout', '1s'], ['--allow-network-fs'], ['--yes']])(
    'is only shown without --auto-purge, which %s goes with',
    async (...options) => {
      const { exitCode, stderr } = await run(['wal', 'config', await unpacked('0.6.3-purge-on'), ...options]);
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining(`${options[0]} goes with --auto-purge`)]);
    },
  );
});
