import { describe, expect, it } from 'vitest';
import { reportFailure } from '../../src/cli/failure.ts';
import type { Io } from '../../src/cli/io.ts';
import { MaintError } from '../../src/errors.ts';
import { unpacked } from '../support/fixtures.ts';
import { run, runJson } from '../support/run.ts';
import { bytesOf, seqIdsOf } from '../support/state.ts';

describe('the command line', () => {
  it.each([
    ['no command', []],
    ['an unknown command', ['defrag']],
    ['an unknown option', ['prune', '.', '--force']],
    ['two directories', ['prune', 'a', 'b']],
    ['a duration without a unit', ['prune', '.', '--wait', '10']],
    ['a share above 100 %', ['vacuum', '.', '--min-reclaim', '101%']],
    ['an unknown colour', ['inspect', '.', '--color', 'blue']],
    ['an option that belongs to another command', ['inspect', '.', '--yes']],
  ])('with %s is a usage error', async (_, argv) => {
    const { exitCode, stdout, stderr } = await run(argv);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/error: .+\n {2}nothing was changed\nhint: /);
  });

  it.each([[['--help']], [['help', 'prune']], [['vacuum', '--help']], [['--version']]])(
    '%j answers on stdout and ends with 0',
    async (argv) => {
      const { exitCode, stdout, stderr } = await run(argv);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout.length).toBeGreaterThan(10);
    },
  );

  it('takes the directory as an argument or as --path', async () => {
    const dir = await unpacked('0.5.5');
    expect(await run(['inspect', '--path', dir])).toMatchObject({ exitCode: 0 });
    expect(await run(['inspect', dir, '--path', dir])).toMatchObject({ exitCode: 0 });
  });

  it('prints no colour unless it writes to a terminal or is told to', async () => {
    const dir = await unpacked('0.5.5');
    const isColoured = async (...argv: readonly string[]): Promise<boolean> =>
      (await run(['inspect', dir, ...argv])).stdout.includes('\u001b[');
    expect(await isColoured()).toBe(false);
    expect(await isColoured('--color', 'always')).toBe(true);
    expect((await run(['inspect', dir], { columns: 80 })).stdout).toContain('\u001b[');
    expect((await run(['inspect', dir], { columns: 80, environment: { NO_COLOR: '1' } })).stdout).not.toContain(
      '\u001b[',
    );
    expect((await run(['inspect', dir, '--color', 'never'], { columns: 80 })).stdout).not.toContain('\u001b[');
  });

  it.each([80, 120])('is never wider than a terminal of %i columns', async (columns) => {
    const dir = await unpacked('0.6.3-purge-off');
    for (const argv of [
      ['inspect', dir],
      ['prune', dir, '--dry-run'],
      ['vacuum', dir, '--dry-run'],
    ]) {
      const { stdout } = await run([...argv, '--color', 'never'], { columns });
      const tooWide = stdout.split('\n').filter((line) => line.length > columns && !line.includes(dir));
      expect(tooWide).toEqual([]);
    }
  });
});

describe('--collection and --exclude', () => {
  it.each([
    ['its name', 'ledger'],
    ['its qualified name', 'büro-süd/größe/ledger'],
    ['its database and name', 'größe/ledger'],
  ])('take a collection by %s, and leave all others alone', async (_, selector) => {
    const dir = await unpacked('0.5.5');
    const report = await runJson<{
      collections: readonly { name: string; deleted: number; skip: { reason: string } | null }[];
    }>(['prune', dir, '--yes', '--collection', selector]);
    const touched = report.collections.filter(({ deleted }) => deleted > 0);
    expect(touched.map(({ name }) => name)).toEqual(['ledger']);
    expect(
      report.collections.filter(({ name }) => name !== 'ledger').every(({ skip }) => skip?.reason === 'excluded'),
    ).toBe(true);
  });

  it('together prune what is named and not excluded', async () => {
    const dir = await unpacked('0.5.5');
    const report = await runJson<{ totals: { deleted: number } }>([
      'prune',
      dir,
      '--yes',
      '--collection',
      'ledger',
      '--exclude',
      'ledger',
    ]);
    expect(report.totals.deleted).toBe(0);
  });
});

describe('--skip-index-check', () => {
  it('is named in the plan and prunes what the index does not bear out', async () => {
    const dir = await unpacked('0.5.0-readd');
    expect(await run(['prune', dir, '--dry-run'])).toMatchObject({
      exitCode: 3,
      stdout: expect.stringContaining('every id to be dropped is in its index ✓'),
    });
    const plan = await run(['prune', dir, '--dry-run', '--skip-index-check']);
    expect(plan).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('--skip-index-check') });
    expect(JSON.parse((await run(['prune', dir, '--dry-run', '--skip-index-check', '--json'])).stdout)).toMatchObject({
      indexCheck: 'skipped',
    });
  });
});

describe('--redact', () => {
  it('shows the same hash for the same name and none of the names', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const outputs = await Promise.all([
      run(['inspect', dir, '--redact']),
      run(['inspect', dir, '--redact', '--json']),
      run(['prune', dir, '--dry-run', '--redact']),
      run(['vacuum', dir, '--dry-run', '--redact', '--json']),
    ]);
    for (const { stdout, exitCode } of outputs) {
      expect(exitCode).toBe(0);
      expect(stdout).not.toMatch(/ledger|drafts|größe|büro/);
    }
    expect(outputs[1]?.stdout).toMatch(/collection-[0-9a-f]{8}/);
    expect(outputs[3]?.stdout).toMatch(/collection-[0-9a-f]{8}/);
  });

  it('still executes', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const before = seqIdsOf(dir).length;
    expect(await run(['prune', dir, '--yes', '--redact', '--collection', 'ledger'])).toMatchObject({ exitCode: 0 });
    expect(seqIdsOf(dir).length).toBeLessThan(before);
  });
});

describe('--min-reclaim', () => {
  it('does nothing, says so and ends with 0 where less would be given back', async () => {
    const dir = await unpacked('0.5.5');
    const before = bytesOf(dir);
    const text = await run(['vacuum', dir, '--yes', '--min-reclaim', '1G']);
    expect(text).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/Nothing done: [\s\S]*less than\s+--min-reclaim/),
    });
    expect(await runJson(['vacuum', dir, '--yes', '--min-reclaim', '99%'])).toMatchObject({
      changed: false,
      isWorthwhile: false,
      reclaimedBytes: 0,
    });
    expect(bytesOf(dir)).toEqual(before);
  });
});

describe('--no-prune', () => {
  it('gives free pages back and deletes nothing', async () => {
    const dir = await unpacked('0.5.5');
    const before = seqIdsOf(dir);
    const report = await runJson(['vacuum', dir, '--yes', '--no-prune', '--min-reclaim', '0']);
    expect(report).toMatchObject({ prune: null });
    expect(seqIdsOf(dir)).toEqual(before);
  });
});

describe('--quiet', () => {
  it('leaves the result and drops warnings', async () => {
    const dir = await unpacked('0.5.5');
    const host = { holdersOf: () => ({ holders: [], unreadable: 3, isSupported: true, isWholeMachine: true }) };
    expect((await run(['prune', dir, '--dry-run'], {}, host)).stderr).toContain('warning: 3 processes of other users');
    expect(await run(['prune', dir, '--dry-run', '--quiet'], {}, host)).toMatchObject({
      stderr: '',
      stdout: expect.stringContaining('Plan for'),
    });
  });
});

describe('help', () => {
  it('of a command below another is its own', async () => {
    const { exitCode, stdout } = await run(['help', 'fts', 'rebuild']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: (await run(['fts', 'rebuild', '--help'])).stdout });
    expect(stdout).toMatch(/^Usage: chroma-maint fts rebuild /);
  });

  it.each([
    [['help', 'nosuch'], 'there is no command nosuch', 'chroma-maint --help'],
    [['help', 'wal', 'nosuch'], 'there is no command wal nosuch', 'chroma-maint wal --help'],
    [['wal', 'list', '--nosuch'], "unknown option '--nosuch'", 'chroma-maint wal list --help'],
    [['backup'], 'no command was given', 'chroma-maint backup --help'],
  ])('of %j is of the command that was meant', async (argv, message, command) => {
    const { exitCode, stdout, stderr } = await run(argv);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(new RegExp(`(^|\\n)error: ${message}\n`));
    expect(stderr).toMatch(new RegExp(`\nhint: see: ${command}\n$`));
  });
});

describe('an error on a terminal', () => {
  it('is wrapped between words, and a command in it stays whole', () => {
    const command = 'chroma-maint prune ./a-directory-with-a-long-name --while-running --batch-rows 10 --yes';
    const text = {
      message: `not enough free space for ${'a word '.repeat(12)}`.trim(),
      details: ['it needs 994.6 KiB in /srv (has 600.0 KiB) for the new database, which is more than there is'],
      hint: `stop the growth: ${command}; or free some space, which is what the other commands need`,
    };
    const written: string[] = [];
    const stderr = { write: (part: string) => void written.push(part), drained: () => Promise.resolve(), columns: 60 };
    const io = { ...QUIET, stderr: { ...stderr, isTerminal: true } };
    expect(reportFailure(new MaintError('NO_SPACE', text), io, false)).toBe(15);
    const lines = written.join('').trimEnd().split('\n');
    expect(lines.join(' ').replaceAll(/\s+/g, ' ')).toBe(
      `error: ${text.message} ${text.details[0]} nothing was changed hint: ${text.hint}`,
    );
    expect(lines.filter(({ length }) => length > 60)).toEqual([`  ${command};`]);
    expect(lines.length).toBeGreaterThan(6);
  });
});

const QUIET: Io = {
  stdout: { write: () => undefined, drained: () => Promise.resolve(), columns: undefined, isTerminal: false },
  stderr: { write: () => undefined, drained: () => Promise.resolve(), columns: undefined, isTerminal: false },
  environment: {},
  isInteractive: false,
  confirm: () => Promise.resolve(false),
  interruptible: (work) => work(new AbortController().signal),
};

describe('the help of --json', () => {
  it.each([
    ['list', 'print JSON Lines on stdout: one object for each row'],
    ['export', 'with --output: print one JSON object on stdout; without: print errors as JSON'],
    ['show', 'print one JSON object on stdout'],
  ])('of wal %s says what it prints', async (verb, text) => {
    const { stdout } = await run(['wal', verb, '--help']);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(`--json ${text}`);
  });
});
