/**
 * Clean-ups that are killed or ended at any moment: every row is as it was or everything planned is gone, every
 * directory is in its place or whole in a quarantine, what is said of it is true, and the next run finishes.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { clean, contentOf, LEFT_INDEX, runClean } from '../support/clean.ts';
import { cloneOf } from '../support/clone.ts';
import { found, INDEXES, largeDirectory, type Found, type Known } from '../support/cut-off.ts';
import { killedAfter, killedWhen } from '../support/process.ts';
import { PROGRAM } from '../support/program.ts';

/** How often each; KILLS=200 takes some minutes. */
const KILLS = Number(process.env['KILLS'] ?? 5);

function argvFor(dir: string, options: readonly string[]): readonly string[] {
  return ['clean', dir, '--yes', '--min-age', '0s', '--no-progress', ...options];
}

/** True where rows went first and directories after them, and without --delete none. */
function isInOrder({ rows, inPlace, deleted }: Found, options: readonly string[]): boolean {
  if (deleted > 0 && !options.includes('--delete')) return false;
  return rows === 'gone' ? inPlace.length === 0 : deleted === 0;
}

function hasQuarantine(dir: string): boolean {
  return existsSync(join(dir, '.chroma-maint/quarantine'));
}

/** Kills a run while it works: now and then at any moment, mostly after it has begun to change something. */
function killed(argv: readonly string[], dir: string, whole: number, count: number): Promise<number> {
  if (count % 4 === 0) return killedAfter(argv, whole * (0.4 + Math.random() * 0.6));
  return killedWhen(argv, () => hasQuarantine(dir), Math.random() * whole * 0.3);
}

describe(`a clean-up that is killed with its child at ${KILLS} random moments`, () => {
  it.each([
    ['leaves directories in their places or whole in a quarantine', []],
    ['with --delete deletes no directory before the rows are gone', ['--delete']],
  ])(
    '%s, and the next one finishes',
    async (_, options) => {
      const known = await largeDirectory();
      const whole = await killedAfter(argvFor(cloneOf(known.pristine), options), 60_000);
      const outcomes: string[] = [];
      for (let count = 0; count < KILLS; count += 1) {
        const dir = cloneOf(known.pristine);
        await killed(argvFor(dir, options), dir, whole, count);
        const left = found(dir, known);
        expect(left).toSatisfy((each: Found) => isInOrder(each, options));
        const aside = [...left.aside.values()].join('+') || '0';
        outcomes.push(`${left.rows} ${left.inPlace.length} ${aside} ${left.deleted} ${left.isDeleting}`);

        expect(await runClean(dir, options)).toMatchObject({ exitCode: 0, stderr: '' });
        expect(found(dir, known)).toMatchObject({ rows: 'gone', inPlace: [], isDeleting: false });
      }
      // Shown with KILLS=200, to see that the moments were spread over the whole run.
      if (process.env['KILLS'] !== undefined) process.stdout.write(`${JSON.stringify(outcomes.toSorted())}\n`);
      expect(outcomes).toHaveLength(KILLS);
    },
    60_000 + KILLS * 10_000,
  );
});

interface Ended {
  readonly exitCode: number | null;
  /** What it says is left; null where it says nothing, because it was done or had hardly begun. */
  readonly state: string | null;
}

/** Ends a run by `signal` as soon as `isTime`. */
async function endedWhen(argv: readonly string[], isTime: () => boolean, signal: NodeJS.Signals): Promise<Ended> {
  const child = spawn(process.execPath, [PROGRAM, ...argv, '--json'], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const ended = once(child, 'close').then(([exitCode]) => exitCode as number | null);
  while (!isTime() && child.exitCode === null) await delay(1);
  child.kill(signal);
  const exitCode = await ended;
  if (exitCode === 0 || exitCode === null) return { exitCode, state: null };
  const { state, changed } = JSON.parse(stderr) as { readonly state: string; readonly changed: boolean };
  expect(changed).toBe(state !== 'nothing was changed');
  return { exitCode, state };
}

/** What has to be said of what was found, by a run that ended with `exitCode`. */
function statement(exitCode: number | null, { rows, inPlace, aside, deleted, isDeleting }: Found): string | null {
  if (exitCode === 0) return inPlace.length === 0 && !isDeleting ? null : 'it should have been done';
  const done = [
    ...[...aside].map(([id, many]) => {
      return `${directories(many)} of deleted collections put aside, to be taken back with clean --restore ${id}`;
    }),
    ...(deleted === 0 ? [] : [deletedWords(deleted, isDeleting)]),
    ...(rows === 'gone' ? ['the rows of deleted collections were deleted'] : []),
  ];
  if (done.length === 0) return exitCode === null ? null : 'nothing was changed';
  return [...done, ...(rows === 'gone' ? [] : ['nothing else was changed'])].join('; ');
}

function deletedWords(many: number, isDeleting: boolean): string {
  const words = `${directories(many)} of deleted collections ${many === 1 ? 'was' : 'were'} deleted`;
  return isDeleting ? `${words}, but for files that the next clean deletes` : words;
}

function directories(many: number): string {
  return many === 1 ? '1 directory' : `${many} directories`;
}

function isDeletingIn(dir: string): boolean {
  const place = join(dir, '.chroma-maint/quarantine');
  return existsSync(place) && readdirSync(place).some((name) => name.startsWith('deleting-'));
}

describe('a clean-up that is ended', () => {
  it.each<[string, (dir: string) => boolean]>([
    ['when the quarantine is made', hasQuarantine],
    ['when the first directory is in it', (dir) => !existsSync(join(dir, LEFT_INDEX))],
    ['when rows are being deleted', (dir) => existsSync(join(dir, 'chroma.sqlite3-journal'))],
    ['when directories are being deleted', isDeletingIn],
  ])('by Ctrl-C %s ends with 130 and says what is the case', async (_, isTime) => {
    const known = await largeDirectory();
    for (const options of [[], ['--delete'], ['--delete', '--only', 'dirs']]) {
      const dir = cloneOf(known.pristine);
      const { exitCode, state } = await endedWhen(argvFor(dir, options), () => isTime(dir), 'SIGINT');
      const there = found(dir, known);
      if (process.env['KILLS'] !== undefined) process.stdout.write(`${exitCode} ${state}\n`);
      // Where nobody looked in time it was done.
      expect([0, 130]).toContain(exitCode);
      expect(state).toBe(statement(exitCode, there));
      const left = hasQuarantine(dir) ? readdirSync(join(dir, '.chroma-maint/quarantine')) : [];
      expect(left.length, 'no empty quarantine stays').toBe(there.aside.size + (there.isDeleting ? 1 : 0));
      expect(await runClean(dir, options)).toMatchObject({ exitCode: 0 });
    }
  });

  it('by SIGTERM at random moments says what is the case', async () => {
    const known = await largeDirectory();
    const whole = await killedAfter(argvFor(cloneOf(known.pristine), ['--delete']), 60_000);
    for (let count = 0; count < KILLS; count += 1) {
      const dir = cloneOf(known.pristine);
      const options = count % 2 === 0 ? [] : ['--delete'];
      const until = performance.now() + whole * (0.4 + Math.random() * 0.6);
      const { exitCode, state } = await endedWhen(argvFor(dir, options), () => performance.now() > until, 'SIGTERM');
      expect(state).toBe(statement(exitCode, found(dir, known)));
    }
  }, 180_000);

  it('by --timeout ends with 1, before it has changed anything', async () => {
    const known = await largeDirectory();
    const argv = [...argvFor(known.pristine, []), '--timeout', '0s'];
    expect(await endedWhen(argv, () => false, 'SIGTERM')).toEqual({ exitCode: 1, state: 'nothing was changed' });
    expect(contentOf(known.pristine)).toEqual(known.files);
  });
});

async function withQuarantine(): Promise<readonly [known: Known, id: string]> {
  const known = await largeDirectory();
  await clean(known.pristine, '--only', 'dirs');
  return [known, readdirSync(join(known.pristine, '.chroma-maint/quarantine'))[0] ?? ''];
}

describe('a command on a quarantine that is killed', () => {
  it('restores every directory whole, and the rest when it is run again', async () => {
    const [known, id] = await withQuarantine();
    for (let count = 0; count < KILLS; count += 1) {
      const dir = cloneOf(known.pristine);
      const argv = ['clean', dir, '--yes', '--restore', id];
      await killedWhen(argv, () => existsSync(join(dir, LEFT_INDEX)), Math.random() * 3);
      expect(found(dir, known).deleted).toBe(0);
      // 2 where nothing was left to restore.
      expect([0, 2]).toContain((await runClean(dir, ['--restore', id])).exitCode);
      expect(found(dir, known)).toMatchObject({ inPlace: known.left, deleted: 0 });
    }
  });

  it('purges all of it or none, and what is left of it when it is run again', async () => {
    const [known, id] = await withQuarantine();
    for (let count = 0; count < KILLS; count += 1) {
      const dir = cloneOf(known.pristine);
      const wish = ['--purge-quarantine', '--older-than', '0s'];
      await killedWhen(['clean', dir, '--yes', ...wish], () => isDeletingIn(dir), Math.random() * 3);
      const { deleted, aside } = found(dir, known);
      expect(deleted).toBe(aside.has(id) ? 0 : INDEXES + 1);
      expect(await runClean(dir, wish)).toMatchObject({ exitCode: 0 });
      expect(existsSync(join(dir, '.chroma-maint'))).toBe(false);
      expect(found(dir, known)).toMatchObject({ rows: 'old', deleted: INDEXES + 1 });
    }
  });
});
