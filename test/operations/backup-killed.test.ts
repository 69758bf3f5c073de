/**
 * Backup commands that are killed at any moment: never is a snapshot listed that is not whole, and never is the
 * directory lost, or one of the two that change places.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { create, namesIn, newRepository, toTheMillisecond } from '../support/backup.ts';
import { enlarge } from '../support/enlarge.ts';
import { unpacked } from '../support/fixtures.ts';
import { killedAfter } from '../support/process.ts';
import { run, runJson } from '../support/run.ts';
import { bytesOf } from '../support/state.ts';

/** How often each; KILLS=200 takes some minutes. */
const KILLS = Number(process.env['KILLS'] ?? 6);

interface Listed {
  readonly snapshots: readonly { readonly id: string; readonly name: string }[];
  readonly unreadable: readonly unknown[];
}

/** Every snapshot that is listed is sound, byte for byte. */
async function soundSnapshots(repository: string): Promise<readonly string[]> {
  if (!existsSync(join(repository, 'chroma-maint-repository.json'))) return [];
  const { snapshots, unreadable } = await runJson<Listed>(['backup', 'list', repository]);
  expect(unreadable).toEqual([]);
  expect((await run(['backup', 'verify', repository, '--all'])).exitCode).toBe(0);
  return snapshots.map(({ name }) => name);
}

async function largeDirectory(): Promise<string> {
  const dir = await unpacked('0.5.5');
  enlarge(dir, 'drafts', 3_000, 1_536);
  return dir;
}

function forgetArgv(repository: string): readonly string[] {
  return ['backup', 'forget', repository, '--keep-last', '1', '--yes', '--no-progress'];
}

/** From the first third on, and every other time at the end: before that the program only starts, then it copies. */
function moment(whole: number, count: number): number {
  return whole * (count % 2 === 0 ? 0.3 + Math.random() * 0.75 : 0.75 + Math.random() * 0.3);
}

describe(`a command that is killed at ${KILLS} random moments`, () => {
  it(
    'backup create leaves whole snapshots or none, and the source as it was',
    async () => {
      const dir = await largeDirectory();
      const before = bytesOf(dir);
      const whole = await killedAfter(['backup', 'create', dir, '--to', newRepository()], 60_000);
      const made = { snapshots: 0, leftovers: 0 };
      for (let count = 0; count < KILLS; count += 1) {
        const repository = newRepository();
        // Half of the times there is one already, to be linked to.
        const known = count % 4 < 2 ? 0 : 1;
        if (known === 1) await create(dir, repository);
        await killedAfter(['backup', 'create', dir, '--to', repository], moment(whole, count));
        expect(bytesOf(dir)).toEqual(before);
        const names = await soundSnapshots(repository);
        expect([known, known + 1]).toContain(names.length);
        made.snapshots += names.length - known;
        if (existsSync(repository)) made.leftovers += namesIn(repository).others.length;
        await create(dir, repository);
        expect(namesIn(repository).others).toEqual([]);
        expect(await soundSnapshots(repository)).toHaveLength(names.length + 1);
        rmSync(repository, { recursive: true });
      }
      if (process.env['KILLS'] !== undefined) process.stdout.write(`create ${JSON.stringify(made)}\n`);
    },
    60_000 + KILLS * 10_000,
  );

  it(
    'backup restore --swap leaves the old directory or the new one, and both at hand',
    async () => {
      const source = await largeDirectory();
      const repository = newRepository();
      await create(source, repository);
      const restored = toTheMillisecond(bytesOf(source));
      const argvFor = (dir: string): readonly string[] => {
        return ['backup', 'restore', 'latest', '--from', repository, '--to', dir, '--swap', '--yes', '--no-progress'];
      };
      const whole = await killedAfter(argvFor(await unpacked('0.6.3-purge-off')), 60_000);
      const outcomes = { old: 0, new: 0, settled: 0 };
      for (let count = 0; count < KILLS; count += 1) {
        const dir = await unpacked('0.6.3-purge-off');
        const old = bytesOf(dir);
        await killedAfter(argvFor(dir), moment(whole, count));
        const beside = readdirSync(dirname(dir));
        if (beside.some((name) => name.endsWith('swap.json'))) outcomes.settled += 1;
        // Any command that may write settles it.
        expect((await run(['prune', dir, '--yes', '--collection', 'no such collection'])).exitCode).toBe(2);
        const now = toTheMillisecond(bytesOf(dir));
        const isNew = now.get('chroma.sqlite3') === restored.get('chroma.sqlite3');
        outcomes[isNew ? 'new' : 'old'] += 1;
        expect(now).toEqual(isNew ? restored : toTheMillisecond(old));
        const kept = readdirSync(dirname(dir)).filter((name) => name.includes('.before-'));
        expect(kept).toHaveLength(isNew ? 1 : 0);
        for (const name of kept) expect(bytesOf(join(dirname(dir), name))).toEqual(old);

        expect(await run(argvFor(dir))).toMatchObject({ exitCode: 0, stderr: '' });
        expect(toTheMillisecond(bytesOf(dir))).toEqual(restored);
        const left = readdirSync(dirname(dir)).filter((name) => name.startsWith('.'));
        expect(left).toEqual([]);
      }
      if (process.env['KILLS'] !== undefined) process.stdout.write(`swap ${JSON.stringify(outcomes)}\n`);
      expect(await soundSnapshots(repository)).toHaveLength(1);
    },
    60_000 + KILLS * 10_000,
  );

  it(
    'backup forget leaves the kept snapshots whole, and no half of one that goes',
    async () => {
      const dir = await unpacked('0.5.5');
      const pristine = newRepository();
      for (let count = 0; count < 12; count += 1) await create(dir, pristine);
      const names = await soundSnapshots(pristine);
      const copied = (): string => {
        const repository = newRepository();
        // With its hard links.
        execFileSync('cp', ['-a', pristine, repository]);
        return repository;
      };
      const whole = await killedAfter(forgetArgv(copied()), 60_000);
      const left: number[] = [];
      for (let count = 0; count < KILLS; count += 1) {
        const repository = copied();
        await killedAfter(forgetArgv(repository), moment(whole, count));
        const sound = await soundSnapshots(repository);
        left.push(sound.length);
        expect(sound).toEqual(names.slice(-sound.length));
        expect(await run(forgetArgv(repository))).toMatchObject({ exitCode: 0, stderr: '' });
        expect(namesIn(repository)).toEqual({ snapshots: names.slice(-1), others: [] });
      }
      if (process.env['KILLS'] !== undefined)
        process.stdout.write(`forget ${JSON.stringify(left.toSorted((a, b) => a - b))}\n`);
      expect(Math.min(...left)).toBeGreaterThan(0);
    },
    60_000 + KILLS * 10_000,
  );
});
