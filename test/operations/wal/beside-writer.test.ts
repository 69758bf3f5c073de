/**
 * wal list and wal export beside a process that commits rows all the time: they end, have every row up to where the queue
 * ended when they began, and do not keep it from committing.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { databaseOf } from '../../support/damage.ts';
import { enlarge } from '../../support/enlarge.ts';
import { temporaryDirectory, unpacked } from '../../support/fixtures.ts';
import { SQLITE, startedProcess } from '../../support/process.ts';
import { PROGRAM } from '../../support/program.ts';
import { seqIdsOf } from '../../support/state.ts';
import { exportedIn, listedIn } from '../../support/wal.ts';

const INSERT = `
  INSERT INTO embeddings_queue (operation, topic, id, vector, encoding, metadata)
  SELECT operation, topic, id, vector, encoding, metadata FROM embeddings_queue WHERE seq_id = 1`;

/**
 * A process that adds one row after the other, each in a transaction of its own, and waits for locks as Chroma does. The
 * pause is as short as it can be: without one no reader would ever get in where the machine is busy.
 */
async function writingAllTheTime(dir: string): Promise<void> {
  await startedProcess(`
    const db = new (require(${JSON.stringify(SQLITE)}))(${JSON.stringify(databaseOf(dir))}, { timeout: 1_000_000 });
    db.pragma('synchronous = OFF');
    const insert = db.prepare(${JSON.stringify(INSERT)});
    const write = () => { insert.run(); setTimeout(write, 1); };
    write()`);
}

interface Watched {
  readonly exitCode: number;
  readonly stdout: string;
  /** Last seq_ids: before it was started, when it had something to show, and when it had ended. */
  readonly before: bigint;
  readonly during: bigint;
  readonly after: bigint;
}

/** Runs a command; `isUnderWay` is asked for whether it has begun to write into a file. */
async function watched(dir: string, argv: readonly string[], isUnderWay: () => boolean): Promise<Watched> {
  const last = (): bigint => seqIdsOf(dir).at(-1) ?? 0n;
  const before = last();
  const child = spawn(process.execPath, [PROGRAM, ...argv], { stdio: ['ignore', 'pipe', 'inherit'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (data: Buffer) => void chunks.push(data));
  const ended = once(child, 'close');
  while (chunks.length === 0 && !isUnderWay() && child.exitCode === null) await delay(1);
  const during = last();
  const [exitCode] = (await ended) as [number];
  return { exitCode, stdout: Buffer.concat(chunks).toString('utf8'), before, during, after: last() };
}

it.each(['list', 'export', 'export -o'])('wal %s', async (verb) => {
  const dir = await unpacked('0.5.5');
  enlarge(dir, 'drafts', 20_000, 256);
  const file = join(temporaryDirectory(), 'wal.jsonl');
  const options = { list: ['list', dir, '--json'], export: ['export', dir], 'export -o': ['export', dir, '-o', file] };
  await writingAllTheTime(dir);
  const unfinished = join(file, '..', '.wal.jsonl.chroma-maint-unfinished');
  const isUnderWay = (): boolean => (statSync(unfinished, { throwIfNoEntry: false })?.size ?? 0) > 0;
  const run = await watched(dir, ['wal', ...options[verb as keyof typeof options]], isUnderWay);
  expect(run.exitCode).toBe(0);
  const seqIds =
    verb === 'list'
      ? listedIn(run.stdout)
          .map(({ seqId }) => BigInt(seqId))
          .toReversed()
      : exportedIn(verb === 'export' ? run.stdout : readFileSync(file, 'utf8')).map((row) => BigInt(row.seq_id));
  const end = seqIds.at(-1) ?? 0n;
  expect(seqIds).toEqual(seqIdsOf(dir).filter((seqId) => seqId <= end));
  expect(end).toBeGreaterThanOrEqual(run.before);
  expect(end).toBeLessThanOrEqual(run.during);
  expect(run.after).toBeGreaterThan(run.during);
});
