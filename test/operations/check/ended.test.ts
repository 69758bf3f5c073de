/**
 * A deep check that is ended by Ctrl-C, SIGTERM or --timeout, in real processes: nothing changes, nothing stays.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { enlarge } from '../../support/enlarge.ts';
import { unpacked } from '../../support/fixtures.ts';
import { childrenOf } from '../../support/process.ts';
import { PROGRAM } from '../../support/program.ts';
import { run } from '../../support/run.ts';
import { bytesOf } from '../../support/state.ts';

/** Large enough that a deep check of it can be met in the middle: 180 MB. */
async function largeDirectory(): Promise<string> {
  const dir = await unpacked('0.5.5');
  enlarge(dir, 'drafts', 30_000, 1_536);
  return dir;
}

it.each(['SIGINT', 'SIGTERM'] as const)('%s ends the working process, and nothing was changed', async (signal) => {
  const dir = await largeDirectory();
  const before = bytesOf(dir);
  const child = spawn(process.execPath, [PROGRAM, 'check', dir, '--deep', '--json'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const ended = once(child, 'close').then(([exitCode]) => exitCode as number);
  while (childrenOf(child.pid ?? 0).length === 0 && child.exitCode === null) await delay(1);
  const workers = childrenOf(child.pid ?? 0);
  child.kill(signal);
  expect(await ended).toBe(130);
  expect(JSON.parse(stderr)).toMatchObject({ code: 'INTERRUPTED', exitCode: 130, state: 'nothing was changed' });
  expect(workers).toHaveLength(1);
  for (const pid of workers) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  expect(bytesOf(dir)).toEqual(before);
});

it('--timeout ends it with an error that says so', async () => {
  const dir = await largeDirectory();
  const before = bytesOf(dir);
  const { exitCode, stdout, stderr } = await run(['check', join(dir, '.'), '--deep', '--timeout', '0s']);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).toMatch(/--timeout is over[\s\S]*nothing was changed/);
  expect(bytesOf(dir)).toEqual(before);
});
