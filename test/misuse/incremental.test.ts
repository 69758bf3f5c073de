/** vacuum --incremental and --auto-vacuum that are cut short: what they say of what they have done. */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { locatePersistDir } from '../../src/chroma/persist-dir.ts';
import type { Host } from '../../src/host/host.ts';
import { realHost } from '../../src/host/real-host.ts';
import type { VacuumJob } from '../../src/operations/job.ts';
import type { Observer, Planned } from '../../src/operations/observer.ts';
import { stateBefore, type StateBefore } from '../../src/operations/state-before.ts';
import { stateLeft } from '../../src/operations/state-left.ts';
import { doJob } from '../../src/operations/work.ts';
import { on, SILENT, vacuumOf } from '../support/agreed.ts';
import { AUTO_VACUUM, incremental, incrementalWithHoles, pagesOf, setTo } from '../support/incremental.ts';
import { unpacked } from '../support/fixtures.ts';
import { NOBODY } from '../support/holders.ts';
import { onSmallDisk } from '../support/small-disk.ts';
import { rowsOf, withDatabase } from '../support/state.ts';

const NAME = '0.6.3-purge-off';
const LIMITS = { batchRows: 1_000, pauseMs: 0 };
const FULL = Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
const BESIDE_HOST: Partial<Host> = { holdersOf: () => NOBODY };

interface Cut {
  readonly job: VacuumJob;
  readonly before: StateBefore;
  readonly error: unknown;
  readonly planned: Planned | null;
}

/** Does a vacuum in which `observer` may throw, and returns what came of it. */
async function cut(dir: string, options: Partial<VacuumJob['request']>, observer: Partial<Observer>): Promise<Cut> {
  await delay(150);
  const before = stateBefore(locatePersistDir(dir));
  const plain = vacuumOf(dir, 'incremental');
  const whileRunning = (options.online ?? null) !== null;
  const allow = { ...plain.request.target.allow, whileRunning };
  const job: VacuumJob = {
    ...plain,
    request: { ...plain.request, target: { ...plain.request.target, allow }, ...options },
  };
  let planned: Planned | null = null;
  const watching = { ...SILENT, ...observer, onPlanned: (told: Planned): void => void (planned = told) };
  const error = await doJob(job, on({ ...realHost, ...BESIDE_HOST }), watching).then(
    () => null,
    (failure: unknown) => failure,
  );
  return { job, before, error, planned };
}

/** A disk that is full once some pages have gone. */
function fullAfterStep(): Partial<Observer> {
  let isShrinking = false;
  return {
    onStage(stage) {
      isShrinking = stage === 'shrinking';
    },
    onBytes() {
      if (isShrinking) throw FULL;
    },
  };
}

describe.each([
  ['with Chroma stopped', null],
  ['beside a server', LIMITS],
] as const)('vacuum --incremental %s', (_, online) => {
  it('that fails after some steps says what rows and bytes have gone', async () => {
    const dir = await incrementalWithHoles(NAME, 400);
    const { job, before, error, planned } = await cut(dir, { online }, fullAfterStep());
    const said =
      /^\d+ WAL rows were deleted, which is safe; \d.* of the file were given back; the database is consistent$/;
    expect(error).toMatchObject({ code: 'NO_SPACE', state: expect.stringMatching(said) });
    expect(stateLeft(job, dir, before, planned)).toMatch(said);
    expect(pagesOf(dir).integrity).toBe('ok');
  });

  it('that has only pruned says so', async () => {
    const dir = await incremental(NAME);
    const observer: Partial<Observer> = {
      onStage(stage) {
        if (stage === 'shrinking') throw FULL;
      },
    };
    const { job, before, planned } = await cut(dir, { online }, observer);
    expect(stateLeft(job, dir, before, planned)).toBe(
      '597 WAL rows were deleted, which is safe; the file was not made smaller; the database is consistent',
    );
  });

  it('that has come to nothing says so', async () => {
    const dir = await incremental(NAME);
    const rows = rowsOf(dir);
    const observer: Partial<Observer> = {
      onStage(stage) {
        if (stage !== 'checking') throw FULL;
      },
    };
    const { job, before, planned } = await cut(dir, { online }, observer);
    expect(stateLeft(job, dir, before, planned)).toBe('nothing was changed');
    expect(rowsOf(dir)).toEqual(rows);
  });
});

describe('vacuum --incremental beside a server', () => {
  it('does not say that nothing was changed where the server has filled what it gave back', async () => {
    const dir = await incrementalWithHoles(NAME, 400);
    const options = { online: LIMITS, withoutPrune: true };
    const { job, before, planned } = await cut(dir, options, fullAfterStep());
    expect(stateLeft(job, dir, before, planned)).toMatch(/ of the file were given back; the database is consistent$/);
    withDatabase(dir, (db) => db.exec('CREATE TABLE filled (a); INSERT INTO filled VALUES (zeroblob(9000000))'));
    expect(stateLeft(job, dir, before, planned)).toBe(
      'free pages may have been given back, and the server may have filled as many; nothing else was changed',
    );
  });
});

describe('vacuum --auto-vacuum in place', () => {
  it('that fails after the setting was changed at once says so', async () => {
    const dir = await unpacked(NAME);
    setTo(dir, 'full');
    const observer: Partial<Observer> = {
      onStage(stage) {
        if (stage === 'vacuuming') throw FULL;
      },
    };
    const options = { mode: 'in-place', autoVacuum: 'incremental', withoutPrune: true } as const;
    const { job, before, error, planned } = await cut(dir, options, observer);
    expect(error).toMatchObject({ code: 'NO_SPACE', state: 'auto-vacuum was set to incremental' });
    expect(pagesOf(dir)).toMatchObject({ setting: AUTO_VACUUM.incremental, integrity: 'ok' });
    expect(stateLeft(job, dir, before, planned)).toBe('auto-vacuum was set to incremental; nothing else was changed');
  });

  it('that fails before the VACUUM is done leaves a file without pointer map as it was', async () => {
    const dir = await unpacked(NAME);
    const rows = rowsOf(dir);
    const observer: Partial<Observer> = {
      onStage(stage) {
        if (stage === 'vacuuming') throw FULL;
      },
    };
    const options = { mode: 'in-place', autoVacuum: 'incremental', withoutPrune: true } as const;
    const { job, before, planned } = await cut(dir, options, observer);
    expect(stateLeft(job, dir, before, planned)).toBe('nothing was changed');
    expect(pagesOf(dir)).toMatchObject({ setting: AUTO_VACUUM.none, integrity: 'ok' });
    expect(rowsOf(dir)).toEqual(rows);
  });
});

describe('a disk that fills up', () => {
  it('during a step of vacuum --incremental leaves a whole database with every row', async () => {
    const dir = await incrementalWithHoles('0.5.5', 3_000);
    const [rows, { free }] = [rowsOf(dir), pagesOf(dir)];
    const argv = ['vacuum', 'persist', '--incremental', '--no-prune', '--yes'];
    const { status, stderr, after } = onSmallDisk(dir, 8, argv);
    expect(status, stderr).toBe(15);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'NO_SPACE', changed: false });
    expect(pagesOf(after)).toMatchObject({ free, integrity: 'ok' });
    expect(rowsOf(after)).toEqual(rows);
  });

  it('does not get so far where there is room for a small journal', async () => {
    const dir = await incrementalWithHoles('0.5.5', 3_000);
    const rows = rowsOf(dir);
    const argv = ['vacuum', 'persist', '--incremental', '--no-prune', '--yes'];
    const { status, stderr, after } = onSmallDisk(dir, 5_000, argv);
    expect(status, stderr).toBe(0);
    expect(pagesOf(after)).toMatchObject({ free: 0, integrity: 'ok' });
    expect(rowsOf(after)).toEqual(rows);
  });
});
