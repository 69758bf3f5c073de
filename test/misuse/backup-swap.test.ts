/**
 * A restore that is to take the place of a directory.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Host, HolderScan } from '../../src/host/host.ts';
import { IDLE_CHROMA, NOBODY } from '../support/holders.ts';
import { create, newRepository, refusal, restoreArgv, toTheMillisecond } from '../support/backup.ts';
import * as damage from '../support/damage.ts';
import { temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { holdingOpen } from '../support/process.ts';
import { run } from '../support/run.ts';
import { bytesOf } from '../support/state.ts';

describe('a restore over a directory', () => {
  it('that a process has open is refused with its name', async () => {
    const dir = await unpacked('0.5.5');
    const repository = newRepository();
    await create(dir, repository);
    const before = bytesOf(dir);
    const holder = await holdingOpen(damage.pickleOf(dir, 'ledger'));
    const { code, details } = await refusal(restoreArgv(repository, dir, '--swap', '--yes'));
    expect(code).toBe('IN_USE');
    expect(details[0]).toContain(`pid ${holder.pid}`);
    expect(bytesOf(dir)).toEqual(before);
    expect(readdirSync(join(dir, '..'))).toEqual(['persist']);
  });

  it('where it is not certain that nobody has it open is refused', async () => {
    const dir = await unpacked('0.5.5');
    const repository = newRepository();
    await create(dir, repository);
    const host: Partial<Host> = {
      probeLease: () => 'unknown',
      holdersOfFile: () => ({ holders: [], unreadable: 3, isSupported: true, isWholeMachine: true }),
    };
    const { code, details } = await refusal(restoreArgv(repository, dir, '--swap', '--yes'), host);
    expect(code).toBe('IN_USE');
    expect(details[0]).toContain('3 processes');
    expect(readdirSync(join(dir, '..'))).toEqual(['persist']);
  });

  it('that somebody opens at the last moment is refused', async () => {
    const dir = await unpacked('0.5.5');
    const repository = newRepository();
    await create(dir, repository);
    const before = bytesOf(dir);
    // An index file: the lock on the database knows nothing of it.
    let looks = 0;
    const holdersOf = (): HolderScan => {
      looks += 1;
      return looks === 1 ? NOBODY : IDLE_CHROMA;
    };
    const { code } = await refusal(restoreArgv(repository, dir, '--swap', '--yes'), { holdersOf });
    expect(code).toBe('IN_USE');
    expect(looks).toBeGreaterThan(1);
    expect(bytesOf(dir)).toEqual(before);
    expect(readdirSync(join(dir, '..'))).toEqual(['persist']);
  });

  it('that is none of Chroma is refused', async () => {
    const repository = newRepository();
    await create(await unpacked('0.5.5'), repository);
    const home = temporaryDirectory();
    writeFileSync(join(home, 'precious'), 'data');
    const { code } = await refusal(restoreArgv(repository, home, '--swap', '--yes'));
    expect(code).toBe('NOT_A_PERSIST_DIR');
    expect(readdirSync(home)).toEqual(['precious']);
  });

  it.each([
    ['whose database is garbage', (dir: string) => writeFileSync(damage.databaseOf(dir), 'garbage')],
    ['with a hot journal', damage.hotJournal],
    ['whose database is empty', damage.zeroByteDatabase],
  ])('%s is done, and the damaged one is kept as it was', async (_, spoil) => {
    const dir = await unpacked('0.5.5');
    const repository = newRepository();
    await create(dir, repository);
    const sound = toTheMillisecond(bytesOf(dir));
    spoil(dir);
    const damaged = bytesOf(dir);
    const { exitCode, stdout, stderr } = await run([...restoreArgv(repository, dir, '--swap', '--yes'), '--json']);
    expect(exitCode, stderr).toBe(0);
    expect(toTheMillisecond(bytesOf(dir))).toEqual(sound);
    expect(bytesOf((JSON.parse(stdout) as { replaced: string }).replaced)).toEqual(damaged);
  });

  it('needs a yes, and changes nothing without one', async () => {
    const dir = await unpacked('0.5.5');
    const repository = newRepository();
    await create(dir, repository);
    const before = bytesOf(join(dir, '..'));
    const argv = restoreArgv(repository, dir, '--swap');
    expect((await run(argv)).exitCode).toBe(2);
    expect(await run(argv, { answer: 'no' })).toMatchObject({ exitCode: 0, stdout: 'Nothing was changed.\n' });
    expect((await run([...argv, '--dry-run'])).exitCode).toBe(0);
    expect(bytesOf(join(dir, '..'))).toEqual(before);
  });
});
