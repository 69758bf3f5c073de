/** Work on the full-text index that is ended: what stays is the old index, and the next run makes it anew. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { readJournalState } from '../../src/sqlite/header.ts';
import { databaseOf } from '../support/damage.ts';
import { enlargeDocuments } from '../support/enlarge.ts';
import { unpacked } from '../support/fixtures.ts';
import { faultsOf, hitsOf, othersOf } from '../support/full-text.ts';
import { missingFullTextRows } from '../support/full-text-damage.ts';
import { childrenOf } from '../support/process.ts';
import { PROGRAM } from '../support/program.ts';
import { run } from '../support/run.ts';
import { otherFilesOf, rowsOf } from '../support/state.ts';

/** Large enough that SQLite has to write pages before it commits: its cache has 16 MB. */
async function largeDirectory(): Promise<string> {
  const dir = await unpacked('0.6.3-purge-off');
  enlargeDocuments(dir, 4_000, 2_000);
  missingFullTextRows(dir, 3);
  return dir;
}

interface Started {
  readonly process: ChildProcess;
  readonly ended: Promise<{ readonly exitCode: number | null; readonly stderr: string }>;
}

function start(argv: readonly string[]): Started {
  const child = spawn(process.execPath, [PROGRAM, ...argv], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  return { process: child, ended: once(child, 'close').then(([exitCode]) => ({ exitCode, stderr })) };
}

/** Waits until pages of the old index are overwritten: from then on the journal is needed to get it back. */
async function isWriting(dir: string, { ended }: Started): Promise<void> {
  const over = ended.then(() => 'over' as const);
  while ((await Promise.race([over, delay(2)])) !== 'over') {
    const size = statSync(`${databaseOf(dir)}-journal`, { throwIfNoEntry: false })?.size ?? 0;
    if (size > 0 && readJournalState(databaseOf(dir)) === 'hot') return;
  }
  throw new Error('the work was over before it could be caught');
}

describe('a rebuild of the full-text index', () => {
  it('that is killed with its child leaves the old index behind a hot journal, and the next run goes on', async () => {
    const dir = await largeDirectory();
    const [rows, others, files, hits] = [rowsOf(dir), othersOf(dir), otherFilesOf(dir), hitsOf(dir)];
    const started = start(['fts', 'rebuild', dir, '--yes']);
    await isWriting(dir, started);
    const [child = 0] = childrenOf(started.process.pid ?? 0);
    for (const pid of [child, started.process.pid ?? 0]) process.kill(pid, 'SIGKILL');
    await started.ended;

    expect((await run(['fts', 'rebuild', dir, '--yes'])).exitCode).toBe(12);
    const again = await run(['fts', 'rebuild', dir, '--yes', '--recover-journal', '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ journalRecovered: true, before: { missing: 3 }, changed: true });
    expect(rowsOf(dir)).not.toEqual(rows);
    expect(othersOf(dir)).toEqual(others);
    expect(otherFilesOf(dir)).toEqual(files);
    expect(hitsOf(dir)).toEqual(hits);
    expect(faultsOf(dir)).toEqual([]);
  });

  it('that is interrupted leaves the old index, and says so', async () => {
    const dir = await largeDirectory();
    const [rows, files] = [rowsOf(dir), otherFilesOf(dir)];
    const started = start(['fts', 'rebuild', dir, '--yes', '--json']);
    await isWriting(dir, started);
    started.process.kill('SIGINT');
    const { exitCode, stderr } = await started.ended;
    expect(exitCode, stderr).toBe(130);
    expect(JSON.parse(stderr.trim().split('\n').at(-1) ?? '')).toMatchObject({
      code: 'INTERRUPTED',
      state: 'nothing was changed',
      changed: false,
    });
    expect(rowsOf(dir)).toEqual(rows);
    expect(otherFilesOf(dir)).toEqual(files);
  });
});

it('a merge that runs out of time leaves the index as it was', async () => {
  const dir = await largeDirectory();
  const rows = rowsOf(dir);
  const { exitCode, stderr } = await run(['fts', 'optimize', dir, '--yes', '--timeout', '0s', '--json']);
  expect([exitCode, JSON.parse(stderr)]).toEqual([1, expect.objectContaining({ state: 'nothing was changed' })]);
  expect(rowsOf(dir)).toEqual(rows);
});
