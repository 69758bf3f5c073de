/**
 * vacuum --incremental: the same rows as any other vacuum, and a file that gets smaller in steps.
 */
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Host } from '../../src/host/host.ts';
import { realHost } from '../../src/host/real-host.ts';
import { databaseOf, hotJournal, orphanTopic } from '../support/damage.ts';
import { FIXTURES, seqIdsIn, temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { IDLE_CHROMA, NOBODY } from '../support/holders.ts';
import { AUTO_VACUUM, incremental, incrementalWithHoles, pagesOf, setTo } from '../support/incremental.ts';
import { run, runJson } from '../support/run.ts';
import { bytesOf, otherFilesOf, rowsOf, seqIdsOf, withDatabase } from '../support/state.ts';

interface Vacuumed {
  readonly changed: boolean;
  readonly mode: string;
  readonly isWorthwhile: boolean;
  readonly before: { readonly databaseBytes: number };
  readonly after: { readonly databaseBytes: number };
  readonly reclaimedBytes: number;
  readonly temporaryDirectory: string | null;
  readonly incremental: { readonly transactions: number; readonly pages: number; readonly bytes: number } | null;
  readonly prune: { readonly totals: { readonly deleted: number } } | null;
  readonly online: { readonly transactions: number; readonly left: readonly string[] } | null;
  readonly clean: { readonly rows: Readonly<Record<string, number>> } | null;
}

const STOPPED = ['--incremental', '--yes', '--json', '--no-progress'];
const BESIDE = [...STOPPED, '--while-running'];
const EACH = [
  ['with Chroma stopped', STOPPED],
  ['beside a server', BESIDE],
] as const;

/** What becomes of a directory while it is worked on: `at` is called before each step, counted from 1. */
function meanwhile(at: (step: number) => void): Partial<Host> {
  // The first look is that of the guards.
  let looks = 0;
  return {
    holdersOf() {
      if (looks > 0) at(looks);
      looks += 1;
      return NOBODY;
    },
  };
}

describe.each(FIXTURES.filter(({ expected }) => expected.exitCode !== 14).map((each) => [each.name, each] as const))(
  'the directory %s',
  (name, { expected }) => {
    it.each(EACH)('%s loses the rows that it has to, and every free page', async (_, argv) => {
      const dir = await incremental(name);
      const [ids, files, rows] = [seqIdsOf(dir), otherFilesOf(dir), rowsOf(dir, ['embeddings_queue'])];
      const { exitCode, stdout, stderr } = await run(['vacuum', dir, ...argv, '--min-reclaim', '0']);
      expect(exitCode, stderr).toBe(expected.exitCode);
      const report = JSON.parse(stdout) as Vacuumed;
      const gone = new Set(report.isWorthwhile ? seqIdsIn(expected.deletedSeqIds) : []);
      expect(seqIdsOf(dir)).toEqual(ids.filter((id) => !gone.has(id)));
      expect(rowsOf(dir, ['embeddings_queue'])).toEqual(rows);
      expect(otherFilesOf(dir)).toEqual(files);
      expect(pagesOf(dir)).toMatchObject({ setting: AUTO_VACUUM.incremental, free: 0, integrity: 'ok' });
      expect(report.prune?.totals.deleted).toBe(gone.size);
      expect(report.after.databaseBytes).toBe(statSync(databaseOf(dir)).size);
      expect(report.reclaimedBytes).toBe(report.incremental?.bytes ?? 0);
      expect(report).toMatchObject({ mode: 'incremental', temporaryDirectory: null });
    });
  },
);

describe.each(EACH)('vacuum --incremental %s', (_, argv) => {
  it('moves what is on the last pages, and loses nothing of it', async () => {
    const dir = await incrementalWithHoles('0.5.5', 1_500);
    const [rows, before] = [rowsOf(dir), pagesOf(dir)];
    const { incremental: given } = await runJson<Vacuumed>(['vacuum', dir, ...argv, '--no-prune']);
    expect(given).toMatchObject({ pages: before.free });
    expect(given?.transactions).toBeGreaterThan(1);
    expect(pagesOf(dir)).toMatchObject({ free: 0, integrity: 'ok' });
    expect(rowsOf(dir)).toEqual(rows);
  });

  it.each(['none', 'full'] as const)('is refused where the auto-vacuum is %s', async (setting) => {
    const dir = await unpacked('0.5.5');
    if (setting !== 'none') setTo(dir, setting);
    const before = bytesOf(dir);
    for (const more of [[], ['--dry-run'], ['--min-reclaim', '90%']]) {
      const { exitCode, stderr } = await run(['vacuum', dir, ...argv, ...more]);
      expect(exitCode).toBe(2);
      expect(JSON.parse(stderr)).toMatchObject({
        code: 'USAGE',
        changed: false,
        details: [expect.stringContaining(`its auto-vacuum is ${setting}`)],
        hint: expect.stringContaining(`chroma-maint vacuum ${dir} --mode rebuild --auto-vacuum incremental`),
      });
    }
    expect(bytesOf(dir)).toEqual(before);
  });

  it.each([
    ['--mode', 'auto'],
    ['--mode', 'in-place'],
    ['--auto-vacuum', 'incremental'],
    ['--temp-dir', '/tmp'],
    ['--verify', 'full'],
  ])('does not go with %s %s', async (...options) => {
    const dir = await incremental('0.5.5');
    const before = bytesOf(dir);
    const { exitCode, stderr } = await run(['vacuum', dir, ...argv, ...options]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('does not go with --incremental');
    expect(bytesOf(dir)).toEqual(before);
  });

  it('is planned without changing a byte', async () => {
    const dir = await incremental('0.6.3-purge-off');
    const before = bytesOf(dir);
    const dry = argv.filter((each) => each !== '--yes');
    const { changed, incremental: given } = await runJson<Vacuumed>(['vacuum', dir, ...dry, '--dry-run']);
    expect({ changed, given }).toEqual({ changed: false, given: null });
    expect(bytesOf(dir)).toEqual(before);
  });

  it('asks once, and changes nothing where the answer is no', async () => {
    const dir = await incremental('0.6.3-purge-off');
    const before = bytesOf(dir);
    const asking = argv.filter((each) => each !== '--yes');
    const { questions } = await run(['vacuum', dir, ...asking], { answer: 'no' });
    expect(questions).toEqual(['Delete 597 WAL rows and give free pages back?']);
    expect(bytesOf(dir)).toEqual(before);
    await run(['vacuum', dir, ...asking], { answer: 'yes' });
    expect(pagesOf(dir)).toMatchObject({ free: 0, integrity: 'ok' });
  });

  it('does nothing where less would be given back than was asked for', async () => {
    const dir = await incremental('0.6.3-purge-off');
    const before = bytesOf(dir);
    const report = await runJson<Vacuumed>(['vacuum', dir, ...argv, '--min-reclaim', '100M']);
    expect(report).toMatchObject({ changed: false, isWorthwhile: false, mode: 'incremental', incremental: null });
    expect(bytesOf(dir)).toEqual(before);
  });

  it('leaves the rows that are to stay for an audit', async () => {
    const [dir, other] = [await incremental('0.6.3-purge-off'), await incremental('0.6.3-purge-off')];
    await run(['vacuum', dir, ...argv, '--keep-last', '50']);
    await run(['prune', other, '--yes', '--keep-last', '50']);
    expect(seqIdsOf(dir)).toEqual(seqIdsOf(other));
  });

  it('needs little room, and is refused where there is less', async () => {
    const dir = await incrementalWithHoles('0.5.5', 5_000);
    const before = bytesOf(dir);
    const [little, less] = [12 * 1024 * 1024, 1024 * 1024];
    expect((await run(['vacuum', dir, ...argv], {}, { freeBytes: () => Promise.resolve(less) })).exitCode).toBe(15);
    expect(bytesOf(dir)).toEqual(before);
    expect((await run(['vacuum', dir, ...argv], {}, { freeBytes: () => Promise.resolve(little) })).exitCode).toBe(0);
  });
});

describe('vacuum --incremental with Chroma stopped', () => {
  it('makes a snapshot first', async () => {
    const dir = await incremental('0.6.3-purge-off');
    const repository = join(temporaryDirectory(), 'repository');
    const report = await runJson<Vacuumed>(['vacuum', dir, ...STOPPED, '--backup', repository]);
    expect(report).toMatchObject({ changed: true, backup: { snapshot: { verification: { problems: 0 } } } });
    expect(readdirSync(repository)).not.toEqual([]);
    expect(pagesOf(dir)).toMatchObject({ free: 0, integrity: 'ok' });
  });

  it('cleans up and switches auto-purge in the same run', async () => {
    const dir = await incremental('0.6.3-purge-off');
    orphanTopic(dir, 'drafts');
    const more = ['--clean', '--min-age', '0s', '--auto-purge', 'on', '--chroma-version', '0.6.3'];
    const report = await runJson<Vacuumed>(['vacuum', dir, ...STOPPED, ...more]);
    expect(report).toMatchObject({ changed: true, autoPurge: { after: 'on' } });
    expect(report.clean?.rows['embeddings']).toBeGreaterThan(0);
    expect(pagesOf(dir)).toMatchObject({ free: 0, integrity: 'ok' });
    expect(report.reclaimedBytes).toBe(report.before.databaseBytes - statSync(databaseOf(dir)).size);
  });

  it('is refused before a snapshot is made or anything is cleaned up', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    orphanTopic(dir, 'drafts');
    const before = bytesOf(dir);
    const repository = join(temporaryDirectory(), 'repository');
    const more = ['--clean', '--min-age', '0s', '--backup', repository];
    expect((await run(['vacuum', dir, ...STOPPED, ...more])).exitCode).toBe(2);
    expect((await run(['vacuum', dir, ...STOPPED, '--clean', '--min-age', '0s'])).exitCode).toBe(2);
    expect(bytesOf(dir)).toEqual(before);
    expect(existsSync(repository)).toBe(false);
  });

  it('leaves no row in the log of VACUUMs, for it is none', async () => {
    const dir = await incremental('0.6.3-purge-off');
    const log = rowsOf(dir)['maintenance_log'];
    const { stdout } = await run(['vacuum', dir, '--incremental', '--yes'], { columns: 120 });
    expect(stdout).toMatch(/kept\. Nothing else changed\.$/m);
    expect(stdout).toMatch(/^Given back in \d+ transactions?, the longest of \d+ ms\.$/m);
    expect(rowsOf(dir)['maintenance_log']).toBe(log);
  });

  it('is refused beside a process that has the directory open', async () => {
    const dir = await incremental('0.6.3-purge-off');
    const before = bytesOf(dir);
    expect((await run(['vacuum', dir, ...STOPPED], {}, { holdersOf: () => IDLE_CHROMA })).exitCode).toBe(11);
    expect(bytesOf(dir)).toEqual(before);
  });
});

describe('vacuum --incremental beside a server', () => {
  it('says what was done, and how long that kept the server from writing', async () => {
    // Where Chroma can purge its log itself, that is offered instead.
    const dir = await incremental('0.5.5');
    const { stdout } = await run(['vacuum', dir, '--incremental', '--while-running', '--yes'], { columns: 120 });
    expect(stdout).toMatch(/^In \d+ transactions, of which the longest kept Chroma from writing for \d+ ms\.$/m);
    expect(stdout).toMatch(/chroma-maint prune \S+ --while-running --yes$/m);
    expect(stdout).not.toContain('Nothing else changed');
  });

  it('ends where the server fills the free pages faster than they are given back', async () => {
    const dir = await incrementalWithHoles('0.5.5', 600);
    const host = meanwhile((step) => {
      if (step !== 2) return;
      withDatabase(dir, (db) => db.exec('CREATE TABLE filled (a); INSERT INTO filled VALUES (zeroblob(8000000))'));
    });
    const { incremental: given } = await runJson<Vacuumed>(['vacuum', dir, ...BESIDE, '--no-prune'], host);
    expect(given?.pages).toBeLessThan(600);
    expect(pagesOf(dir)).toMatchObject({ free: 0, integrity: 'ok' });
  });

  it('leaves what the server frees meanwhile for the next run', async () => {
    const dir = await incrementalWithHoles('0.5.5', 600);
    withDatabase(dir, (db) => db.exec('CREATE TABLE freed (a); INSERT INTO freed VALUES (zeroblob(1000000))'));
    const { free } = pagesOf(dir);
    const host = meanwhile((step) => {
      if (step === 2) withDatabase(dir, (db) => db.exec('DELETE FROM freed'));
    });
    const { incremental: given } = await runJson<Vacuumed>(
      ['vacuum', dir, ...BESIDE, '--no-prune', '--min-reclaim', '0'],
      host,
    );
    expect(given?.pages).toBe(free);
    expect(pagesOf(dir).free).toBeGreaterThan(0);
  });

  it.each([
    ['a second process appears', 11, 'IN_USE', twoServers],
    ['the server dies in the middle of a transaction', 12, 'HOT_JOURNAL', hotJournal],
    ['somebody rewrites the database in another way', 16, 'PLAN_STALE', withoutPointerMap],
  ] as const)('stops with what it has done where %s', async (_, exitCode, code, happen) => {
    const dir = await incrementalWithHoles('0.5.5', 1_500);
    const rows = rowsOf(dir, ['embeddings_queue']);
    let holders = NOBODY;
    let before: ReturnType<typeof pagesOf> | null = null;
    let steps = 0;
    const host: Partial<Host> = {
      holdersOf() {
        steps += 1;
        // Once some pages have gone.
        if (before === null && steps > 2 && pagesOf(dir).free < 1_300) {
          before = pagesOf(dir);
          holders = happen(dir) ?? NOBODY;
          if (code === 'PLAN_STALE') before = pagesOf(dir);
        }
        return holders;
      },
    };
    const { exitCode: ended, stderr } = await run(['vacuum', dir, ...BESIDE, '--min-reclaim', '0'], {}, host);
    expect(ended, stderr).toBe(exitCode);
    expect(JSON.parse(stderr)).toMatchObject({
      code,
      changed: true,
      state: expect.stringMatching(/^\d+ WAL rows were deleted, which is safe; \d.* of the file were given back; the/),
    });
    rmSync(`${databaseOf(dir)}-journal`, { force: true });
    expect(pagesOf(dir)).toEqual(before);
    expect(rowsOf(dir, ['embeddings_queue'])).toEqual(rows);
  });

  it('says that nothing was changed where it has not come to that', async () => {
    const dir = await incrementalWithHoles('0.5.5', 200);
    const other = new Database(databaseOf(dir));
    onTestFinished(() => void other.close());
    other.exec('BEGIN IMMEDIATE');
    const before = rowsOf(dir);
    const host = { holdersOf: () => IDLE_CHROMA };
    const { exitCode, stderr } = await run(['vacuum', dir, ...BESIDE, '--no-prune'], {}, host);
    expect(exitCode, stderr).toBe(11);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'IN_USE', changed: false });
    other.exec('ROLLBACK');
    expect(rowsOf(dir)).toEqual(before);
  });

  it('goes on once a lock is given up', async () => {
    const dir = await incrementalWithHoles('0.5.5', 200);
    const other = new Database(databaseOf(dir));
    onTestFinished(() => void other.close());
    other.exec('BEGIN IMMEDIATE');
    setTimeout(() => other.exec('ROLLBACK'), 1_000);
    const host = { holdersOf: () => IDLE_CHROMA };
    expect((await run(['vacuum', dir, ...BESIDE, '--no-prune'], {}, host)).exitCode).toBe(0);
    expect(pagesOf(dir)).toMatchObject({ free: 0, integrity: 'ok' });
  });

  it.each([
    ['--skip-index-check'],
    ['--allow-network-fs'],
    ['--recover-journal'],
    ['--backup', 'repo'],
    ['--clean'],
    ['--auto-purge', 'on'],
  ])('does not go with %s', async (...options) => {
    const dir = await incremental('0.6.3-purge-off');
    const before = bytesOf(dir);
    const { exitCode, stderr } = await run(['vacuum', dir, ...BESIDE, ...options]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`${options[0]} does not go with --while-running`);
    expect(bytesOf(dir)).toEqual(before);
  });

  it.each([
    [['--while-running'], '--while-running goes with --incremental'],
    [['--incremental', '--batch-rows', '5'], '--batch-rows goes with --while-running'],
    [['--incremental', '--pause', '1s'], '--pause goes with --while-running'],
    [['--incremental', '--while-running', '--no-prune', '--batch-rows', '5'], '--batch-rows goes with a prune'],
  ])('is what %s takes', async (options, words) => {
    const dir = await incremental('0.5.5');
    const before = bytesOf(dir);
    const { exitCode, stderr } = await run(['vacuum', dir, '--yes', ...options]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(words);
    expect(bytesOf(dir)).toEqual(before);
  });

  it.each([
    ['a directory on a network', 20, { fileSystemOf: () => ({ name: 'nfs', isNetwork: true, device: 1n }) }],
    ['two processes', 11, { holdersOf: () => twoServers() }],
  ] as const)('is refused on %s', async (_, exitCode, host) => {
    const dir = await incremental('0.5.5');
    const before = bytesOf(dir);
    expect((await run(['vacuum', dir, ...BESIDE], {}, { ...realHost, ...host })).exitCode).toBe(exitCode);
    expect(bytesOf(dir)).toEqual(before);
  });
});

function twoServers(): typeof IDLE_CHROMA {
  const [server] = IDLE_CHROMA.holders;
  return { ...IDLE_CHROMA, holders: [...IDLE_CHROMA.holders, { ...server, pid: 2 } as never] };
}

function withoutPointerMap(dir: string): void {
  setTo(dir, 'none');
}
