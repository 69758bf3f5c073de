/**
 * One command as a whole process: how long it takes, and what it takes of memory and disk meanwhile.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SAMPLE_MS = 20;

/**
 * @typedef {object} Measured
 * @property {number} exitCode
 * @property {number} seconds wall time
 * @property {number} rssBytes largest resident memory of any one process, mapped files included
 * @property {number} anonBytes largest anonymous memory of any one process, sampled
 * @property {number} writtenBytes what all processes wrote to disk
 * @property {number} extraBytes most disk used beyond what was there before, sampled: files without a name count too
 * @property {string} output
 */

/**
 * Runs `argv` in `directory`, which is all that it may write to beside its temporary files.
 * @param {readonly string[]} argv
 * @param {string} directory
 * @param {string} [input]
 * @returns {Promise<Measured>}
 */
export async function measure(argv, directory, input = '') {
  const scratch = mkdtempSync(join(tmpdir(), 'chroma-maint-bench-'));
  const figures = join(scratch, 'figures');
  const temporary = mkdtempSync(join(scratch, 'tmp-'));
  const environment = { ...process.env, TMPDIR: temporary, SQLITE_TMPDIR: temporary, ANONYMIZED_TELEMETRY: 'False' };
  const before = usedBytes([directory, temporary]);
  const started = performance.now();
  const child = spawn('/usr/bin/time', ['-o', figures, '-f', '%M %O', ...argv], { env: environment, detached: true });
  let output = '';
  child.stdout.on('data', (data) => (output += data));
  child.stderr.on('data', (data) => (output += data));
  child.stdin.end(input);
  let [anonBytes, extraBytes] = [0, 0];
  const sampler = setInterval(() => {
    const processes = processesOf(child.pid ?? 0);
    anonBytes = Math.max(anonBytes, ...processes.map(anonymousBytes));
    extraBytes = Math.max(extraBytes, usedBytes([directory, temporary]) - before);
  }, SAMPLE_MS);
  const exitCode = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? -1));
  });
  const seconds = (performance.now() - started) / 1000;
  clearInterval(sampler);
  const [kilobytes = 0, blocks = 0] = (readFileSync(figures, 'utf8').trim().split('\n').at(-1) ?? '')
    .split(' ')
    .map(Number);
  rmSync(scratch, { recursive: true, force: true });
  return { exitCode, seconds, rssBytes: kilobytes * 1024, anonBytes, writtenBytes: blocks * 512, extraBytes, output };
}

/** Bytes in use on the file systems of `directories`: nothing else may write there meanwhile. */
function usedBytes(directories) {
  const byDevice = new Map(directories.map((directory) => [statSync(directory).dev, directory]));
  return [...byDevice.values()].reduce((sum, directory) => {
    const { blocks, bfree, bsize } = statfsSync(directory);
    return sum + (blocks - bfree) * bsize;
  }, 0);
}

/** The process and all below it. */
function processesOf(pid) {
  const children = read(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean);
  return [pid, ...children.flatMap((child) => processesOf(Number(child)))];
}

function anonymousBytes(pid) {
  return Number(/^RssAnon:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
