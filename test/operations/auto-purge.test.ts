/** wal config, and the same setting as a step of a vacuum, through the command line. */
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/operations/findings/findings.ts';
import { temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { run, runJson } from '../support/run.ts';
import { bytesOf, otherFilesOf, rowsOf, withDatabase } from '../support/state.ts';

const TYPE = 'EmbeddingsQueueConfigurationInternal';
const PYTHON = {
  on: `{"automatically_purge": true, "_type": "${TYPE}"}`,
  off: `{"automatically_purge": false, "_type": "${TYPE}"}`,
};
const RUST = {
  on: `{"automatically_purge":true,"_type":"${TYPE}"}`,
  off: `{"automatically_purge":false,"_type":"${TYPE}"}`,
};
const SAFE = ['--chroma-version', '0.6.3'];

interface Configured {
  readonly changed: boolean;
  readonly autoPurge: { readonly before: string; readonly wanted: string | null; readonly after: string };
}

function rowsIn(dir: string): readonly (readonly [bigint, string | null])[] {
  return withDatabase(dir, (db) =>
    db
      .prepare<[], [bigint, string | null]>('SELECT id, config_json_str FROM embeddings_queue_config ORDER BY id')
      .raw()
      .all(),
  );
}

function change(dir: string, sql: string): void {
  withDatabase(dir, (db) => db.exec(sql));
}

describe('wal config --auto-purge', () => {
  it.each([
    ['0.5.13-purge-off', 'on', PYTHON, SAFE],
    ['0.6.3-purge-off', 'on', PYTHON, SAFE],
    ['0.6.3-purge-on', 'off', PYTHON, []],
    ['0.5.7-purge-on', 'off', PYTHON, []],
    ['1.0.12-purge-off', 'on', RUST, []],
    ['1.0.12-purge-on', 'off', RUST, []],
    ['1.5.9-purge-off', 'on', RUST, []],
    ['1.5.9-purge-on', 'off', RUST, []],
    ['chain-0.6.3-1.5.9-0.6.3', 'on', RUST, []],
  ] as const)('writes %s of %s as Chroma does, and nothing else', async (name, to, texts, options) => {
    const dir = await unpacked(name);
    const [rows, files] = [rowsOf(dir, ['embeddings_queue_config']), otherFilesOf(dir)];
    const argv = ['wal', 'config', dir, '--auto-purge', to, ...options];
    const before = to === 'on' ? 'off' : 'on';
    expect(await runJson<Configured>([...argv, '--yes'])).toMatchObject({
      changed: true,
      autoPurge: { before, wanted: to, after: to },
    });
    expect(rowsIn(dir)).toEqual([[1n, texts[to]]]);
    expect(rowsOf(dir, ['embeddings_queue_config'])).toEqual(rows);
    expect(otherFilesOf(dir)).toEqual(files);
    const bytes = bytesOf(dir);
    expect(await runJson<Configured>([...argv, '--yes'])).toMatchObject({ changed: false });
    expect((await run([...argv, '--yes'])).stdout).toContain(`Nothing to do: auto-purge is ${to} already.`);
    expect(bytesOf(dir)).toEqual(bytes);
  });

  it.each(['on', 'off'] as const)('decides %s where nothing is decided yet', async (to) => {
    const dir = await unpacked('1.5.9-purge-off');
    change(dir, 'DELETE FROM embeddings_queue_config');
    const report = await runJson<Configured>(['wal', 'config', dir, '--auto-purge', to, '--yes']);
    expect(report.autoPurge).toMatchObject({ before: 'undecided', after: to });
    expect(rowsIn(dir)).toEqual([[1n, RUST[to]]]);
  });

  it('leaves a setting with other spaces as it is where it says what is wished', async () => {
    const dir = await unpacked('1.5.9-purge-off');
    expect(rowsIn(dir)).toEqual([[1n, PYTHON.off]]);
    const bytes = bytesOf(dir);
    expect((await run(['wal', 'config', dir, '--auto-purge', 'off', '--yes'])).exitCode).toBe(0);
    expect(bytesOf(dir)).toEqual(bytes);
  });

  it('shows its plan and asks, and changes nothing in a dry run or where the answer is no', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const bytes = bytesOf(dir);
    const argv = ['wal', 'config', dir, '--auto-purge', 'on', ...SAFE];
    const dry = await run([...argv, '--dry-run'], { columns: 100 });
    expect(dry.stdout).toMatch(/^ {2}config +auto-purge: off → on$/m);
    expect(dry.stdout).toContain('Dry run: nothing was changed.');
    const no = await run(argv, { answer: 'no' });
    expect(no).toMatchObject({ exitCode: 0, questions: ['Switch auto-purge on?'], stdout: 'Nothing was changed.\n' });
    expect(await runJson<Configured>([...argv, '--dry-run'])).toMatchObject({
      changed: false,
      autoPurge: { before: 'off', wanted: 'on', after: 'off' },
    });
    expect(bytesOf(dir)).toEqual(bytes);
    expect((await run(argv, { answer: 'yes' })).stdout).toContain('Switched auto-purge on.');
    expect(rowsIn(dir)).toEqual([[1n, PYTHON.on]]);
  });

  it('stops where another has set it after the plan was shown', async () => {
    const dir = await unpacked('1.5.9-purge-off');
    const answer = (): boolean => {
      change(dir, 'DELETE FROM embeddings_queue_config');
      return true;
    };
    const { exitCode } = await run(['wal', 'config', dir, '--auto-purge', 'on'], { answer });
    expect([exitCode, rowsIn(dir)]).toEqual([16, []]);
  });

  it('makes a snapshot first where that is asked for', async () => {
    const dir = await unpacked('1.5.9-purge-off');
    const repository = `${temporaryDirectory()}/repository`;
    const argv = ['wal', 'config', dir, '--auto-purge', 'on', '--backup', repository, '--yes'];
    expect(await runJson(argv)).toMatchObject({ changed: true, backup: { snapshot: { collections: 5 } } });
    await run(['backup', 'restore', 'latest', '--from', repository, '--to', `${repository}-restored`]);
    expect(rowsIn(`${repository}-restored`)).toEqual([[1n, PYTHON.off]]);
  });
});

describe('the version that is to open a directory of 0.5.6 to 0.6.3', () => {
  it.each([[[]], [['--chroma-version', '0.5.6']], [['--chroma-version', '0.5.12']]])(
    'with %j keeps auto-purge from being switched on, but not off',
    async (options) => {
      const dir = await unpacked('0.5.7-purge-off');
      const bytes = bytesOf(dir);
      const { exitCode, stderr } = await run(['wal', 'config', dir, '--auto-purge', 'on', ...options, '--yes']);
      expect(exitCode).toBe(2);
      expect(stderr).toContain('Chroma 0.5.6 to 0.5.12 purge rows of other collections too');
      expect((await run(['vacuum', dir, '--auto-purge', 'on', ...options, '--yes'])).exitCode).toBe(2);
      expect(bytesOf(dir)).toEqual(bytes);
      const other = await unpacked('0.6.3-purge-on');
      expect((await run(['wal', 'config', other, '--auto-purge', 'off', ...options, '--yes'])).exitCode).toBe(0);
      expect(rowsIn(other)).toEqual([[1n, PYTHON.off]]);
    },
  );

  it.each(['0.5.13', '0.5.20', '0.6.0', '1.0.0', '10.0.0'])('may be %s', async (version) => {
    const dir = await unpacked('0.6.3-purge-off');
    const argv = ['wal', 'config', dir, '--auto-purge', 'on', '--chroma-version', version, '--yes'];
    expect((await run(argv)).exitCode).toBe(0);
    expect(rowsIn(dir)).toEqual([[1n, PYTHON.on]]);
  });

  it.each([
    ['0.6.3-purge-off', '0.5.5'],
    ['0.6.3-purge-off', '0.4.99'],
    ['1.0.12-purge-off', '0.6.3'],
    ['1.5.9-purge-off', '1.4.1'],
  ])('is wrong where it is older than what wrote %s: %s', async (name, version) => {
    const dir = await unpacked(name);
    const bytes = bytesOf(dir);
    for (const to of ['on', 'off']) {
      const argv = ['wal', 'config', dir, '--auto-purge', to, '--chroma-version', version, '--yes'];
      const { exitCode, stderr } = await run(argv);
      expect(exitCode).toBe(2);
      expect(stderr).toContain(`Chroma ${version} is older than what has written this directory`);
    }
    expect(bytesOf(dir)).toEqual(bytes);
  });

  it.each(['', '1', '1.5', '1.5.9rc1', 'v1.5.9', 'latest'])('is none where it reads %j', async (version) => {
    const argv = ['wal', 'config', '.', '--auto-purge', 'on', `--chroma-version=${version}`];
    expect((await run(argv)).exitCode).toBe(2);
  });
});

const NOT_AS_WRITTEN: readonly (readonly [string, string])[] = [
  [
    'two rows',
    `INSERT INTO embeddings_queue_config (config_json_str) SELECT config_json_str FROM embeddings_queue_config`,
  ],
  ['a row with another id', 'UPDATE embeddings_queue_config SET id = 2'],
  ['NULL', 'UPDATE embeddings_queue_config SET config_json_str = NULL'],
  ['a BLOB', 'UPDATE embeddings_queue_config SET config_json_str = CAST(config_json_str AS BLOB)'],
  ['a text that was cut short', `UPDATE embeddings_queue_config SET config_json_str = '{"automatically_purge": fal'`],
  ['an empty text', `UPDATE embeddings_queue_config SET config_json_str = ''`],
  ['an array', `UPDATE embeddings_queue_config SET config_json_str = '[false]'`],
  ['null', `UPDATE embeddings_queue_config SET config_json_str = 'null'`],
  [
    'a third key',
    `UPDATE embeddings_queue_config SET config_json_str = '{"automatically_purge": false, "_type": "${TYPE}", "keep": 1}'`,
  ],
  [
    'another type',
    `UPDATE embeddings_queue_config SET config_json_str = '{"automatically_purge": false, "_type": "Other"}'`,
  ],
  ['no type', `UPDATE embeddings_queue_config SET config_json_str = '{"automatically_purge": false}'`],
  ['no answer', `UPDATE embeddings_queue_config SET config_json_str = '{"_type": "${TYPE}"}'`],
  ['a number', `UPDATE embeddings_queue_config SET config_json_str = '{"automatically_purge": 0, "_type": "${TYPE}"}'`],
];

describe('a setting that Chroma does not write', () => {
  it.each(NOT_AS_WRITTEN)('(%s) is shown with exit code 3, and never overwritten', async (_, sql) => {
    const dir = await unpacked('1.5.9-purge-off');
    change(dir, sql);
    const bytes = bytesOf(dir);
    const shown = await run(['wal', 'config', dir], { columns: 200 });
    expect(shown).toMatchObject({ exitCode: 3, stdout: expect.stringContaining('It is not as Chroma writes it') });
    for (const command of [
      ['wal', 'config'],
      ['vacuum', '--min-reclaim', '0'],
    ]) {
      for (const to of ['on', 'off']) {
        const { exitCode, stderr } = await run([...command, dir, '--auto-purge', to, '--yes']);
        expect(exitCode).toBe(13);
        expect(stderr).toContain('nothing was changed');
      }
    }
    expect(bytesOf(dir)).toEqual(bytes);
  });
});

describe('a directory without the table', () => {
  it.each(['0.4.24', '0.5.5'])('(%s) says since when there is one, and takes no setting', async (name) => {
    const dir = await unpacked(name);
    const bytes = bytesOf(dir);
    for (const command of [
      ['wal', 'config'],
      ['vacuum', '--clean'],
    ]) {
      for (const to of ['on', 'off']) {
        const { exitCode, stderr } = await run([...command, dir, '--auto-purge', to, '--yes']);
        expect(exitCode).toBe(13);
        expect(stderr).toContain('it came with Chroma 0.5.6');
        expect(stderr).toContain('nothing was changed');
      }
    }
    expect(bytesOf(dir)).toEqual(bytes);
    expect(await runJson(['wal', 'config', dir])).toMatchObject({
      autoPurge: { before: 'not-available', available: false },
    });
  });

  it('although its migrations say that there is one is refused', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    change(dir, 'DROP TABLE embeddings_queue_config');
    const bytes = bytesOf(dir);
    for (const options of [[], ['--auto-purge', 'off', '--yes']]) {
      expect((await run(['wal', 'config', dir, ...options])).exitCode).toBe(13);
    }
    expect(bytesOf(dir)).toEqual(bytes);
  });
});

describe('wal config', () => {
  it.each([
    ['0.5.5', 'not available', 'chroma-maint prune'],
    ['0.6.3-purge-on', 'on', 'Do not open it with Chroma 0.5.6 to 0.5.12: they also delete rows of other collections'],
    ['0.6.3-purge-off', 'off', '--auto-purge on --chroma-version VERSION'],
    ['1.5.9-purge-on', 'on', 'when a collection is first read'],
    ['1.5.9-purge-off', 'off', '--auto-purge on'],
  ])('says of %s that it is %s, what that means and what to do, and changes no byte', async (name, state, words) => {
    const dir = await unpacked(name);
    const bytes = bytesOf(dir);
    const { exitCode, stdout } = await run(['wal', 'config', dir], { columns: 300 });
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`auto-purge ${state}`);
    expect(stdout).toContain(words);
    expect(await runJson(['wal', 'config', dir])).toMatchObject({ changed: false, autoPurge: { wanted: null } });
    expect(bytesOf(dir)).toEqual(bytes);
  });

  it.each([
    ['', 'off, for the WAL has rows'],
    ['DELETE FROM embeddings_queue', 'on, for the WAL is empty'],
  ])('says what Chroma decides where nothing is decided (%s)', async (sql, words) => {
    const dir = await unpacked('0.6.3-purge-on');
    change(dir, `DELETE FROM embeddings_queue_config; ${sql}`);
    expect((await run(['wal', 'config', dir], { columns: 200 })).stdout).toContain(words);
  });

  it.each([['--yes'], ['--dry-run'], ['--recover-journal'], ['--backup', 'repository'], ['--chroma-version', '0.6.3']])(
    'takes %s only with --auto-purge',
    async (...options) => {
      const { exitCode, stderr } = await run(['wal', 'config', await unpacked('0.6.3-purge-on'), ...options]);
      expect(exitCode).toBe(2);
      expect(stderr).toContain(`${options[0]} goes with --auto-purge`);
    },
  );

  it.each(['0.6.3-purge-off', '1.5.9-purge-off'])('is what check offers for auto-purge-off in %s', async (name) => {
    const dir = await unpacked(name);
    const { findings } = await runJson<{ findings: readonly Finding[] }>(['check', dir]);
    const remedy = findings.find(({ id }) => id === 'auto-purge-off')?.remedy ?? '';
    expect(remedy.startsWith('chroma-maint wal config ')).toBe(true);
    // Which version opens the directory from now on only the operator knows.
    const argv = remedy.replace('VERSION', '0.6.3').split(' ').slice(1);
    expect((await run([...argv, '--yes'])).exitCode).toBe(0);
    const { findings: after } = await runJson<{ findings: readonly Finding[] }>(['check', dir]);
    expect(after.map(({ id }) => id)).not.toContain('auto-purge-off');
  });
});

interface Vacuumed {
  readonly changed: boolean;
  readonly mode: string;
  readonly isWorthwhile: boolean;
  readonly prune: { readonly totals: { readonly deleted: number } };
  readonly autoPurge: Configured['autoPurge'] | null;
}

describe('vacuum --auto-purge', () => {
  it.each([
    ['1.5.9-purge-off', 'rebuild', 'on', RUST.on, []],
    ['1.5.9-purge-off', 'in-place', 'on', RUST.on, []],
    ['0.6.3-purge-off', 'rebuild', 'on', PYTHON.on, SAFE],
    ['1.5.9-purge-on', 'rebuild', 'off', RUST.off, []],
    ['1.5.9-purge-on', 'in-place', 'off', RUST.off, []],
  ])(
    'of %s, mode %s, switches it %s in the same run, and differs in nothing else',
    async (name, mode, to, text, more) => {
      const [plain, dir] = [await unpacked(name), await unpacked(name)];
      const argv = ['--mode', mode, '--min-reclaim', '0', '--verify', 'full', '--yes'];
      await run(['vacuum', plain, ...argv]);
      const report = await runJson<Vacuumed>(['vacuum', dir, ...argv, '--auto-purge', to, ...more]);
      expect(report).toMatchObject({ changed: true, mode, autoPurge: { wanted: to, after: to } });
      expect(rowsIn(dir)).toEqual([[1n, text]]);
      const others = ['embeddings_queue_config', 'maintenance_log'];
      expect(rowsOf(dir, others)).toEqual(rowsOf(plain, others));
      expect(withDatabase(dir, (db) => db.pragma('integrity_check', { simple: true }))).toBe('ok');
    },
  );

  it('is part of the plan and of the question, and of the answer', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const bytes = bytesOf(dir);
    const argv = ['vacuum', dir, '--auto-purge', 'on', ...SAFE];
    expect((await run([...argv, '--dry-run'], { columns: 100 })).stdout).toMatch(/^ {2}config +auto-purge: off → on$/m);
    expect(await runJson<Vacuumed>([...argv, '--dry-run'])).toMatchObject({
      changed: false,
      autoPurge: { before: 'off', wanted: 'on', after: 'off' },
    });
    const no = await run(argv, { answer: 'no' });
    expect(no.questions).toEqual(['Delete 597 WAL rows, switch auto-purge on and rewrite the database?']);
    expect(bytesOf(dir)).toEqual(bytes);
    const done = await run(argv, { answer: 'yes', columns: 100 });
    expect(done.stdout).toMatch(/^Switched auto-purge on\.$/m);
    expect(done.stdout).not.toContain('This WAL will grow again');
    expect(rowsIn(dir)).toEqual([[1n, PYTHON.on]]);
  });

  it('says that the log will grow again where it was switched off', async () => {
    const argv = ['vacuum', await unpacked('1.5.9-purge-on'), '--auto-purge', 'off', '--min-reclaim', '0', '--yes'];
    expect((await run(argv, { columns: 200 })).stdout).toContain('This WAL will grow again');
  });

  it('is done although a vacuum is not worth it', async () => {
    const dir = await unpacked('1.5.9-purge-off');
    const argv = ['vacuum', dir, '--auto-purge', 'on', '--min-reclaim', '1G'];
    const dry = await run([...argv, '--dry-run'], { columns: 200 });
    expect(dry.stdout).toMatch(/^ {2}config +auto-purge: off → on\n\nNothing else done: a vacuum would give back/);
    const queue = rowsOf(dir)['embeddings_queue'];
    const answered = await run(argv, { answer: 'yes', columns: 200 });
    expect(answered.questions).toEqual(['Switch auto-purge on?']);
    expect(answered.stdout).toMatch(/^Switched auto-purge on\.\nNothing else done/);
    expect([rowsIn(dir), rowsOf(dir)['embeddings_queue']]).toEqual([[[1n, RUST.on]], queue]);
    const bytes = bytesOf(dir);
    expect(await runJson<Vacuumed>([...argv, '--yes'])).toMatchObject({ changed: false, isWorthwhile: false });
    expect(bytesOf(dir)).toEqual(bytes);
  });

  it('stops where another has set it after the plan was shown', async () => {
    const dir = await unpacked('1.5.9-purge-off');
    const answer = (): boolean => {
      change(dir, `UPDATE embeddings_queue_config SET config_json_str = '${RUST.on}'`);
      return true;
    };
    const { exitCode } = await run(['vacuum', dir, '--auto-purge', 'on', '--min-reclaim', '0'], { answer });
    expect(exitCode).toBe(16);
  });

  it('is null in --json where it was not asked for', async () => {
    expect((await runJson<Vacuumed>(['vacuum', await unpacked('1.5.9-purge-off'), '--dry-run'])).autoPurge).toBeNull();
  });
});
