/** wal config where others are at work, where this user may not write, and where a run is cut short. */
import { describe, expect, it } from 'vitest';
import { realHost } from '../../src/host/real-host.ts';
import { doJob } from '../../src/operations/work.ts';
import { vacuumUnderLock } from '../../src/operations/locked-vacuum.ts';
import { locatePersistDir } from '../../src/chroma/persist-dir.ts';
import type { VacuumJob } from '../../src/operations/job.ts';
import type { Planned, Stage } from '../../src/operations/observer.ts';
import { stateBefore, type StateBefore } from '../../src/operations/state-before.ts';
import { stateLeft } from '../../src/operations/state-left.ts';
import { on, SILENT, target, vacuumOf } from '../support/agreed.ts';
import { chmodSync } from 'node:fs';
import {
  damagedPage,
  databaseOf,
  hotJournal,
  poisonedWatermark,
  unknownMigration,
  walMode,
} from '../support/damage.ts';
import { unpacked } from '../support/fixtures.ts';
import { holdingOpen, inTransaction } from '../support/process.ts';
import { unprivileged } from '../support/program.ts';
import { run } from '../support/run.ts';
import { bytesOf, rowsOf, withDatabase } from '../support/state.ts';

const NAME = '1.5.9-purge-off';

function setting(dir: string, ...options: readonly string[]): readonly string[] {
  return ['wal', 'config', dir, '--auto-purge', 'on', '--yes', ...options];
}

function isOn(dir: string): boolean {
  return withDatabase(dir, (db) =>
    String(db.prepare('SELECT config_json_str FROM embeddings_queue_config').pluck().get()).includes('true'),
  );
}

describe('a directory that somebody has open', () => {
  it('is not changed, but shown', async () => {
    const dir = await unpacked(NAME);
    const { pid } = await holdingOpen(databaseOf(dir));
    const before = bytesOf(dir);
    const refused = await run(setting(dir));
    expect(refused).toMatchObject({ exitCode: 11, stderr: expect.stringMatching(new RegExp(`pid ${pid} `)) });
    const planned = await run(['wal', 'config', dir, '--auto-purge', 'on', '--dry-run']);
    expect(planned).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('not in use ✗') });
    expect((await run(['wal', 'config', dir])).exitCode).toBe(0);
    expect(bytesOf(dir)).toEqual(before);
  });

  it('is waited for with --wait', async () => {
    const dir = await unpacked(NAME);
    const child = await holdingOpen(databaseOf(dir));
    setTimeout(() => child.kill('SIGKILL'), 300);
    expect((await run(setting(dir, '--wait', '30s'))).exitCode).toBe(0);
    expect(isOn(dir)).toBe(true);
  });

  it('and locked is neither changed nor shown', async () => {
    const dir = await unpacked(NAME);
    await inTransaction(databaseOf(dir), 'BEGIN EXCLUSIVE');
    const before = bytesOf(dir);
    expect((await run(setting(dir))).exitCode).toBe(11);
    expect((await run(['wal', 'config', dir])).exitCode).toBe(11);
    expect(bytesOf(dir)).toEqual(before);
  }, 30_000);
});

describe('a directory that this user may only read', () => {
  it('is shown, and refused with 19 where it is to be changed', async () => {
    const dir = await unpacked(NAME);
    chmodSync(databaseOf(dir), 0o444);
    chmodSync(dir, 0o555);
    const before = bytesOf(dir);
    expect(unprivileged('wal', 'config', dir)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('auto-purge off'),
    });
    expect(unprivileged(...setting(dir))).toMatchObject({ status: 19, stdout: '' });
    expect(bytesOf(dir)).toEqual(before);
    chmodSync(dir, 0o755);
  });
});

describe('a directory in no state to be changed', () => {
  it.each([
    ['a hot journal', 12, (dir: string) => hotJournal(dir)],
    ['WAL mode', 12, (dir: string) => walMode(dir, 'files')],
    ['an unknown migration', 13, (dir: string) => unknownMigration(dir)],
    ['a position ahead of the log', 14, (dir: string) => poisonedWatermark(dir, 'notes', 'INTEGER')],
    ['a damaged page', 14, (dir: string) => damagedPage(dir, 'embedding_metadata')],
  ] as const)('(%s) is refused with %i', async (_, code, damage) => {
    const dir = await unpacked(NAME);
    damage(dir);
    const before = bytesOf(dir);
    for (const command of [setting(dir), ['vacuum', dir, '--auto-purge', 'on', '--min-reclaim', '1G', '--yes']]) {
      const { exitCode, stderr } = await run(command);
      expect(exitCode).toBe(code);
      expect(stderr).toContain('nothing was changed');
    }
    expect(bytesOf(dir)).toEqual(before);
  });

  it('because its disk is full is refused with 15', async () => {
    const dir = await unpacked(NAME);
    const before = bytesOf(dir);
    const full = { freeBytes: () => Promise.resolve(0) };
    expect((await run(setting(dir), {}, full)).exitCode).toBe(15);
    const vacuum = ['vacuum', dir, '--auto-purge', 'on', '--min-reclaim', '1G', '--yes'];
    expect((await run(vacuum, {}, full)).exitCode).toBe(15);
    expect(bytesOf(dir)).toEqual(before);
  });
});

describe('a run that fails', () => {
  it('before the commit leaves the setting as it was', async () => {
    const dir = await unpacked(NAME);
    const before = rowsOf(dir);
    const wish = { to: 'on', chromaVersion: null } as const;
    const observer = {
      ...SILENT,
      onPlanned() {
        throw new Error('cut short');
      },
    };
    const job = { kind: 'wal config', request: { target: target(dir), wish }, agreed: null } as const;
    await expect(doJob(job, on(realHost), observer)).rejects.toThrow('cut short');
    expect(rowsOf(dir)).toEqual(before);
  });

  it.each([
    ['rebuild', 'swapping'],
    ['rebuild', 'verifying'],
    ['in-place', 'pruning'],
  ] as const)('as a vacuum in mode %s while it is %s leaves setting and rows as they were', async (mode, at) => {
    const dir = await unpacked(NAME);
    const before = rowsOf(dir);
    const job = vacuumOf(dir, mode);
    const observer = {
      ...SILENT,
      onStage(stage: Stage) {
        if (stage === at) throw new Error('cut short');
      },
    };
    const request = { ...job.request, autoPurge: { to: 'on', chromaVersion: null } as const };
    await expect(vacuumUnderLock({ ...job, request }, on(realHost), observer)).rejects.toThrow('cut short');
    expect(rowsOf(dir)).toEqual(before);
  });

  it('in the VACUUM after the commit says what was done', async () => {
    const dir = await unpacked(NAME);
    const { job, before, ended } = await endedAt(dir, 'vacuuming', {});
    const state = expect.stringMatching(/^auto-purge was switched on; 549 WAL rows were deleted, which is safe/);
    expect(ended.error).toMatchObject({ code: 'NO_SPACE', state });
    expect(isOn(dir)).toBe(true);
    expect(stateLeft(job, dir, before, ended.planned)).toEqual(state);
  });

  it('after the commit of a vacuum that is not worth it says what was done', async () => {
    const dir = await unpacked(NAME);
    const least = { minReclaim: { kind: 'bytes', bytes: 2 ** 40 } as const };
    const { job, before, ended } = await endedAt(dir, 'vacuuming', least);
    expect([ended.error, isOn(dir)]).toEqual([null, true]);
    expect(stateLeft(job, dir, before, ended.planned)).toBe('auto-purge was switched on; nothing else was changed');
  });

  it('before the commit of a vacuum says that nothing was changed, and of what is set already nothing', async () => {
    const dir = await unpacked(NAME);
    const { job, before, ended } = await endedAt(dir, 'pruning', {});
    expect(stateLeft(job, dir, before, ended.planned)).toBe('nothing was changed');
    await run(setting(dir));
    const again = await endedAt(dir, 'vacuuming', {});
    const state = expect.stringMatching(/^549 WAL rows were deleted, which is safe/);
    expect(again.ended.error).toMatchObject({ state });
    expect(stateLeft(again.job, dir, again.before, again.ended.planned)).toEqual(state);
  });

  it.each([
    [true, 'auto-purge was switched on'],
    [false, 'nothing was changed'],
  ])('as wal config (committed: %s) says what was done: %s', async (isCommitted, state) => {
    const dir = await unpacked(NAME);
    const before = stateBefore(locatePersistDir(dir));
    const wish = { to: 'on', chromaVersion: null } as const;
    const job = { kind: 'wal config', request: { target: target(dir), wish }, agreed: null } as const;
    const told: Planned[] = [];
    const observer = {
      ...SILENT,
      onPlanned(planned: Planned) {
        told.push(planned);
        if (!isCommitted) throw new Error('cut short');
      },
    };
    await doJob(job, on(realHost), observer).catch(() => undefined);
    expect(isOn(dir)).toBe(isCommitted);
    expect(stateLeft(job, dir, before, told[0] ?? null)).toBe(state);
  });
});

interface EndedVacuum {
  readonly job: VacuumJob;
  readonly before: StateBefore;
  readonly ended: { readonly error: unknown; readonly planned: Planned | null };
}

/** A vacuum in place that also switches auto-purge on, and finds the disk full at a stage of its work. */
async function endedAt(dir: string, at: Stage, options: Partial<VacuumJob['request']>): Promise<EndedVacuum> {
  const before = stateBefore(locatePersistDir(dir));
  const plain = vacuumOf(dir, 'in-place');
  const autoPurge = { to: 'on', chromaVersion: null } as const;
  const job = { ...plain, request: { ...plain.request, autoPurge, ...options } };
  let told: Planned | null = null;
  const observer = {
    ...SILENT,
    onPlanned: (planned: Planned): void => void (told = planned),
    onStage(stage: Stage) {
      if (stage === at) throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
    },
  };
  const error = await vacuumUnderLock(job, on(realHost), observer).then(
    () => null,
    (failure: unknown) => failure,
  );
  return { job, before, ended: { error, planned: told } };
}
