/** A scrub that is killed: the old database or the new one, whole, and the next run finishes. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, copyFileSync, openSync, readdirSync, readSync, renameSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { locatePersistDir } from '../../../src/chroma/persist-dir.ts';
import { stateBefore } from '../../../src/operations/state-before.ts';
import { stateLeft } from '../../../src/operations/state-left.ts';
import { target } from '../../support/agreed.ts';
import { databaseOf } from '../../support/damage.ts';
import { enlarge } from '../../support/enlarge.ts';
import { rowsKept, unpacked } from '../../support/fixtures.ts';
import { faultsOf } from '../../support/full-text.ts';
import { childrenOf, killedAfter } from '../../support/process.ts';
import { PROGRAM } from '../../support/program.ts';
import { scrub } from '../../support/scrub.ts';
import { otherFilesOf, rowsOf, seqIdsOf, withDatabase } from '../../support/state.ts';

/** How often; KILLS=200 takes some minutes. */
const KILLS = Number(process.env['KILLS'] ?? 8);
const DERIVED = ['data', 'idx', 'docsize'].map((suffix) => `embedding_fulltext_search_${suffix}`);
const WITHOUT = ['embeddings_queue', ...DERIVED];

function isFile(path: string, inode: number): boolean {
  try {
    return statSync(path).ino === inode;
  } catch {
    return false;
  }
}

function isAllZero(descriptor: number): boolean {
  const chunk = Buffer.alloc(1024 * 1024);
  for (let at = 0; ; at += chunk.length) {
    const read = readSync(descriptor, chunk, 0, chunk.length, at);
    if (read === 0) return true;
    if (!chunk.subarray(0, read).equals(Buffer.alloc(read))) return false;
  }
}

interface Swapping {
  readonly parent: ChildProcess;
  readonly child: number;
  /** Of the old file. */
  readonly inode: number;
  readonly ended: Promise<object>;
}

/** A scrub of a file that takes a while to be overwritten, in the moment in which another has taken its place. */
async function swapping(): Promise<Swapping> {
  const dir = await unpacked('0.5.5');
  enlarge(dir, 'drafts', 8_000, 4_096);
  const inode = statSync(databaseOf(dir)).ino;
  const parent = spawn(process.execPath, [PROGRAM, 'scrub', dir, '--yes', '--json', '--quiet'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  parent.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const ended = once(parent, 'close').then(([exitCode]): object => {
    const failure = JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as object;
    return { ...failure, exitCode: exitCode as number };
  });
  while (statSync(databaseOf(dir)).ino === inode && parent.exitCode === null) await delay(1);
  const [child = 0] = childrenOf(parent.pid ?? 0);
  return { parent, child, inode, ended };
}

async function largeDirectory(): Promise<string> {
  const dir = await unpacked('0.5.5');
  enlarge(dir, 'drafts', 3_000, 1_536);
  return dir;
}

describe('a scrub that is killed with its child', () => {
  it(
    `at ${KILLS} moments leaves the old rows or the new ones, and the next run finishes`,
    async () => {
      const pristine = await largeDirectory();
      const ids = seqIdsOf(pristine);
      const kept = rowsKept('0.5.5', ids);
      const tables = rowsOf(pristine, WITHOUT);
      const whole = await killedAfter(['scrub', await largeDirectory(), '--yes'], 60_000);
      for (let count = 0; count < KILLS; count += 1) {
        const dir = await largeDirectory();
        const files = otherFilesOf(dir);
        // From the second third on: before that the program only starts and reads.
        await killedAfter(['scrub', dir, '--yes'], whole * (0.3 + (0.7 * count) / KILLS));
        expect([ids, kept]).toContainEqual(seqIdsOf(dir));
        expect(rowsOf(dir, WITHOUT)).toEqual(tables);
        expect(faultsOf(dir)).toEqual([]);

        expect((await scrub(dir)).json.changed).toBe(true);
        expect(seqIdsOf(dir)).toEqual(kept);
        expect(rowsOf(dir, WITHOUT)).toEqual(tables);
        expect(otherFilesOf(dir)).toEqual(files);
        expect(readdirSync(dir).filter((name) => name.includes('rebuild') || name.includes('journal'))).toEqual([]);
        expect(withDatabase(dir, (db) => db.pragma('integrity_check', { simple: true }))).toBe('ok');
      }
    },
    KILLS * 15_000,
  );

  it('overwrites the old file to its end where it is told to stop meanwhile, and then stops', async () => {
    const { parent, child, inode, ended } = await swapping();
    parent.kill('SIGINT');
    const [number] = readdirSync(`/proc/${child}/fd`).filter((each) => isFile(`/proc/${child}/fd/${each}`, inode));
    // Nobody else can get at it any more.
    const descriptor = openSync(`/proc/${child}/fd/${number}`, 'r');
    const failure = await ended;
    const isZero = isAllZero(descriptor);
    closeSync(descriptor);
    expect(isZero).toBe(true);
    expect(failure).toMatchObject({
      exitCode: 130,
      state: 'the new database is in place and the old one is overwritten; what is left elsewhere was not searched for',
    });
  });

  it('is said not to have overwritten all of it where its child was killed, and what to do then', async () => {
    const { child, ended } = await swapping();
    process.kill(child, 'SIGKILL');
    expect(await ended).toMatchObject({
      exitCode: 1,
      state:
        'the new database is in place; blocks of the old one that were not overwritten yet are free space of the disk now',
      hint: 'to be sure, overwrite the free space of the disk; a second run only searches',
    });
  });

  it('is said to have left blocks of the old file where the new one is in place', async () => {
    const dir = await unpacked('0.5.5');
    const before = stateBefore(locatePersistDir(dir));
    const job = { kind: 'scrub', request: { target: target(dir), phrases: [], others: [] }, agreed: null } as const;
    expect(stateLeft(job, dir, before, null)).toBe('nothing was changed');
    copyFileSync(databaseOf(dir), `${databaseOf(dir)}.new`);
    renameSync(`${databaseOf(dir)}.new`, databaseOf(dir));
    expect(stateLeft(job, dir, before, null)).toBe(
      'the new database is in place; blocks of the old one that were not overwritten yet are free space of the disk now',
    );
    expect(stateLeft(job, dir, before, null, true)).toBe(
      'the new database is in place and the old one is overwritten; what is left elsewhere was not searched for',
    );
  });
});
