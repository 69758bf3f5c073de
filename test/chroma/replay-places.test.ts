/** docs/examples/replay.py as far as it goes without a Chroma: what --to may name. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { run } from '../support/run.ts';
import { topicOf } from '../support/wal.ts';

const REPLAY = fileURLToPath(new URL('../../docs/examples/replay.py', import.meta.url));

it.each([
  ['an id that is not in the export', () => ['nobody=notes'], 'names nobody, which the export has not; it has: '],
  ['a name', () => ['drafts=notes'], 'names drafts, which the export has not'],
  ['one collection twice', (id: string) => [`${id}=one`, `${id}=two`], 'names a collection twice: '],
  ['one place twice', (id: string) => [`${id}=one`, 'other=one'], 'place twice: default_tenant/default_database/one'],
])('replay.py refuses --to with %s before it writes', async (_, placesOf, words) => {
  const dir = await unpacked('0.5.5');
  const place = temporaryDirectory();
  const file = join(place, 'wal.jsonl.gz');
  expect(await run(['wal', 'export', dir, '-o', file])).toMatchObject({ exitCode: 0 });
  const id = topicOf(dir, 'drafts').split('/').at(-1) ?? '';
  const target = join(place, 'restored');
  const argv = [REPLAY, file, target, ...placesOf(id).map((each) => `--to=${each}`)];
  const { status, stderr } = spawnSync('python3', argv, { encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^replay: --to /);
  expect(stderr).toContain(words);
  expect(existsSync(target)).toBe(false);
});
