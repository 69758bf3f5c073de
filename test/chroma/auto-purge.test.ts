/** Chroma's own purge, switched off and on by the program: Chroma starts with it, and purges as it was told. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/fixtures.ts';
import { seqIdsOf, withDatabase } from '../support/state.ts';
import { finished, lastLines, printed } from './processes.ts';
import { pythonOf, VERSIONS } from './support.ts';

const PURGING = fileURLToPath(new URL('purging.py', import.meta.url));
const MANY = 60;
/** One of each generation and way to store the setting; all that this run has an environment of. */
const CASES = ['0.5.13', '0.5.23', '0.6.3', '1.0.12', '1.4.1', '1.5.9'].filter((each) => VERSIONS.includes(each));

async function chroma(version: string, verb: 'write' | 'off', dir: string): Promise<string> {
  const { exitCode, stdout, stderr } = await finished(pythonOf(version), [PURGING, verb, dir]);
  expect(exitCode, `Chroma ${version}: ${lastLines(stderr)}`).toBe(0);
  return stdout.trim();
}

function settingIn(dir: string): readonly unknown[] {
  return withDatabase(dir, (db) => db.prepare('SELECT id, config_json_str FROM embeddings_queue_config').raw().all());
}

describe.each(CASES)('auto-purge of Chroma %s', (version) => {
  it('is off and on as the program has set it, in the words of Chroma itself', async () => {
    const dir = join(temporaryDirectory(), 'persist');
    const set = (command: readonly string[], to: string): Promise<string> =>
      printed([...command, dir, '--auto-purge', to, '--chroma-version', version, '--yes']);
    expect(await chroma(version, 'write', dir)).toBe(String(MANY));
    const [on, purged] = [settingIn(dir), seqIdsOf(dir)];
    expect(purged.length).toBeLessThan(MANY);

    await set(['wal', 'config'], 'off');
    const off = settingIn(dir);
    expect(JSON.stringify(off, text)).toBe(JSON.stringify(on, text).replace('true', 'false'));
    expect(await chroma(version, 'write', dir)).toBe(String(2 * MANY));
    expect(settingIn(dir)).toEqual(off);
    const kept = seqIdsOf(dir);
    expect(kept.slice(0, purged.length)).toEqual(purged);
    expect(kept.length).toBe(purged.length + MANY);

    await set(['wal', 'config'], 'on');
    expect(settingIn(dir)).toEqual(on);
    await set(['wal', 'config'], 'off');
    await set(['vacuum', '--min-reclaim', '0'], 'on');
    expect(settingIn(dir)).toEqual(on);
    expect(await chroma(version, 'write', dir)).toBe(String(3 * MANY));
    expect(settingIn(dir)).toEqual(on);
    expect(seqIdsOf(dir).length).toBeLessThan(MANY);
  });

  it.runIf(version.startsWith('0.'))('is off in the words in which Chroma switches it off', async () => {
    const dir = join(temporaryDirectory(), 'persist');
    await chroma(version, 'off', dir);
    const theirs = settingIn(dir);
    expect(theirs).toHaveLength(1);
    for (const to of ['on', 'off']) {
      await printed(['wal', 'config', dir, '--auto-purge', to, '--chroma-version', version, '--yes']);
    }
    expect(settingIn(dir)).toEqual(theirs);
  });
});

function text(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
