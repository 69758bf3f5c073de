/** Other processes that tests need at a directory. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { PROGRAM } from './program.ts';

export const SQLITE = createRequire(import.meta.url).resolve('better-sqlite3');

/** Starts a process that runs `script` and waits until it says that it is there. `prefix` is what it is run by. */
export async function startedProcess(script: string, prefix: readonly string[] = []): Promise<ChildProcess> {
  const lasting = `${script}; console.log('there'); setInterval(() => undefined, 1000)`;
  const [command, ...argv] = [...prefix, process.execPath, '-e', lasting];
  const child = spawn(command, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout ?? child, 'data');
  return child;
}

export function holdingOpen(path: string): Promise<ChildProcess> {
  return startedProcess(`require('node:fs').openSync(${JSON.stringify(path)}, 'r')`);
}

export function inTransaction(path: string, begin: string): Promise<ChildProcess> {
  return startedProcess(
    `globalThis.db = new (require(${JSON.stringify(SQLITE)}))(${JSON.stringify(path)}); db.exec(${JSON.stringify(begin)})`,
  );
}

/** What a command line with `--json` ended with after a signal, and said of it. */
export interface EndedBySignal {
  readonly exitCode: number;
  readonly code: string;
  readonly message: string;
  readonly state: string;
}

/** Starts a command and sends the signal as soon as `isThere`, which has to come before the command ends. */
export async function endedWhen(
  argv: readonly string[],
  signal: NodeJS.Signals,
  isThere: () => boolean,
): Promise<EndedBySignal> {
  const child = spawn(process.execPath, [PROGRAM, ...argv, '--json'], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const ended = once(child, 'close').then(([exitCode]) => exitCode as number);
  while (!isThere() && child.exitCode === null) await delay(1);
  child.kill(signal);
  const exitCode = await ended;
  return { ...(JSON.parse(stderr) as Omit<EndedBySignal, 'exitCode'>), exitCode };
}

/** Processes that `pid` has started and that it has not waited for; none where it has ended. */
export function childrenOf(pid: number): readonly number[] {
  try {
    const words = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    return words.filter((word) => word !== '').map(Number);
  } catch {
    return [];
  }
}

/** Starts a command line, kills it with its working process after `ms`, and returns how long it took to end. */
export function killedAfter(argv: readonly string[], ms: number): Promise<number> {
  return killedOnce(argv, () => delay(ms));
}

/** The same as soon as `isTime`, and `ms` later. */
export function killedWhen(argv: readonly string[], isTime: () => boolean, ms: number): Promise<number> {
  return killedOnce(argv, async (isOver) => {
    while (!isTime() && !isOver()) await delay(1);
    await delay(ms);
  });
}

async function killedOnce(
  argv: readonly string[],
  moment: (isOver: () => boolean) => Promise<unknown>,
): Promise<number> {
  const started = performance.now();
  const parent = spawn(process.execPath, [PROGRAM, ...argv], { stdio: 'ignore' });
  const ended = once(parent, 'close');
  await Promise.race([moment(() => parent.exitCode !== null), ended]);
  const children = childrenOf(parent.pid ?? 0);
  for (const pid of [...children, parent.pid ?? 0]) kill(pid);
  await ended;
  while (children.some(isAlive)) await delay(2);
  return performance.now() - started;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It had ended by itself.
  }
}

/**
 * When all threads are zombies, the process has closed its files and dropped its locks, however long its new parent takes
 * to notice. The first thread alone says nothing: the others may still be ending.
 */
function isAlive(pid: number): boolean {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return threads.some((thread) => !readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8').includes(') Z '));
  } catch {
    return false;
  }
}
