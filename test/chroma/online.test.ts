/**
 * Pruning beside a real server that never rests: no request fails for it, and everything that was acknowledged is there
 * afterwards. `npm run test:online` does so for two minutes for each version, beside a twin that is not pruned.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../support/fixtures.ts';
import { AUTO_VACUUM, pagesOf } from '../support/incremental.ts';
import { killedAfter } from '../support/process.ts';
import { seqIdsOf, withDatabase } from '../support/state.ts';
import { lastLines, printed, program } from './processes.ts';
import { pythonOf } from './support.ts';

const LOAD = fileURLToPath(new URL('load.py', import.meta.url));
const CLIENTS = 4;

/** How long each load lasts, and on which versions: short in every run, or as `npm run test:online` asks. */
const SECONDS = Number(process.env['CHROMA_TEST_ONLINE_SECONDS'] ?? 12);
const VERSIONS =
  process.env['CHROMA_TEST_ONLINE_SECONDS'] === undefined
    ? ['0.5.5', '1.5.9']
    : ['0.4.24', '0.5.5', '0.6.3', '1.0.12', '1.5.9'];

interface Pressed {
  readonly requests: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly wrong: readonly string[];
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Free pages for the server to fill and for the vacuum to give back. */
const HOLE_BYTES = 40 * 1024 * 1024;

const BESIDE = ['--while-running', '--yes', '--json', '--quiet'];

interface Pruned {
  readonly exitCode: number | null;
  readonly deleted: number;
  readonly longestLockMs: number;
  readonly stderr: string;
}

/** A server that can be killed and started again, under the same load. */
class Server {
  readonly directory = join(temporaryDirectory(), 'persist');
  readonly #version: string;
  readonly #port: number;
  #process: ChildProcess | null = null;

  constructor(version: string, port: number) {
    this.#version = version;
    this.#port = port;
    execFileSync(pythonOf(version), [LOAD, 'prepare', this.directory], { stdio: 'ignore' });
  }

  async start(): Promise<void> {
    const argv = [LOAD, 'serve', this.directory, String(this.#port)];
    this.#process = spawn(pythonOf(this.#version), argv, { stdio: 'ignore' });
    onTestFinished(() => void this.#process?.kill('SIGKILL'));
    while (!(await isListening(this.#port))) await delay(200);
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** Kills it between two saves: one that dies while it saves an index tears that by itself, whatever the log holds. */
  async killBetweenSaves(): Promise<void> {
    while (Date.now() - lastSave(this.directory) < STILL_MS) await delay(5);
    await this.kill();
  }

  /** Starts the load, and returns what its clients have seen once it is over. */
  press(seconds: number): Promise<{ readonly text: string; readonly seen: Pressed }> {
    const argv = [LOAD, 'press', String(this.#port), String(seconds), String(CLIENTS)];
    const child = spawn(pythonOf(this.#version), argv, { stdio: ['ignore', 'pipe', 'ignore'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    let text = '';
    child.stdout.on('data', (data: Buffer) => (text += data.toString()));
    return once(child, 'close').then(() => ({ text, seen: JSON.parse(text) as Pressed }));
  }

  /** What a new process finds in the directory, once the server is gone. */
  verify(acknowledged: string): { readonly records: number; readonly wrong: readonly string[] } {
    const argv = [LOAD, 'verify', this.directory];
    const { stdout, stderr } = spawnSync(pythonOf(this.#version), argv, { input: acknowledged, encoding: 'utf8' });
    if (stdout === '') throw new Error(`Chroma ${this.#version} cannot read it any more:\n${lastLines(stderr)}`);
    return JSON.parse(stdout) as { records: number; wrong: readonly string[] };
  }
}

/** An index that was written to so long ago is not in the middle of being written. */
const STILL_MS = 100;

/** When a file of an index was written last, in Unix milliseconds. */
function lastSave(directory: string): number {
  const files = readdirSync(directory, { withFileTypes: true, recursive: true }).filter(
    (entry) => entry.isFile() && entry.parentPath !== directory,
  );
  return Math.max(0, ...files.map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('there is no port');
  return address.port;
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function pruneOnce(directory: string): Promise<Pruned> {
  const { exitCode, stdout, stderr } = await program(['prune', directory, ...BESIDE]);
  if (exitCode !== 0 && exitCode !== 3) return { exitCode, deleted: 0, longestLockMs: 0, stderr };
  const { totals, online } = JSON.parse(stdout) as {
    totals: { deleted: number };
    online: { longestLockMs: number };
  };
  return { exitCode, deleted: totals.deleted, longestLockMs: online.longestLockMs, stderr };
}

/** Prunes again and again until `isOver`. */
async function pruneUntil(isOver: () => boolean, directory: string): Promise<readonly Pruned[]> {
  const runs: Pruned[] = [];
  while (!isOver()) runs.push(await pruneOnce(directory));
  return runs;
}

interface GivenBack {
  readonly exitCode: number | null;
  readonly bytes: number;
  readonly deleted: number;
  readonly longestLockMs: number;
  readonly stderr: string;
}

/** Prunes and gives pages back again and again until `isOver`. */
async function giveBackUntil(isOver: () => boolean, directory: string): Promise<readonly GivenBack[]> {
  const runs: GivenBack[] = [];
  while (!isOver()) {
    const argv = ['vacuum', directory, '--incremental', '--min-reclaim', '0', ...BESIDE];
    const { exitCode, stdout, stderr } = await program(argv);
    const { incremental, prune } = JSON.parse(exitCode === 0 ? stdout : '{}') as {
      incremental?: { bytes: number; longestLockMs: number };
      prune?: { totals: { deleted: number } };
    };
    const { bytes, longestLockMs } = incremental ?? { bytes: 0, longestLockMs: 0 };
    runs.push({ exitCode, bytes, deleted: prune?.totals.deleted ?? 0, longestLockMs, stderr });
  }
  return runs;
}

/** How long a server that was killed is let alone, so that clients come to work at all. */
const UP_MS = 2_500;

/** Kills a prune and the server by turns until `isOver`, and returns how the prunes ended beside a killed server. */
async function killingUntil(isOver: () => boolean, server: Server): Promise<readonly Pruned[]> {
  const runs: Pruned[] = [];
  for (let round = 0; !isOver(); round += 1) {
    const moment = 300 + ((round * 370) % 1500);
    await delay(UP_MS);
    await killedAfter(['prune', server.directory, '--while-running', '--yes', '--quiet'], moment);
    const run = pruneOnce(server.directory);
    await delay(moment);
    await server.killBetweenSaves();
    runs.push(await run);
    await server.start();
  }
  return runs;
}

function failuresOf({ failures }: Pressed): number {
  return Object.values(failures).reduce((sum, count) => sum + count, 0);
}

async function underLoad(
  version: string,
  isPruned: boolean,
): Promise<{ seen: Pressed; runs: readonly Pruned[]; rows: number }> {
  const server = new Server(version, await freePort());
  await server.start();
  let isOver = false;
  const load = server.press(SECONDS).finally(() => (isOver = true));
  const runs = isPruned ? await pruneUntil(() => isOver, server.directory) : [];
  const { text, seen } = await load;
  await server.kill();
  const rows = seqIdsOf(server.directory).length;
  expect(server.verify(text).wrong).toEqual([]);
  return { seen, runs, rows };
}

describe.each(VERSIONS)('Chroma %s under the load of four clients', (version) => {
  it('answers as well as a twin that is not pruned, and keeps everything', async () => {
    const pruned = await underLoad(version, true);
    const twin = await underLoad(version, false);
    const deleted = pruned.runs.reduce((sum, run) => sum + run.deleted, 0);
    const longest = Math.max(...pruned.runs.map(({ longestLockMs }) => longestLockMs));
    process.stdout.write(
      `${version}: ${pruned.seen.requests} requests, p50 ${pruned.seen.p50Ms} ms, p99 ${pruned.seen.p99Ms} ms; without pruning ${twin.seen.requests}, ${twin.seen.p50Ms} ms, ${twin.seen.p99Ms} ms. ${pruned.runs.length} prunes deleted ${deleted} rows, longest lock ${longest} ms\n`,
    );
    expect(pruned.runs.filter(({ exitCode }) => exitCode !== 0)).toEqual([]);
    expect(deleted).toBeGreaterThan(0);
    expect(pruned.seen.wrong).toEqual([]);
    expect(failuresOf(pruned.seen)).toBeLessThanOrEqual(failuresOf(twin.seen));
    expect(pruned.rows).toBeLessThan(twin.rows);
  });

  it('keeps everything where its file gets smaller meanwhile', async () => {
    const server = new Server(version, await freePort());
    await printed(['vacuum', server.directory, '--auto-vacuum', 'incremental', '--yes', '--quiet']);
    withDatabase(server.directory, (db) =>
      db.exec(`CREATE TABLE filled (a); INSERT INTO filled VALUES (zeroblob(${HOLE_BYTES})); DROP TABLE filled`),
    );
    await server.start();
    let isOver = false;
    const load = server.press(SECONDS).finally(() => (isOver = true));
    const runs = await giveBackUntil(() => isOver, server.directory);
    const { text, seen } = await load;
    await server.kill();
    const [bytes, longest] = [
      runs.reduce((sum, run) => sum + run.bytes, 0),
      Math.max(...runs.map((run) => run.longestLockMs)),
    ];
    process.stdout.write(
      `${version}: ${seen.requests} requests, p50 ${seen.p50Ms} ms, p99 ${seen.p99Ms} ms; ${runs.length} vacuums gave ${bytes} bytes back, longest lock ${longest} ms\n`,
    );
    expect(runs.filter(({ exitCode }) => exitCode !== 0)).toEqual([]);
    expect(bytes).toBeGreaterThan(HOLE_BYTES / 2);
    expect(seen).toMatchObject({ wrong: [], failures: {} });
    expect(pagesOf(server.directory)).toMatchObject({ setting: AUTO_VACUUM.incremental, integrity: 'ok' });
    expect(server.verify(text).wrong).toEqual([]);
    expect(pagesOf(server.directory).integrity).toBe('ok');
  });

  it('keeps everything where either side is killed at any moment', async () => {
    const server = new Server(version, await freePort());
    await server.start();
    let isOver = false;
    const load = server.press(SECONDS).finally(() => (isOver = true));
    const runs = await killingUntil(() => isOver, server);
    const { text, seen } = await load;
    await server.kill();
    expect(seen.requests).toBeGreaterThan(0);
    expect(server.verify(text).wrong).toEqual([]);
    // A server that dies in a transaction leaves a hot journal until it is back: 12, and nothing was changed.
    expect(runs.filter(({ exitCode }) => ![0, 3, 11, 12].includes(exitCode ?? 70))).toEqual([]);
  });
});
