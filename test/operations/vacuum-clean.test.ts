import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Finding } from '../../src/operations/findings/findings.ts';
import { orphanTopic } from '../support/damage.ts';
import { temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { run, runJson } from '../support/run.ts';
import { bytesOf, rowsOf, withDatabase } from '../support/state.ts';

interface Vacuumed {
  readonly changed: boolean;
  readonly mode: string;
  readonly reclaimedBytes: number;
  readonly before: { readonly databaseBytes: number };
  readonly after: { readonly databaseBytes: number };
  readonly prune: { readonly totals: { readonly deleted: number } };
  readonly clean: {
    readonly rows: Readonly<Record<string, number>>;
    readonly directories: readonly { readonly action: string; readonly bytes: number }[];
    readonly quarantine: string | null;
    readonly reclaimedBytes: number;
  } | null;
}

const ALL = ['--clean', '--min-age', '0s', '--min-reclaim', '0', '--yes'];

async function leftBehind(): Promise<string> {
  const dir = await unpacked('0.6.3-purge-off');
  orphanTopic(dir, 'drafts');
  return dir;
}

it.each(['rebuild', 'in-place'])('cleans up, prunes and vacuums in one run, mode %s', async (mode) => {
  const dir = await leftBehind();
  const report = await runJson<Vacuumed>(['vacuum', dir, ...ALL, '--mode', mode]);
  expect(report).toMatchObject({ changed: true, mode });
  expect(report.prune.totals.deleted).toBeGreaterThan(0);
  expect(report.clean?.rows['embeddings']).toBeGreaterThan(0);
  expect(report.clean?.rows['embeddings_queue']).toBeGreaterThan(0);
  expect(report.clean?.directories.every(({ action }) => action === 'quarantine')).toBe(true);
  expect(report.after.databaseBytes).toBe(statSync(join(dir, 'chroma.sqlite3')).size);
  expect(report.reclaimedBytes).toBe(report.before.databaseBytes - report.after.databaseBytes);
  const { findings } = await runJson<{ findings: readonly Finding[] }>(['check', dir, '--deep']);
  expect(findings.filter(({ id }) => id.startsWith('orphan'))).toEqual([]);
  expect(withDatabase(dir, (db) => db.pragma('freelist_count', { simple: true }))).toBe(0n);
});

it.each(['rebuild', 'in-place'])('cleans up behind a snapshot, and vacuums in mode %s', async (mode) => {
  const dir = await leftBehind();
  const repository = join(temporaryDirectory(), 'repository');
  const report = await runJson<Vacuumed>(['vacuum', dir, ...ALL, '--mode', mode, '--backup', repository]);
  expect(report).toMatchObject({ changed: true, mode, backup: { snapshot: { number: 1 } } });
  expect(report.clean?.rows['embeddings']).toBeGreaterThan(0);
  expect(withDatabase(dir, (db) => db.pragma('freelist_count', { simple: true }))).toBe(0n);
});

it('cleans up behind a snapshot where only directories go', async () => {
  const dir = await unpacked('0.6.3-purge-off');
  await run(['clean', dir, '--only', 'rows', '--yes']);
  const repository = join(temporaryDirectory(), 'repository');
  const report = await runJson<Vacuumed>(['vacuum', dir, ...ALL, '--backup', repository]);
  expect(report).toMatchObject({ changed: true, clean: { quarantine: expect.any(String) as string } });
});

it('leaves the same rows as a clean-up followed by a vacuum', async () => {
  const [at, apart] = [await leftBehind(), await leftBehind()];
  await run(['vacuum', at, ...ALL]);
  await run(['clean', apart, '--yes', '--min-age', '0s']);
  await run(['vacuum', apart, '--yes', '--min-reclaim', '0']);
  expect(rowsOf(at, ['maintenance_log'])).toEqual(rowsOf(apart, ['maintenance_log']));
});

it('deletes directories where that is asked for, and counts them apart from the file', async () => {
  const dir = await leftBehind();
  const { clean } = await runJson<Vacuumed>(['vacuum', dir, ...ALL, '--delete']);
  const deleted = clean?.directories.reduce((sum, { bytes }) => sum + bytes, 0);
  expect(clean?.reclaimedBytes).toBe(deleted);
  expect(clean?.quarantine).toBeNull();
  expect(readdirSync(dir)).not.toContain('.chroma-maint');
});

it('cleans up although a vacuum is not worth it', async () => {
  const dir = await leftBehind();
  const argv = ['vacuum', dir, '--clean', '--min-age', '0s', '--min-reclaim', '100M', '--yes'];
  const { changed, after, before, clean } = await runJson<Vacuumed>(argv);
  expect(changed).toBe(true);
  expect(after).toEqual(before);
  expect(clean?.quarantine).not.toBeNull();
  expect(await runJson(['clean', dir, '--dry-run', '--min-age', '0s'])).toMatchObject({ directories: [], rows: {} });
});

it('asks once for all of it, and changes nothing where the answer is no', async () => {
  const dir = await leftBehind();
  const before = bytesOf(dir);
  const { questions, exitCode } = await run(['vacuum', dir, '--clean', '--min-age', '0s'], { answer: 'no' });
  expect(questions).toEqual([
    expect.stringMatching(
      /^Put \d+ directories aside, delete [\d,]+ rows, delete [\d,]+ WAL rows and rewrite the database\?$/,
    ),
  ]);
  expect(exitCode).toBe(0);
  expect(bytesOf(dir)).toEqual(before);
});

it('refuses where something else would be cleaned up than what was agreed to', async () => {
  const dir = await leftBehind();
  const answer = (): boolean => {
    withDatabase(dir, (db) => db.exec("DELETE FROM segment_metadata WHERE key = 'hnsw:space'"));
    return true;
  };
  expect((await run(['vacuum', dir, '--clean', '--min-age', '0s'], { answer })).exitCode).toBe(16);
  expect(readdirSync(dir)).not.toContain('.chroma-maint');
});

it.each(['--delete', '--allow-empty-catalog'])('takes no %s without --clean', async (option) => {
  const { exitCode, stderr } = await run(['vacuum', await leftBehind(), option, '--yes']);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(`${option} goes with --clean`);
});
