/** A scrub that is killed: the old database or the new one, whole, and the next run finishes. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, copyFileSync, openSync, readdirSync, readSync, renameSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
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

interface Overwriting {
  readonly parent: ChildProcess;
  readonly child: number;
  /** The old file, which has no name any more. */
  readonly old: number;
  readonly ended: Promise<object>;
}

/** A scrub that was stopped (SIGSTOP) while it overwrites the old file: whoever looks too late looks at another one. */
async function overwriting(): Promise<Overwriting> {
  for (;;) {
    const caught = await overwritingOnce();
    if (caught !== null) return caught;
  }
}

async function overwritingOnce(): Promise<Overwriting | null> {
  const dir = await unpacked('0.5.5');
  enlarge(dir, 'drafts', 8_000, 4_096);
  const inode = statSync(databaseOf(dir)).ino;
  const parent = spawn(process.execPath, [PROGRAM, 'scrub', dir, '--yes', '--json', '--quiet'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  parent.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const ended = once(parent, 'close').then(([exitCode]): object => {
    const failure = JSON.parse(stderr.trim().split('\n').at(-1) || '{}') as object;
    return { ...failure, exitCode: exitCode as number };
  });
  while (statSync(databaseOf(dir)).ino === inode && parent.exitCode === null) await delay(1);
  const [child] = childrenOf(parent.pid ?? 0);
  const old = child === undefined ? null : stoppedWith(child, inode);
  if (child !== undefined && old !== null && !isAllZero(old)) return { parent, child, old, ended };
  if (old !== null) {
    closeSync(old);
    process.kill(child ?? 0, 'SIGCONT');
  }
  await ended;
  return null;
}

/** Stops a process and opens the file that it has open; null where it has closed that. */
function stoppedWith(child: number, inode: number): number | null {
  process.kill(child, 'SIGSTOP');
  const at = `/proc/${child}/fd`;
  const number = readdirSync(at).find((each) => isFile(`${at}/${each}`, inode));
  if (number !== undefined) return openSync(`${at}/${number}`, 'r');
  process.kill(child, 'SIGCONT');
  return null;
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
    const { parent, child, old, ended } = await overwriting();
    onTestFinished(() => closeSync(old));
    parent.kill('SIGINT');
    process.kill(child, 'SIGCONT');
    const failure = await ended;
    expect(isAllZero(old)).toBe(true);
    expect(failure).toMatchObject({
      exitCode: 130,
      state: 'the new database is in place and the old one is overwritten; what is left elsewhere was not searched for',
    });
  });

  it('is said not to have overwritten all of it where its child was killed, and what to do then', async () => {
    const { child, old, ended } = await overwriting();
    closeSync(old);
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
