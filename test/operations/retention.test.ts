/** Rows that a prune could delete and is told to leave, through the command line. */
import { describe, expect, it } from 'vitest';
import type { Host } from '../../src/host/host.ts';
import { orphanTopic } from '../support/damage.ts';
import { seqIdsIn, fixture, unpacked } from '../support/fixtures.ts';
import { run, runJson } from '../support/run.ts';
import { bytesOf, rowsOf, seqIdsOf, withDatabase } from '../support/state.ts';

interface Pruned {
  readonly changed: boolean;
  readonly collections: readonly {
    readonly name: string;
    readonly database: string;
    readonly rows: number;
    readonly prunable: number;
    readonly deleted: number;
    readonly held: number;
    readonly below: string | null;
    readonly skip: { readonly reason: string; readonly needsAttention: boolean } | null;
  }[];
  readonly totals: {
    readonly rows: number;
    readonly prunable: number;
    readonly deleted: number;
    readonly held: number;
  };
  readonly retention: {
    readonly keepLast: number | null;
    readonly keepWithin: string | null;
    readonly keepFrom: string | null;
  };
}

const NAME = '0.5.5';
const PLAIN = seqIdsIn(fixture(NAME).expected.deletedSeqIds);
const NOON: Partial<Host> = { now: () => new Date('2026-11-21T12:00:00Z') };

/** Topics by seq_id. */
function topicsOf(dir: string): ReadonlyMap<bigint, string> {
  return withDatabase(
    dir,
    (db) => new Map(db.prepare<[], [bigint, string]>('SELECT seq_id, topic FROM embeddings_queue').raw().all()),
  );
}

/** The rows that a plain prune deletes, by topic, ascending. */
function plainByTopic(dir: string): readonly (readonly bigint[])[] {
  const topics = topicsOf(dir);
  const groups = new Map<string, bigint[]>();
  for (const seq of PLAIN) {
    const topic = topics.get(seq) ?? '';
    groups.set(topic, [...(groups.get(topic) ?? []), seq]);
  }
  return [...groups.values()];
}

/** One row a minute, the newest at half past eleven. */
function aged(dir: string): void {
  withDatabase(dir, (db) =>
    db.exec(`UPDATE embeddings_queue SET created_at = datetime('2026-11-21 11:30:00',
      (seq_id - (SELECT MAX(seq_id) FROM embeddings_queue)) || ' minutes')`),
  );
}

describe('--keep-last', () => {
  it('leaves the newest of each collection, and a second run deletes nothing more', async () => {
    const dir = await unpacked(NAME);
    const before = seqIdsOf(dir);
    const staying = plainByTopic(dir).flatMap((rows) => rows.slice(-120));
    const gone = PLAIN.filter((seq) => !staying.includes(seq));
    const report = await runJson<Pruned>(['prune', dir, '--keep-last', '120', '--yes']);
    expect(seqIdsOf(dir)).toEqual(before.filter((seq) => !gone.includes(seq)));
    expect(report.totals).toMatchObject({ prunable: gone.length, deleted: gone.length, held: staying.length });
    expect(report.retention).toEqual({ keepLast: 120, keepWithin: null, keepFrom: null });
    // 99 of its rows could go.
    expect(report.collections.find(({ name }) => name === 'ledger')).toMatchObject({
      prunable: 0,
      deleted: 0,
      held: 99,
      below: null,
      skip: { reason: 'kept-on-request', needsAttention: false },
    });
    const bytes = bytesOf(dir);
    const again = await run(['prune', dir, '--keep-last', '120', '--yes']);
    expect(again).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Nothing to delete') });
    expect(bytesOf(dir)).toEqual(bytes);
  });

  it('of more rows than there are leaves all of them', async () => {
    const dir = await unpacked(NAME);
    const before = bytesOf(dir);
    const { exitCode } = await run(['prune', dir, '--keep-last', '1000000', '--yes']);
    expect(exitCode).toBe(0);
    expect(bytesOf(dir)).toEqual(before);
  });

  it('holds nothing of a collection that is skipped for another reason', async () => {
    const { collections } = await runJson<Pruned>([
      'prune',
      await unpacked('0.5.0-readd'),
      '--keep-last',
      '10',
      '--dry-run',
    ]);
    expect(collections.map(({ held, skip }) => [held, skip?.reason ?? null])).toEqual([
      [10, null],
      [0, 'vectors-missing-from-index'],
    ]);
  });

  it.each(['0', '-1', '1.5', 'all', ''])('takes no %j', async (value) => {
    const { exitCode, stderr } = await run(['prune', await unpacked(NAME), `--keep-last=${value}`, '--yes']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--keep-last');
  });
});

describe('--while-running', () => {
  it('leaves what was to stay, batch by batch', async () => {
    const [dir, apart] = [await unpacked(NAME), await unpacked(NAME)];
    const options = ['--keep-last', '120', '--yes'];
    await run(['prune', apart, ...options]);
    const report = await runJson<Pruned>([
      'prune',
      dir,
      '--while-running',
      '--batch-rows',
      '50',
      '--pause',
      '0s',
      ...options,
    ]);
    expect(report.totals).toMatchObject({ deleted: PLAIN.length - 339, held: 339 });
    expect(seqIdsOf(dir)).toEqual(seqIdsOf(apart));
  });
});

describe('--keep-within', () => {
  it('leaves everything from the first younger row on, and a second run at that time deletes nothing more', async () => {
    const dir = await unpacked(NAME);
    aged(dir);
    const last = seqIdsOf(dir).at(-1) ?? 0n;
    // Row n minutes before half past eleven; the horizon is at nine.
    const gone = PLAIN.filter((seq) => seq < last - 150n);
    const before = seqIdsOf(dir);
    const report = await runJson<Pruned>(['prune', dir, '--keep-within', '3h', '--yes'], NOON);
    expect(report.retention).toEqual({ keepLast: null, keepWithin: '3h', keepFrom: '2026-11-21T09:00:00.000Z' });
    expect(report.totals).toMatchObject({ deleted: gone.length, held: PLAIN.length - gone.length });
    expect(gone.length).toBeGreaterThan(100);
    expect(PLAIN.length - gone.length).toBeGreaterThan(10);
    expect(seqIdsOf(dir)).toEqual(before.filter((seq) => !gone.includes(seq)));
    const again = await runJson<Pruned>(['prune', dir, '--keep-within', '3h', '--yes'], NOON);
    expect(again).toMatchObject({ changed: false, totals: { deleted: 0 } });
  });

  it('leaves what lies behind a younger row although it is older', async () => {
    const dir = await unpacked(NAME);
    withDatabase(dir, (db) => db.exec("UPDATE embeddings_queue SET created_at = '2020-01-01 00:00:00'"));
    const [rows = []] = plainByTopic(dir);
    const young = rows[5];
    withDatabase(dir, (db) =>
      db.prepare("UPDATE embeddings_queue SET created_at = '2026-11-21 11:59:00' WHERE seq_id = ?").run(young),
    );
    const before = seqIdsOf(dir);
    await run(['prune', dir, '--keep-within', '1h', '--yes'], {}, NOON);
    const staying = rows.slice(5);
    expect(seqIdsOf(dir)).toEqual(before.filter((seq) => !PLAIN.includes(seq) || staying.includes(seq)));
  });

  it('with --keep-last deletes no more than either', async () => {
    const deleted = await Promise.all(
      [
        ['--keep-within', '3h'],
        ['--keep-last', '30'],
        ['--keep-within', '3h', '--keep-last', '30'],
      ].map(async (options) => {
        const dir = await unpacked(NAME);
        aged(dir);
        const before = seqIdsOf(dir);
        await run(['prune', dir, ...options, '--yes'], {}, NOON);
        const after = seqIdsOf(dir);
        return before.filter((seq) => !after.includes(seq));
      }),
    );
    const [within = [], last = [], both = []] = deleted;
    expect(both).toEqual(within.filter((seq) => last.includes(seq)));
    expect([within.length > both.length, last.length > both.length]).toEqual([true, true]);
  });

  it('goes by the time of the call, however long the answer takes', async () => {
    const dir = await unpacked(NAME);
    aged(dir);
    let hours = 0;
    const now = (): Date => new Date(Date.parse('2026-11-21T12:00:00Z') + hours * 3_600_000);
    const answer = (): boolean => {
      // By now other rows are three hours old.
      hours = 2;
      return true;
    };
    const planned = await runJson<Pruned>(['prune', dir, '--keep-within', '3h', '--dry-run'], { now });
    const { exitCode, stderr } = await run(['prune', dir, '--keep-within', '3h'], { answer }, { now });
    expect({ exitCode, stderr: stderr.includes('PLAN_STALE') }).toEqual({ exitCode: 0, stderr: false });
    expect(seqIdsOf(dir).length).toBe(fixture(NAME).expected.totalRows - planned.totals.prunable);
  });

  it('of a thousand years leaves everything', async () => {
    const dir = await unpacked(NAME);
    const { retention, totals } = await runJson<Pruned>(['prune', dir, '--keep-within', '999999999w', '--dry-run']);
    expect(retention).toMatchObject({ keepWithin: '999999999w', keepFrom: '0000-01-01T00:00:00.000Z' });
    expect(totals).toMatchObject({ prunable: 0, held: PLAIN.length });
  });
});

describe('the plan', () => {
  it('has a column for what is held, and only where that was asked for', async () => {
    const dir = await unpacked(NAME);
    const [plain, held] = [
      await run(['prune', dir, '--dry-run'], { columns: 120 }),
      await run(['prune', dir, '--dry-run', '--keep-last', '120'], { columns: 120 }),
    ];
    expect(plain.stdout).not.toMatch(/held/i);
    expect(held.stdout).toMatch(/ {2}Collection +WAL rows +Delete +Held +Keep +Why/);
    expect(held.stdout).toMatch(/^ {2}notes +291 +149 +120 +142 /m);
    expect(held.stdout).toMatch(/^ {2}held +339 rows that could go, by --keep-last 120$/m);
  });

  it('ends with a command that leaves the same rows', async () => {
    const dir = await unpacked(NAME);
    const options = ['--keep-last', '120', '--keep-within', '2d'];
    const { stdout } = await run(['prune', dir, '--dry-run', ...options], { columns: 200 });
    expect(stdout).toMatch(/chroma-maint vacuum \S+ --keep-last 120 --keep-within 2d\n/);
    expect(stdout).toMatch(/chroma-maint prune \S+ --keep-last 120 --keep-within 2d --yes\n$/);
    const done = await run(['prune', dir, '--keep-last', '120', '--yes'], { columns: 200 });
    expect(done.stdout).toMatch(/chroma-maint vacuum \S+ --keep-last 120\n/);
    expect(done.stdout).toMatch(/chroma-maint prune \S+ --keep-last 120 --while-running --yes\n/);
    const nothing = ['vacuum', await unpacked(NAME), '--keep-last', '120', '--min-reclaim', '1G', '--dry-run'];
    expect((await run(nothing, { columns: 200 })).stdout).toMatch(/chroma-maint prune \S+ --keep-last 120\n/);
    const short = { freeBytes: () => Promise.resolve(0) };
    const refused = await run(['vacuum', dir, '--keep-last', '20', '--min-reclaim', '0', '--yes'], {}, short);
    expect(refused.exitCode).toBe(15);
    expect(refused.stderr).not.toMatch(/chroma-maint prune \S+ stops/);
  });
});

describe('a vacuum', () => {
  it.each(['rebuild', 'in-place'])(
    'in mode %s leaves the rows that a prune with the same options leaves',
    async (mode) => {
      const [pruned, vacuumed] = [await unpacked(NAME), await unpacked(NAME)];
      await run(['prune', pruned, '--keep-last', '30', '--yes']);
      const argv = ['vacuum', vacuumed, '--keep-last', '30', '--mode', mode, '--verify', 'full', '--min-reclaim', '0'];
      const { prune } = await runJson<{ prune: Pruned }>([...argv, '--yes']);
      expect(prune.totals).toMatchObject({ deleted: PLAIN.length - 90, held: 90 });
      expect(rowsOf(vacuumed)).toEqual(rowsOf(pruned));
    },
  );

  it('with --clean keeps nothing of a collection that is gone', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    orphanTopic(dir, 'ledger');
    const argv = ['vacuum', dir, '--clean', '--min-age', '0s', '--keep-last', '10', '--min-reclaim', '0', '--yes'];
    const report = await runJson<{ prune: Pruned; clean: { rows: Record<string, number> } }>(argv);
    expect(report.clean.rows['embeddings_queue']).toBe(125);
    expect(report.prune.totals.held).toBe(20);
    expect((await runJson<Pruned>(['prune', dir, '--keep-last', '10', '--dry-run'])).totals.prunable).toBe(0);
  });

  it('says what it holds', async () => {
    const dir = await unpacked(NAME);
    const argv = ['vacuum', dir, '--keep-last', '30', '--min-reclaim', '0'];
    expect((await run([...argv, '--dry-run'], { columns: 100 })).stdout).toMatch(
      /^ {2}held +90 rows that could go, by --keep-last 30$/m,
    );
    expect((await run([...argv, '--yes'], { columns: 100 })).stdout).toMatch(
      /^Held: 90 rows that could go, by --keep-last 30\.$/m,
    );
  });

  it.each(['--keep-last', '--keep-within'])('takes no %s with --no-prune', async (option) => {
    const dir = await unpacked(NAME);
    const { exitCode, stderr } = await run([
      'vacuum',
      dir,
      '--no-prune',
      option,
      option === '--keep-last' ? '5' : '1d',
      '--yes',
    ]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`${option} goes with a prune`);
  });
});
