/**
 * A disk that really fills up: a small tmpfs in a mount namespace of its own, with the guard on free space told that
 * there is plenty, so that SQLite itself runs into the wall.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { enlarge } from '../support/enlarge.ts';
import { temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { otherFilesOf, seqIdsOf, withDatabase } from '../support/state.ts';
import { UNGUARDED } from '../support/unguarded.ts';

/** $1 the directory, $2 a mount point, $3 the tmpfs size, $4 where the result goes; then node and its arguments. */
const ON_SMALL_DISK = `
  source=$1 disk=$2 size=$3 result=$4; shift 4
  mount -t tmpfs -o size="$size" none "$disk" && cp -a "$source" "$disk/persist" || exit 99
  (cd "$disk" && SQLITE_TMPDIR="$disk" "$@"); code=$?
  cp -a "$disk/persist" "$result"; exit $code`;

interface Outcome {
  readonly status: number | null;
  readonly stderr: string;
  /** A copy of the directory as it was afterwards. */
  readonly after: string;
}

function onSmallDisk(dir: string, spareKiB: number, argv: readonly string[]): Outcome {
  const scratch = temporaryDirectory();
  const [disk, after] = [join(scratch, 'disk'), join(scratch, 'after')];
  mkdirSync(disk);
  const usedKiB = Number(execFileSync('du', ['-sk', '--apparent-size', dir], { encoding: 'utf8' }).split('\t')[0]);
  const node = [process.execPath, '--input-type=module', '-e', UNGUARDED, ...argv, '--json'];
  const shell = ['sh', '-c', ON_SMALL_DISK, 'sh', dir, disk, `${usedKiB + spareKiB}k`, after];
  const { status, stderr } = spawnSync('unshare', ['--map-root-user', '--mount', ...shell, ...node], {
    encoding: 'utf8',
  });
  return { status, stderr, after };
}

describe('a disk that fills up', () => {
  it('during the delete leaves every row in place', async () => {
    const dir = await unpacked('0.5.5');
    const ids = seqIdsOf(dir);
    const { status, stderr, after } = onSmallDisk(dir, 64, ['prune', 'persist', '--yes']);
    expect(status, stderr).toBe(15);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'NO_SPACE', changed: false });
    expect(seqIdsOf(after)).toEqual(ids);
    expect(withDatabase(after, (db) => db.pragma('integrity_check', { simple: true }))).toBe('ok');
  });

  it('while a new file is written leaves everything as it was, and no file behind', async () => {
    const dir = await unpacked('0.5.5');
    enlarge(dir, 'drafts', 2_000, 1_536);
    const [ids, files] = [seqIdsOf(dir), otherFilesOf(dir)];
    const { status, stderr, after } = onSmallDisk(dir, 6_000, ['vacuum', 'persist', '--yes', '--mode', 'rebuild']);
    expect(status, stderr).toBe(15);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'NO_SPACE', changed: false, state: 'nothing was changed' });
    expect(seqIdsOf(after)).toEqual(ids);
    expect(otherFilesOf(after)).toEqual(files);
    expect(readdirSync(after).toSorted()).toEqual(readdirSync(dir).toSorted());
  });

  it('during VACUUM leaves what the prune left, and says so', async () => {
    const dir = await unpacked('0.5.5');
    enlarge(dir, 'drafts', 2_000, 1_536);
    const ids = seqIdsOf(dir);
    const { status, stderr, after } = onSmallDisk(dir, 6_000, [
      'vacuum',
      'persist',
      '--yes',
      '--mode',
      'in-place',
      '--min-reclaim',
      '0',
    ]);
    expect(status, stderr).toBe(15);
    expect(JSON.parse(stderr)).toMatchObject({
      code: 'NO_SPACE',
      changed: true,
      state: expect.stringContaining('deleted, which is safe'),
    });
    expect(seqIdsOf(after).length).toBeLessThan(ids.length);
    expect(seqIdsOf(after).at(-1)).toBe(ids.at(-1));
    expect(withDatabase(after, (db) => db.pragma('integrity_check', { simple: true }))).toBe('ok');
  });
});
