/**
 * A repository on a disk that really fills up: a small tmpfs, with the guard on free space told that there is plenty.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { create, newRepository } from '../support/backup.ts';
import { temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { UNGUARDED } from '../support/unguarded.ts';
import { bytesOf } from '../support/state.ts';

/** $1 a mount point, $2 its size; then node and its arguments. Prints what is left on the small disk. */
const ON_SMALL_DISK = `
  disk=$1 size=$2; shift 2
  mount -t tmpfs -o size="$size" none "$disk" || exit 99
  "$@"; code=$?
  find "$disk" -mindepth 2 -not -name lock.sqlite3 -not -name chroma-maint-repository.json; exit $code`;

function onSmallDisk(disk: string, size: string, argv: readonly string[]): ReturnType<typeof spawnSync> {
  const node = [process.execPath, '--input-type=module', '-e', UNGUARDED, ...argv, '--json'];
  const shell = ['sh', '-c', ON_SMALL_DISK, 'sh', disk, size, ...node];
  return spawnSync('unshare', ['--map-root-user', '--mount', ...shell], { encoding: 'utf8' });
}

it('a snapshot for which there is no room leaves nothing half-made', async () => {
  const dir = await unpacked('0.5.5');
  const before = bytesOf(dir);
  const disk = join(temporaryDirectory(), 'disk');
  mkdirSync(disk);
  const { status, stdout, stderr } = onSmallDisk(disk, '1200k', ['backup', 'create', dir, '--to', join(disk, 'repo')]);
  expect(status, String(stderr)).toBe(15);
  expect(JSON.parse(String(stderr))).toMatchObject({ code: 'NO_SPACE', changed: false });
  expect(stdout).toBe('');
  expect(bytesOf(dir)).toEqual(before);
});

it('a restore for which there is no room leaves nothing half-made', async () => {
  const repository = newRepository();
  await create(await unpacked('0.5.5'), repository);
  const disk = join(temporaryDirectory(), 'disk');
  mkdirSync(disk);
  const argv = ['backup', 'restore', 'latest', '--from', repository, '--to', join(disk, 'restored')];
  const { status, stdout, stderr } = onSmallDisk(disk, '1200k', argv);
  expect(status, String(stderr)).toBe(15);
  expect(JSON.parse(String(stderr))).toMatchObject({ code: 'NO_SPACE', changed: false });
  expect(stdout).toBe('');
});
