/**
 * What can happen to a repository: two runs at once, no room, no right to write, a clock set back, a run that was killed.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Host } from '../../src/host/host.ts';
import {
  create,
  createArgv,
  namesIn,
  newRepository,
  NOTHING,
  refusal,
  restoreArgv,
  toTheMillisecond,
} from '../support/backup.ts';
import { temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { inTransaction } from '../support/process.ts';
import { PROGRAM, unprivileged } from '../support/program.ts';
import { run } from '../support/run.ts';
import { bytesOf } from '../support/state.ts';

/** A machine whose clock stands still. */
function at(time: string): Partial<Host> {
  return { now: () => new Date(time) };
}

describe('a repository', () => {
  it('lets one run write at a time, and names the other one', async () => {
    const dir = await unpacked('0.5.5');
    const repository = newRepository();
    await create(dir, repository);
    const other = await inTransaction(join(repository, 'lock.sqlite3'), 'BEGIN EXCLUSIVE');
    for (const argv of [createArgv(dir, repository), ['backup', 'verify', repository]]) {
      const { code, details } = await refusal(argv);
      expect(code).toBe('IN_USE');
      expect(details[0]).toContain(`pid ${other.pid}`);
    }
    expect((await run(['backup', 'list', repository])).exitCode).toBe(0);
    // However it ends, its lock ends with it.
    other.kill('SIGKILL');
    expect((await run([...createArgv(dir, repository), '--wait', '5s'])).exitCode).toBe(0);
  });

  it('has no room: refused before a byte is written', async () => {
    const repository = newRepository();
    const host = { freeBytes: () => Promise.resolve(100_000) };
    const { code, details } = await refusal(createArgv(await unpacked('0.5.5'), repository), host);
    expect(code).toBe('NO_SPACE');
    expect(details[0]).toContain('for the snapshot');
    expect(namesIn(repository)).toEqual(NOTHING);
  });

  it('that may not be written to can be verified and restored from', async () => {
    const dir = await unpacked('0.5.5');
    const repository = newRepository();
    await create(dir, repository);
    // Lost when it was copied to where it is now.
    rmSync(join(repository, 'lock.sqlite3'));
    const script = `mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"`;
    const readOnly = (...argv: readonly string[]): ReturnType<typeof spawnSync> =>
      spawnSync(
        'unshare',
        ['--map-root-user', '--mount', 'sh', '-c', script, 'sh', repository, process.execPath, PROGRAM, ...argv],
        { encoding: 'utf8' },
      );
    const verified = readOnly('backup', 'verify', repository, '--json');
    expect(verified.status, String(verified.stderr)).toBe(0);
    expect(JSON.parse(String(verified.stdout))).toMatchObject({ snapshots: [{ sound: true, recorded: false }] });
    const target = `${repository}-restored`;
    expect(readOnly(...restoreArgv(repository, target)).status).toBe(0);
    expect(toTheMillisecond(bytesOf(target))).toEqual(toTheMillisecond(bytesOf(dir)));
  });

  it('or a target that this user may not write to is refused', async () => {
    const dir = await unpacked('0.5.5');
    const repository = newRepository();
    await create(dir, repository);
    const closed = temporaryDirectory();
    for (const path of [repository, closed]) chmodSync(path, 0o555);
    const names = readdirSync(repository);
    for (const argv of [
      createArgv(dir, repository),
      createArgv(dir, join(closed, 'repo')),
      restoreArgv(repository, join(closed, 'restored')),
      ['backup', 'forget', repository, '--keep-last', '1', '--yes'],
    ]) {
      const ended = unprivileged(...argv, '--json');
      expect(ended.status, ended.stderr).toBe(19);
      expect(JSON.parse(ended.stderr)).toMatchObject({ code: 'NOT_WRITABLE', changed: false });
    }
    expect(readdirSync(repository)).toEqual(names);
    expect(readdirSync(closed)).toEqual([]);
    for (const path of [repository, closed]) chmodSync(path, 0o755);
  });

  it('goes on counting where the clock was set back', async () => {
    const dir = await unpacked('0.5.5');
    const repository = newRepository();
    await create(dir, repository, at('2026-11-21T03:00:00Z'));
    const second = await create(dir, repository, at('2026-11-20T03:00:00Z'));
    expect(second).toMatchObject({ clockSetBack: true, snapshot: { newBytes: 0 } });
    const { stdout } = await run(['backup', 'list', repository, '--json']);
    const { snapshots } = JSON.parse(stdout) as { snapshots: readonly { id: string; time: string }[] };
    expect(snapshots.map(({ time }) => time)).toEqual(['2026-11-21T03:00:00.000Z', '2026-11-20T03:00:00.000Z']);
    await run(['backup', 'forget', repository, '--keep-last', '1', '--yes']);
    expect(namesIn(repository).snapshots).toEqual([second.snapshot.name]);
  });

  it('removes what a run that was killed has left', async () => {
    const dir = await unpacked('0.5.5');
    const repository = newRepository();
    await create(dir, repository);
    mkdirSync(join(repository, '.unfinished-4711/data'), { recursive: true });
    expect((await run(['backup', 'list', repository])).stdout).toContain('1 snapshot ');
    await create(dir, repository);
    expect(namesIn(repository).others).toEqual([]);
  });
});
