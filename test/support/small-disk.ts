/**
 * A disk that really fills up: a small tmpfs in a mount namespace of its own, with the guard on free space told that
 * there is plenty, so that SQLite itself runs into the wall.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from './fixtures.ts';
import { UNGUARDED } from './unguarded.ts';

/** $1 the directory, $2 a mount point, $3 the spare KiB, $4 where the result goes; then node and its arguments. */
const ON_SMALL_DISK = `
  source=$1 disk=$2 spare=$3 result=$4; shift 4
  mount -t tmpfs -o size=256m none "$disk" && cp -a "$source" "$disk/persist" || exit 99
  used=$(df -k --output=used "$disk" | tail -1)
  mount -o remount,size="$((used + spare))k" "$disk" || exit 99
  (cd "$disk" && SQLITE_TMPDIR="$disk" "$@"); code=$?
  mount -o remount,size=256m "$disk"; cp -a "$disk/persist" "$result"; exit $code`;

interface Outcome {
  readonly status: number | null;
  readonly stderr: string;
  /** A copy of the directory as it was afterwards. */
  readonly after: string;
}

/** Runs `argv` with --json --quiet (what other users' processes have open cannot be seen from in there) beside a copy of `dir` named "persist", on a disk that has `spareKiB` more than it takes. */
export function onSmallDisk(dir: string, spareKiB: number, argv: readonly string[]): Outcome {
  const scratch = temporaryDirectory();
  const [disk, after] = [join(scratch, 'disk'), join(scratch, 'after')];
  mkdirSync(disk);
  const node = [process.execPath, '--input-type=module', '-e', UNGUARDED, ...argv, '--json', '--quiet'];
  const shell = ['sh', '-c', ON_SMALL_DISK, 'sh', dir, disk, String(spareKiB), after];
  const { status, stderr } = spawnSync('unshare', ['--map-root-user', '--mount', ...shell, ...node], {
    encoding: 'utf8',
  });
  return { status, stderr, after };
}
