import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { EXIT_CODES, namesOf } from '../../src/cli/exit-codes.ts';
import { EXIT_CODE_MEANING } from '../../src/cli/failure.ts';
import { EXIT_CODE } from '../../src/errors.ts';
import type { Host } from '../../src/host/host.ts';
import { FINDING_TEXTS } from '../../src/operations/findings/findings.ts';
import type { FindingKind } from '../../src/operations/findings/kinds.ts';
import { commandLinesIn, optionsOf } from '../support/command-tree.ts';
import { run, runJson } from '../support/run.ts';

const KINDS = Object.keys(FINDING_TEXTS) as FindingKind[];
const PAGES: readonly string[] = [...KINDS, ...EXIT_CODES.map(String)];

/** On one line, as a person reads it. */
function read(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}

describe('the page of a finding', () => {
  it.each(KINDS)('%s has everything that is known of it', async (kind) => {
    const { title, means, matters, steps = [], sources = {} } = FINDING_TEXTS[kind];
    const { exitCode, stdout, stderr } = await run(['explain', kind], { columns: 80 });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const page = read(stdout);
    const commands = steps.flatMap(({ command }) => command?.replaceAll('{dir}', './persist') ?? []);
    for (const part of [kind, title, means, matters, ...steps.map(({ text }) => text), ...commands])
      expect(page).toContain(read(part));
    for (const heading of sources.format ?? []) expect(page).toContain(`docs/FORMAT.md, "${heading}"`);
    for (const issue of sources.issues ?? []) expect(page).toContain(`/issues/${issue.slice('chroma#'.length)}`);
  });
});

describe('the page of an exit code', () => {
  it.each(EXIT_CODES)('%i has its names, its meaning, the state of the data and what to do', async (code) => {
    const { exitCode, stdout } = await run(['explain', String(code), '--color', 'never'], { columns: 80 });
    expect(exitCode).toBe(0);
    for (const text of [`exit code ${code}`, ...namesOf(code), EXIT_CODE_MEANING[code] ?? ''])
      expect(read(stdout)).toContain(text);
    expect(stdout).toMatch(/\nState of the data\n {2}\S[\s\S]+\nWhat to do\n {2}\S/);
  });

  it.each(Object.entries(EXIT_CODE))('is found by the name %s, in lower case too', async (name, code) => {
    const { stdout } = await run(['explain', String(code)]);
    expect((await run(['explain', name])).stdout).toBe(stdout);
    expect((await run(['explain', name.toLowerCase()])).stdout).toBe(stdout);
  });

  it('says only commands that the program has', async () => {
    for (const code of EXIT_CODES) {
      const { stdout } = await run(['explain', String(code)]);
      for (const { line, name, options } of commandLinesIn(stdout))
        expect(optionsOf(name), line).toEqual(expect.arrayContaining([...options]));
    }
  });
});

describe('every page', () => {
  it.each([80, 120])('fits into %i columns', async (columns) => {
    for (const page of [[], ...PAGES.map((each) => [each])]) {
      const { stdout } = await run(['explain', ...page], { columns });
      const widest = Math.max(...stdout.split('\n').map((line) => stringWidth(line)));
      expect(widest, page.join(' ')).toBeLessThanOrEqual(columns);
    }
  });

  it('shows each command unbroken, so that it can be pasted', async () => {
    for (const kind of KINDS) {
      const { steps = [] } = FINDING_TEXTS[kind];
      const { stdout } = await run(['explain', kind], { columns: 80 });
      const lines = stdout.split('\n').map((line) => line.trim());
      for (const line of steps.flatMap(({ command }) => command?.split('\n') ?? []))
        expect(lines).toContain(line.replaceAll('{dir}', './persist'));
    }
  });

  it('is one object with --json', async () => {
    for (const page of PAGES) {
      const { stdout } = await run(['explain', page, '--json']);
      expect(JSON.parse(stdout)).toMatchObject({ schema: 'chroma-maint/explain@1' });
    }
  });
});

describe('without an argument', () => {
  it('every id and every exit code is listed', async () => {
    const { exitCode, stdout } = await run(['explain'], { columns: 80 });
    expect(exitCode).toBe(0);
    const listed = stdout.split('\n').flatMap((line) => /^ +(\S+) {2,}\S/.exec(line)?.[1] ?? []);
    expect(listed).toEqual(expect.arrayContaining([...PAGES]));
  });

  it('--json lists them too', async () => {
    const { findings, exitCodes } = await runJson<{
      findings: readonly { id: string }[];
      exitCodes: readonly { exitCode: number }[];
    }>(['explain']);
    expect(findings.map(({ id }) => id).toSorted()).toEqual(KINDS.toSorted());
    expect(exitCodes.map(({ exitCode }) => exitCode)).toEqual(EXIT_CODES);
  });
});

describe('what is not known', () => {
  it.each([
    ['pickle', 'pickle-missing, pickle-unreadable'],
    ['Pickle-Unreadble', 'pickle-unreadable'],
    ['hot_journel', 'hot-journal, HOT_JOURNAL'],
    ['space', 'low-space, NO_SPACE'],
    ['cross-topic', 'cross-topic-purge'],
  ])('%s is wrong arguments, with names that are like it', async (what, names) => {
    const { exitCode, stdout, stderr } = await run(['explain', what]);
    expect(exitCode).toBe(EXIT_CODE.USAGE);
    expect(stdout).toBe('');
    expect(stderr).toContain(`did you mean ${names}?`);
  });

  it.each(['4', '255', 'xyzzy', '', '-', 'ünïcode', '\u001B[31m'])('%j has nothing like it', async (what) => {
    const { exitCode, stderr } = await run(['explain', what]);
    expect(exitCode).toBe(EXIT_CODE.USAGE);
    expect(stderr).not.toContain('did you mean');
    expect(stderr).not.toContain('\u001B');
    expect(stderr).toContain('hint: all that there are: chroma-maint explain\n');
  });
});

function refuse(): never {
  throw new Error('explain has no business here');
}

it('asks nothing of the machine but the time', async () => {
  const host: Partial<Host> = { holdersOf: refuse, fileSystemOf: refuse, freeBytes: refuse };
  expect((await run(['explain', 'in-use', '--json'], {}, host)).exitCode).toBe(0);
});
