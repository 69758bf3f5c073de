/** Snapshots of a directory that Chroma is writing to, with an index that it saves every hundred writes. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../support/fixtures.ts';
import { printed, program } from './processes.ts';
import { pythonOf } from './support.ts';

const BUSY = fileURLToPath(new URL('busy.py', import.meta.url));
const BATCH = 20;
const SNAPSHOTS = 6;

interface Seen {
  readonly records: number;
  readonly isWhole: boolean;
  readonly wrong: readonly string[];
}

interface Checked {
  readonly before: Readonly<Record<'often' | 'never', Seen>>;
  readonly after: Readonly<Record<'often' | 'never', Seen>>;
}

interface Writer {
  readonly pid: number;
  readonly acknowledged: () => number;
  readonly stop: () => Promise<void>;
}

/** Starts a Chroma that writes until the test is over, and tells what it has acknowledged. */
function startWriting(directory: string, version: string): Writer {
  const child = spawn(pythonOf(version), [BUSY, 'write', directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let last = 0;
  createInterface({ input: child.stdout }).on('line', (line) => {
    last = Number(line);
  });
  return {
    pid: child.pid ?? 0,
    acknowledged: () => last,
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'close');
    },
  };
}

function check(directory: string, version: string): Checked {
  return JSON.parse(execFileSync(pythonOf(version), [BUSY, 'check', directory], { encoding: 'utf8' })) as Checked;
}

describe.each(['0.5.5', '0.6.3', '1.5.9'])('Chroma %s that never stops writing', (version) => {
  it('is in every snapshot with all that it had acknowledged, and goes on from a restored one', async () => {
    const directory = join(temporaryDirectory(), 'persist');
    const repository = join(temporaryDirectory(), 'repository');
    const writer = startWriting(directory, version);
    const promised: { readonly id: string; readonly acknowledged: number }[] = [];
    while (writer.acknowledged() < 300) await delay(50);
    for (let count = 0; count < SNAPSHOTS; count += 1) {
      const acknowledged = writer.acknowledged();
      const create = ['backup', 'create', directory, '--to', repository, '--wait', '30s', '--json'];
      const { snapshot, wasInUse } = JSON.parse(await printed(create)) as {
        snapshot: { id: string };
        wasInUse: boolean;
      };
      expect(wasInUse).toBe(true);
      promised.push({ id: snapshot.id, acknowledged });
      await delay(200);
    }
    await printed(['backup', 'verify', repository, '--all', '--full']);
    for (const { id, acknowledged } of promised) {
      const target = join(temporaryDirectory(), 'restored');
      await printed(['backup', 'restore', id, '--from', repository, '--to', target]);
      const { before, after } = check(target, version);
      for (const name of ['often', 'never'] as const) {
        expect(before[name]).toMatchObject({ isWhole: true, wrong: [] });
        expect(before[name].records).toBeGreaterThanOrEqual(acknowledged);
        expect(after[name]).toMatchObject({ records: before[name].records + BATCH, isWhole: true, wrong: [] });
      }
    }
    expect(promised.at(-1)?.acknowledged).toBeGreaterThan(promised[0]?.acknowledged ?? 0);
  });

  it('is not disturbed by what needs it to be stopped: that is refused with its pid, at once and after a wait', async () => {
    const directory = join(temporaryDirectory(), 'persist');
    const writer = startWriting(directory, version);
    while (writer.acknowledged() < 300) await delay(50);
    const before = writer.acknowledged();
    for (const options of [['prune'], ['vacuum'], ['scrub'], ['clean', '--wait', '2s'], ['vacuum', '--wait', '2s']]) {
      const { exitCode, stderr } = await program([...options, '--path', directory, '--yes', '--json', '--quiet']);
      expect(exitCode, stderr).toBe(11);
      expect(JSON.parse(stderr)).toMatchObject({ code: 'IN_USE', changed: false, state: 'nothing was changed' });
      expect(stderr).toContain(`pid ${writer.pid} `);
    }
    const acknowledged = writer.acknowledged();
    expect(acknowledged).toBeGreaterThan(before);
    await writer.stop();
    const { after } = check(directory, version);
    for (const name of ['often', 'never'] as const) {
      expect(after[name]).toMatchObject({ isWhole: true, wrong: [] });
      expect(after[name].records).toBeGreaterThanOrEqual(acknowledged);
    }
  });
});
