/** Other processes that tests need at a directory. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { onTestFinished } from 'vitest';

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

/** Processes that `pid` has started and that it has not waited for; none where it has ended. */
export function childrenOf(pid: number): readonly number[] {
  try {
    const words = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    return words.filter((word) => word !== '').map(Number);
  } catch {
    return [];
  }
}
