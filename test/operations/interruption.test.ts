/**
 * Work that is ended in the middle, in real processes: what stays is either what was there or what the plan left.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, cpSync, openSync, readdirSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readJournalState, type JournalState } from '../../src/sqlite/header.ts';
import { rowsKept, temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { enlarge } from '../support/enlarge.ts';
import { childrenOf, inTransaction } from '../support/process.ts';
import { PROGRAM } from '../support/program.ts';
import { run } from '../support/run.ts';
import { bytesOf, otherFilesOf, rowsOf, seqIdsOf, withDatabase } from '../support/state.ts';

const FIXTURE = '0.5.5';
const IN_PLACE = ['vacuum', '--yes', '--min-reclaim', '0', '--mode', 'in-place'];
interface Ended {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stderr: string;
}

interface Started {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** Large enough that VACUUM can be caught in the middle: 120 MB that every copy must carry. */
async function largeDirectory(): Promise<string> {
  const dir = await unpacked(FIXTURE);
  enlarge(dir, 'drafts', 20_000, 1_536);
  return dir;
}

function start(argv: readonly string[]): Started {
  const child = spawn(process.execPath, [PROGRAM, ...argv], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const ended = once(child, 'close').then(([exitCode, signal]) => ({
    exitCode: exitCode as number | null,
    signal: signal as string | null,
    stderr,
  }));
  return { process: child, ended };
}

/** Waits until VACUUM writes back into the database: from then on its journal is needed to get the old content back. */
async function vacuumIsWriting(dir: string, { ended }: Started): Promise<void> {
  const over = ended.then(() => 'over' as const);
  while ((await Promise.race([over, delay(2)])) !== 'over') {
    const size = statSync(join(dir, 'chroma.sqlite3-journal'), { throwIfNoEntry: false })?.size ?? 0;
    if (size > 1024 * 1024 && journalOf(dir) === 'hot') return;
  }
  throw new Error('the vacuum was over before it could be caught');
}

/** Waits until the new file of a rebuild has grown to a megabyte. */
async function rebuildIsWriting(dir: string, { ended }: Started): Promise<void> {
  const over = ended.then(() => 'over' as const);
  while ((await Promise.race([over, delay(2)])) !== 'over') {
    const path = join(dir, 'chroma.sqlite3.chroma-maint-rebuild');
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 1024 * 1024) return;
  }
  throw new Error('the rebuild was over before it could be caught');
}

function workingChildOf({ pid }: ChildProcess): number {
  return childrenOf(pid ?? 0)[0] ?? 0;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function integrityOf(dir: string): unknown {
  return withDatabase(dir, (db) => db.pragma('integrity_check', { simple: true }));
}

function journalOf(dir: string): JournalState {
  return readJournalState(join(dir, 'chroma.sqlite3'));
}

interface FullPipe {
  /** For the one who is to wait. */
  readonly writing: number;
  /** Takes out what is in it, but for what it was filled with. */
  emptied(): string;
}

/** A pipe that has no room for anything until it is emptied. */
function fullPipe(): FullPipe {
  const path = join(temporaryDirectory(), 'pipe');
  execFileSync('mkfifo', [path]);
  const both = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const writing = openSync(path, constants.O_WRONLY);
  onTestFinished(() => [both, writing].forEach((each) => closeSync(each)));
  untilItWouldWait(() => writeSync(both, Buffer.alloc(4096)));
  return {
    writing,
    emptied() {
      const chunks: Buffer[] = [];
      untilItWouldWait(() => {
        const chunk = Buffer.alloc(65_536);
        chunks.push(chunk.subarray(0, readSync(both, chunk)));
      });
      return Buffer.concat(chunks).toString('utf8').replaceAll('\0', '');
    },
  };
}

function untilItWouldWait(step: () => void): void {
  for (;;) {
    try {
      step();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return;
      throw error;
    }
  }
}

describe('a vacuum that is ended in the middle', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'by %s exits 130, says what is left, and leaves no journal',
    async (signal) => {
      const dir = await largeDirectory();
      const [ids, tables, files] = [seqIdsOf(dir), rowsOf(dir, ['embeddings_queue']), otherFilesOf(dir)];
      const started = start([...IN_PLACE, dir, '--json']);
      await vacuumIsWriting(dir, started);
      const child = workingChildOf(started.process);
      started.process.kill(signal);
      const { exitCode, stderr } = await started.ended;

      expect(exitCode).toBe(130);
      expect(JSON.parse(stderr)).toMatchObject({
        code: 'INTERRUPTED',
        exitCode: 130,
        changed: true,
        state: expect.stringContaining('deleted, which is safe'),
      });
      expect(isAlive(child)).toBe(false);
      expect(journalOf(dir)).toBe('none');
      expect(seqIdsOf(dir)).toEqual(rowsKept(FIXTURE, ids));
      expect(rowsOf(dir, ['embeddings_queue'])).toEqual(tables);
      expect(otherFilesOf(dir)).toEqual(files);
      expect(integrityOf(dir)).toBe('ok');
    },
  );

  it('while it writes a new file changes nothing and leaves no file behind', async () => {
    const dir = await largeDirectory();
    const [rows, names] = [rowsOf(dir), readdirSync(dir)];
    const started = start(['vacuum', '--yes', '--min-reclaim', '0', '--mode', 'rebuild', dir, '--json']);
    await rebuildIsWriting(dir, started);
    started.process.kill('SIGINT');
    const { exitCode, stderr } = await started.ended;
    expect(exitCode, stderr).toBe(130);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'INTERRUPTED', changed: false, state: 'nothing was changed' });
    expect(readdirSync(dir)).toEqual(names);
    expect(rowsOf(dir)).toEqual(rows);
    expect(integrityOf(dir)).toBe('ok');
  });

  it('by --timeout exits 1 and says that nothing was changed where nothing was', async () => {
    const dir = await largeDirectory();
    await run(['prune', dir, '--yes']);
    const [rows, size] = [rowsOf(dir), statSync(join(dir, 'chroma.sqlite3')).size];
    const { exitCode, stderr } = await run([...IN_PLACE, dir, '--timeout', '0s', '--json']);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({
      code: 'FAILED',
      changed: false,
      message: expect.stringContaining('--timeout'),
    });
    expect(rowsOf(dir)).toEqual(rows);
    expect(statSync(join(dir, 'chroma.sqlite3')).size).toBe(size);
    expect(journalOf(dir)).toBe('none');
  });

  it('by the death of the working process alone is reported and rolled back', async () => {
    const dir = await largeDirectory();
    const ids = seqIdsOf(dir);
    const started = start([...IN_PLACE, dir, '--json']);
    await vacuumIsWriting(dir, started);
    process.kill(workingChildOf(started.process), 'SIGKILL');
    const { exitCode, stderr } = await started.ended;
    expect(exitCode).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({
      code: 'FAILED',
      message: expect.stringContaining('ended before it was done'),
      details: ['it ended with SIGKILL'],
    });
    expect(journalOf(dir)).toBe('none');
    expect(seqIdsOf(dir)).toEqual(rowsKept(FIXTURE, ids));
    expect(integrityOf(dir)).toBe('ok');
  });

  it('by kill -9 of everything is refused as a hot journal, and --recover-journal brings every row back', async () => {
    const dir = await largeDirectory();
    const [ids, tables] = [seqIdsOf(dir), rowsOf(dir, ['embeddings_queue'])];
    const started = start([...IN_PLACE, dir]);
    await vacuumIsWriting(dir, started);
    const child = workingChildOf(started.process);
    started.process.kill('SIGKILL');
    process.kill(child, 'SIGKILL');
    await started.ended;
    while (isAlive(child)) await delay(5);

    expect(await run(['inspect', dir])).toMatchObject({ exitCode: 12, stderr: expect.stringContaining('cut off') });
    expect((await run(['vacuum', dir, '--yes'])).exitCode).toBe(12);
    expect((await run(['prune', dir, '--dry-run', '--recover-journal'])).exitCode).toBe(12);
    expect((await run(['prune', dir, '--recover-journal'])).exitCode).toBe(2);
    expect(journalOf(dir)).toBe('hot');
    const again = `${dir}-again`;
    cpSync(dir, again, { recursive: true });
    const recovered = await run(['prune', dir, '--yes', '--recover-journal']);
    expect(recovered).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('was played back') as string });
    expect(journalOf(dir)).toBe('none');
    const refused = await run(['prune', again, '--yes', '--recover-journal', '--collection', 'nobody', '--json']);
    expect(JSON.parse(refused.stderr)).toMatchObject({
      exitCode: 2,
      state: 'the hot journal was played back; nothing else was changed',
      changed: true,
    });
    expect(journalOf(again)).toBe('none');
    expect(seqIdsOf(dir)).toEqual(rowsKept(FIXTURE, ids));
    expect(rowsOf(dir, ['embeddings_queue'])).toEqual(tables);
    expect(integrityOf(dir)).toBe('ok');
  });
});

describe('a prune', () => {
  it('that is ended while it waits for Chroma to stop touches nothing', async () => {
    const dir = await unpacked(FIXTURE);
    // Whoever opened the database now, to roll back what was never begun, would run into this lock and say so.
    await inTransaction(join(dir, 'chroma.sqlite3'), 'BEGIN EXCLUSIVE');
    const before = bytesOf(dir);
    const started = start(['prune', dir, '--yes', '--wait', '10m', '--json']);
    // From then on a signal is one for the work, however slow the machine is.
    while (childrenOf(started.process.pid ?? 0).length === 0) await delay(10);
    await delay(500);
    started.process.kill('SIGINT');
    const { exitCode, stderr } = await started.ended;
    expect(exitCode, stderr).toBe(130);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'INTERRUPTED', changed: false, state: 'nothing was changed' });
    expect(bytesOf(dir)).toEqual(before);
  });

  it('that is done when it is told to end still says what it has done', async () => {
    const dir = await unpacked(FIXTURE);
    const ids = seqIdsOf(dir);
    const changed = (): number => statSync(join(dir, 'chroma.sqlite3')).mtimeMs;
    const before = changed();
    const pipe = fullPipe();
    const child = spawn(process.execPath, [PROGRAM, 'prune', dir, '--yes', '--json', '--quiet'], {
      stdio: ['ignore', pipe.writing, 'ignore'],
    });
    const ended = once(child, 'close');
    // Whoever opened the database meanwhile would be in the way.
    while (changed() === before || childrenOf(child.pid ?? 0).length > 0) await delay(10);
    // By then it waits to write its report.
    await delay(500);
    child.kill('SIGTERM');
    const report = pipe.emptied();
    const [exitCode] = (await ended) as [number];
    expect(exitCode).toBe(0);
    expect(JSON.parse(report + pipe.emptied())).toMatchObject({
      totals: { deleted: ids.length - seqIdsOf(dir).length },
    });
  });

  it('killed with its child at random moments leaves all rows or the planned ones', async () => {
    for (const ms of [40, 90, 140, 190, 240, 290]) {
      const dir = await unpacked(FIXTURE);
      const ids = seqIdsOf(dir);
      const started = start(['prune', dir, '--yes']);
      await delay(ms);
      started.process.kill('SIGTERM');
      await started.ended;
      const left = seqIdsOf(dir);
      expect([ids, rowsKept(FIXTURE, ids)]).toContainEqual(left);
      expect(journalOf(dir)).not.toBe('hot');
    }
  });
});
