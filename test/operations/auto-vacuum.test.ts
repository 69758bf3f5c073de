/**
 * vacuum --auto-vacuum: a file that can give pages back step by step, or one as Chroma creates it.
 */
import { statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Host } from '../../src/host/host.ts';
import { pointerMapBytes } from '../../src/sqlite/auto-vacuum.ts';
import { databaseOf } from '../support/damage.ts';
import { unpacked } from '../support/fixtures.ts';
import { AUTO_VACUUM, pagesOf, setTo } from '../support/incremental.ts';
import { run, runJson } from '../support/run.ts';
import { bytesOf, otherFilesOf, rowsOf } from '../support/state.ts';

interface Vacuumed {
  readonly changed: boolean;
  readonly mode: string;
  readonly isWorthwhile: boolean;
  readonly autoVacuum: { readonly before: string; readonly wanted: string | null; readonly after: string };
  readonly expected: { readonly databaseBytes: number };
  readonly after: { readonly databaseBytes: number };
}

type Setting = keyof typeof AUTO_VACUUM;

const MODES = ['rebuild', 'in-place'] as const;
const CHANGES: readonly (readonly [Setting, 'incremental' | 'none'])[] = [
  ['none', 'incremental'],
  ['incremental', 'none'],
  ['full', 'incremental'],
  ['full', 'none'],
];

async function withSetting(name: string, setting: Setting): Promise<string> {
  const dir = await unpacked(name);
  if (setting !== 'none') setTo(dir, setting);
  return dir;
}

describe.each(MODES)('vacuum --auto-vacuum, mode %s,', (mode) => {
  it.each(CHANGES)('makes a file with %s one with %s, and changes nothing else', async (before, after) => {
    const [plain, dir] = [await unpacked('0.6.3-purge-off'), await withSetting('0.6.3-purge-off', before)];
    const files = otherFilesOf(dir);
    const argv = ['--mode', mode, '--min-reclaim', '0', '--verify', 'full', '--yes'];
    await run(['vacuum', plain, ...argv]);
    const report = await runJson<Vacuumed>(['vacuum', dir, ...argv, '--auto-vacuum', after]);
    expect(report).toMatchObject({ changed: true, mode, autoVacuum: { before, wanted: after, after } });
    expect(pagesOf(dir)).toMatchObject({ setting: AUTO_VACUUM[after], free: 0, integrity: 'ok' });
    expect(rowsOf(dir, ['maintenance_log'])).toEqual(rowsOf(plain, ['maintenance_log']));
    expect(otherFilesOf(dir)).toEqual(files);
  });

  it.each(['1.5.9-purge-off', '0.5.5', '0.4.3', 'chain-0.5.5-1.5.9'])('does so in %s, too', async (name) => {
    const dir = await unpacked(name);
    const rows = rowsOf(dir, ['maintenance_log']);
    await run(['vacuum', dir, '--mode', mode, '--no-prune', '--auto-vacuum', 'incremental', '--yes']);
    expect(pagesOf(dir)).toMatchObject({ setting: AUTO_VACUUM.incremental, integrity: 'ok' });
    expect(rowsOf(dir, ['maintenance_log'])).toEqual(rows);
  });

  it.each(['full', 'incremental'] as const)('leaves %s as it is where nothing is asked', async (setting) => {
    const dir = await withSetting('0.6.3-purge-off', setting);
    const argv = ['vacuum', dir, '--mode', mode, '--min-reclaim', '0'];
    expect((await run([...argv, '--dry-run'], { columns: 100 })).stdout).toMatch(
      new RegExp(`^ {2}config +auto-vacuum stays ${setting}$`, 'm'),
    );
    const report = await runJson<Vacuumed>([...argv, '--yes']);
    expect(report.autoVacuum).toEqual({ before: setting, wanted: null, after: setting });
    expect(pagesOf(dir)).toMatchObject({ setting: AUTO_VACUUM[setting], free: 0, integrity: 'ok' });
  });

  it('is worth it whatever would be given back, and then comes out as large as was expected', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const argv = ['vacuum', dir, '--mode', mode, '--no-prune', '--min-reclaim', '100M', '--auto-vacuum', 'incremental'];
    const report = await runJson<Vacuumed>([...argv, '--yes']);
    expect(report).toMatchObject({ changed: true, isWorthwhile: true });
    const size = statSync(databaseOf(dir)).size;
    expect(report.after.databaseBytes).toBe(size);
    expect(Math.abs(report.expected.databaseBytes - size)).toBeLessThan(size / 20);
  });

  it('does nothing more where it is so already', async () => {
    const dir = await withSetting('0.6.3-purge-off', 'incremental');
    const argv = ['vacuum', dir, '--mode', mode, '--no-prune', '--min-reclaim', '50%', '--auto-vacuum', 'incremental'];
    const before = bytesOf(dir);
    const report = await runJson<Vacuumed>([...argv, '--yes']);
    expect(report).toMatchObject({ changed: false, isWorthwhile: false });
    expect(bytesOf(dir)).toEqual(before);
  });

  it('stops where somebody else has set it after the plan was shown', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    let before: unknown = null;
    const answer = (): boolean => {
      setTo(dir, 'full');
      before = bytesOf(dir);
      return true;
    };
    const argv = ['vacuum', dir, '--mode', mode, '--min-reclaim', '0'];
    expect((await run([...argv, '--auto-vacuum', 'incremental'], { answer })).exitCode).toBe(16);
    expect(bytesOf(dir)).toEqual(before);
  });
});

describe('vacuum --auto-vacuum', () => {
  it('is part of the plan and of the question, and of the answer', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const bytes = bytesOf(dir);
    const argv = ['vacuum', dir, '--auto-vacuum', 'incremental'];
    const { stdout } = await run([...argv, '--dry-run'], { columns: 100 });
    expect(stdout).toMatch(/^ {2}config +auto-vacuum: none → incremental\n {11}\S/m);
    expect(await runJson<Vacuumed>([...argv, '--dry-run'])).toMatchObject({
      autoVacuum: { before: 'none', wanted: 'incremental', after: 'none' },
    });
    const no = await run(argv, { answer: 'no' });
    expect(no.questions).toEqual(['Delete 597 WAL rows, rewrite the database and set auto-vacuum to incremental?']);
    expect(bytesOf(dir)).toEqual(bytes);
    const done = await run(argv, { answer: 'yes', columns: 200 });
    expect(done.stdout).toMatch(/^Set auto-vacuum to incremental\. .+ chroma-maint vacuum .+ --incremental/m);
    const back = await run(['vacuum', dir, '--auto-vacuum', 'none', '--yes'], { columns: 200 });
    expect(back.stdout).toMatch(/^Set auto-vacuum to none\.$/m);
  });

  it('needs room for a new file although little is given back', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const before = bytesOf(dir);
    const host: Partial<Host> = { freeBytes: () => Promise.resolve(100 * 1024) };
    const argv = ['vacuum', dir, '--no-prune', '--auto-vacuum', 'incremental', '--yes'];
    expect((await run(argv, {}, host)).exitCode).toBe(15);
    expect(bytesOf(dir)).toEqual(before);
  });

  it.each([
    ['none', 'incremental', 1],
    ['incremental', 'none', -1],
    ['full', 'incremental', 0],
  ] as const)('from %s to %s expects the pointer map to come or to go', async (before, after, sign) => {
    const dir = await withSetting('0.6.3-purge-off', before);
    const argv = ['vacuum', dir, '--min-reclaim', '0', '--dry-run'];
    const plain = await runJson<Vacuumed>(argv);
    const changed = await runJson<Vacuumed>([...argv, '--auto-vacuum', after]);
    const added = changed.expected.databaseBytes - plain.expected.databaseBytes;
    expect(added).toBe(sign * pointerMapBytes(plain.expected.databaseBytes, 4096));
  });

  it.each(['full', 'on', '2'])('does not take %s', async (setting) => {
    const { exitCode } = await run(['vacuum', await unpacked('0.5.5'), '--auto-vacuum', setting, '--yes']);
    expect(exitCode).toBe(2);
  });
});
