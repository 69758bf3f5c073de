/**
 * vacuum --incremental that is ended at any moment, and beside processes that never stop reading and writing.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { databaseOf } from '../support/damage.ts';
import { IDLE_CHROMA } from '../support/holders.ts';
import { incrementalWithHoles, pagesOf } from '../support/incremental.ts';
import { killedAfter, killedWhen, SQLITE } from '../support/process.ts';
import { PROGRAM } from '../support/program.ts';
import { run, runJson } from '../support/run.ts';
import { rowsOf, seqIdsOf, withDatabase } from '../support/state.ts';

const STOPPED = ['--incremental', '--min-reclaim', '0', '--yes'];
const BESIDE = [...STOPPED, '--while-running'];
const EACH = [
  ['with Chroma stopped', STOPPED],
  ['beside a server', BESIDE],
] as const;
const HOLES = 4_000;

interface Given {
  readonly incremental: { readonly pages: number; readonly transactions: number };
}

describe.each(EACH)('vacuum --incremental %s', (_, argv) => {
  it('that is killed at any moment leaves a whole database with the rows of before or after the prune', async () => {
    const whole = await incrementalWithHoles('0.5.5', HOLES);
    const [rows, before, { pages }] = [rowsOf(whole, ['embeddings_queue']), seqIdsOf(whole), pagesOf(whole)];
    let between = 0;
    // Of a quick one it takes several to meet one in the middle.
    for (let round = 0; round < 6 || between === 0; round += 1) {
      const dir = await incrementalWithHoles('0.5.5', HOLES);
      const isBegun = (): boolean => statSync(databaseOf(dir)).size < pages * 4096;
      if (round < 2) await killedAfter(['vacuum', dir, ...argv], 300 + round * 200);
      else await killedWhen(['vacuum', dir, ...argv], isBegun, (round % 6) * 11);
      // Opened as Chroma opens it: SQLite plays a journal back.
      const left = pagesOf(dir);
      expect(left.integrity).toBe('ok');
      expect(rowsOf(dir, ['embeddings_queue'])).toEqual(rows);
      expect(seqIdsOf(dir).at(-1)).toBe(before.at(-1));
      if (left.free > 0 && left.pages < pages) between += 1;
      // The next run finishes what is left, here without pauses.
      expect((await run(['vacuum', dir, ...STOPPED])).exitCode).toBe(0);
      expect(pagesOf(dir)).toMatchObject({ free: 0, integrity: 'ok' });
    }
  }, 180_000);

  it.each(['SIGINT', 'SIGTERM'] as const)('that is ended by %s says what it has done', async (signal) => {
    const { dir, pages, exitCode, stderr } = await endedInTheMiddle(argv, signal);
    expect(exitCode).toBe(130);
    const left = pagesOf(dir);
    expect(left.integrity).toBe('ok');
    expect(left.pages).toBeLessThan(pages);
    expect(JSON.parse(stderr)).toMatchObject({
      code: 'INTERRUPTED',
      changed: true,
      state: expect.stringMatching(
        /^\d+ WAL rows were deleted, which is safe; \d.* of the file were given back; the database is consistent$/,
      ),
    });
  });

  it('that is ended before it has come to anything says that nothing was changed', async () => {
    const dir = await incrementalWithHoles('0.5.5', 50);
    const rows = rowsOf(dir);
    const { exitCode, stderr } = await run(['vacuum', dir, ...argv, '--timeout', '0s', '--json']);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({ changed: false });
    expect(rowsOf(dir)).toEqual(rows);
  });
});

interface Ended {
  readonly dir: string;
  /** Before it began. */
  readonly pages: number;
  readonly exitCode: number;
  readonly stderr: string;
}

/** Sends the signal once the file is smaller; again where all of it was given back before the signal was there. */
async function endedInTheMiddle(argv: readonly string[], signal: NodeJS.Signals): Promise<Ended> {
  for (;;) {
    const dir = await incrementalWithHoles('0.5.5', HOLES);
    const { pages } = pagesOf(dir);
    const child = spawn(process.execPath, [PROGRAM, 'vacuum', dir, ...argv, '--json', '--no-progress'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    const closed = once(child, 'close');
    while (statSync(databaseOf(dir)).size === pages * 4096 && child.exitCode === null) await delay(1);
    child.kill(signal);
    const [exitCode] = (await closed) as [number];
    if (exitCode !== 0 || pagesOf(dir).free > 0) return { dir, pages, exitCode, stderr };
  }
}

const TABLE = 'CREATE TABLE beside (n INTEGER PRIMARY KEY, text TEXT, filler BLOB)';

/** A process that does `work` on its own connection again and again, and prints a line each time. */
function busy(dir: string, work: string): { readonly child: ChildProcess; readonly lines: () => readonly string[] } {
  const script = `
    const db = new (require(${JSON.stringify(SQLITE)}))(${JSON.stringify(join(dir, 'chroma.sqlite3'))}, { timeout: 60000 });
    let n = 0;
    const once = () => { n += 1; ${work}; setTimeout(once, 1); };
    once();`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (text += data.toString()));
  return { child, lines: () => text.split('\n').slice(0, -1) };
}

async function ended({ child }: { readonly child: ChildProcess }): Promise<void> {
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}

describe('vacuum --incremental beside processes that never stop', () => {
  it('loses nothing that one writes, and keeps neither from its work', async () => {
    const dir = await incrementalWithHoles('0.5.5', HOLES);
    withDatabase(dir, (db) => db.exec(TABLE));
    const [rows, { free }] = [rowsOf(dir, ['beside']), pagesOf(dir)];
    const writer = busy(
      dir,
      `db.transaction(() => {
         db.prepare('INSERT INTO beside VALUES (?, ?, randomblob(6000))').run(n, 'row ' + n);
         if (n > 20) db.prepare('DELETE FROM beside WHERE n = ?').run(n - 20);
       }).immediate();
       console.log(n)`,
    );
    const reader = busy(
      dir,
      `const [a, b] = db.transaction(() => [
         db.prepare('SELECT COUNT(*) FROM embedding_metadata').pluck().get(),
         db.prepare('SELECT COUNT(*) FROM embeddings').pluck().get(),
       ])();
       console.log(a + ' ' + b)`,
    );
    while (writer.lines().length < 5 || reader.lines().length < 5) await delay(10);
    // Two processes at once would be refused: together they stand for one server.
    const host = { holdersOf: () => IDLE_CHROMA };
    const [written, read] = [writer.lines().length, reader.lines().length];
    const { incremental: given } = await runJson<Given>(['vacuum', dir, ...BESIDE, '--no-prune'], host);
    expect(given.pages).toBeGreaterThan(free / 2);
    expect(writer.lines().length).toBeGreaterThan(written);
    expect(reader.lines().length).toBeGreaterThan(read);
    await Promise.all([ended(writer), ended(reader)]);
    const last = Number(writer.lines().at(-1));
    expect(writer.lines()).toEqual(writer.lines().map((_, at) => String(at + 1)));
    expect(new Set(reader.lines()).size).toBe(1);
    const kept = withDatabase(dir, (db) =>
      db.prepare<[], bigint>('SELECT n FROM beside ORDER BY n').pluck().all().map(Number),
    );
    // One more may have been committed and not told of.
    expect([last, last + 1]).toContain(kept.at(-1));
    expect(kept).toEqual(Array.from({ length: 20 }, (_, at) => (kept.at(-1) ?? 0) - 19 + at));
    expect(pagesOf(dir).integrity).toBe('ok');
    expect(rowsOf(dir, ['beside'])).toEqual(rows);
  });
});
