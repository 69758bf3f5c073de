/** No false alarms: directories that real Chroma has just worked on, and one that it is working on. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../support/fixtures.ts';
import { finished, lastLines, program } from './processes.ts';
import { pythonOf, VERSIONS } from './support.ts';

const WORK = fileURLToPath(new URL('work.py', import.meta.url));
const BUSY = fileURLToPath(new URL('busy.py', import.meta.url));
const WORKS = 13;
const LOOKS = 6;

/** Up to 0.4.24 Chroma leaves the full-text rows of records that are deleted one by one, which clean takes. */
const OF_DELETED_RECORDS = 'orphan-full-text';

interface Checked {
  readonly findings: readonly { readonly id: string; readonly severity: string; readonly message: string }[];
}

/** What a check finds that wants somebody. */
async function alarms(directory: string, ...options: readonly string[]): Promise<readonly string[]> {
  const { exitCode, stdout, stderr } = await program(['check', directory, ...options, '--json']);
  expect([0, 3], lastLines(stderr)).toContain(exitCode);
  const { findings } = JSON.parse(stdout) as Checked;
  return findings
    .filter(({ severity, id }) => severity !== 'info' && id !== OF_DELETED_RECORDS)
    .map(({ id, message }) => `${id}: ${message}`);
}

describe.each(VERSIONS)('what Chroma %s leaves in the middle of its work', (version) => {
  it('is found sound', async () => {
    const root = temporaryDirectory();
    const { exitCode, stderr } = await finished(pythonOf(version), [WORK, root]);
    expect(exitCode, lastLines(stderr)).toBe(0);
    const names = readdirSync(root);
    expect(names).toHaveLength(WORKS);
    for (const name of names) {
      expect(await alarms(join(root, name)), name).toEqual([]);
      expect(await alarms(join(root, name), '--deep'), name).toEqual([]);
    }
  });
});

describe.each(['0.5.5', '0.6.3', '1.5.9'])('Chroma %s that never stops writing', (version) => {
  it('is found sound each time, and a deep check beside it has to be allowed', async () => {
    const directory = join(temporaryDirectory(), 'persist');
    const writer = spawn(pythonOf(version), [BUSY, 'write', directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void writer.kill('SIGKILL'));
    const seen = { acknowledged: 0 };
    createInterface({ input: writer.stdout }).on('line', (line) => {
      seen.acknowledged = Number(line);
    });
    while (seen.acknowledged < 300) await delay(50);
    const refused = await program(['check', directory, '--deep']);
    expect(refused).toMatchObject({ exitCode: 11, stderr: expect.stringContaining(`pid ${writer.pid} `) });
    const before = seen.acknowledged;
    for (let look = 0; look < LOOKS; look += 1) {
      expect(await alarms(directory)).toEqual([]);
      expect(await alarms(directory, '--deep', '--while-running')).toEqual([]);
    }
    expect(seen.acknowledged).toBeGreaterThan(before);
  });
});
