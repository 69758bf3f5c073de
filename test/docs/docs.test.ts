/**
 * README, docs and --help are held to the command tree and to each other.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { EXIT_CODE_MEANING } from '../../src/cli/failure.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { EXIT_BUG, EXIT_CODE, EXIT_DONE, EXIT_NEEDS_ATTENTION } from '../../src/errors.ts';
import { realHost } from '../../src/host/real-host.ts';
import { run } from '../support/run.ts';

const ROOT = join(import.meta.dirname, '../..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const DOCS = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));

const COMMANDS: readonly Command[] = commandTree();

function commandTree(): readonly Command[] {
  const silent = { write: () => undefined, columns: undefined, isTerminal: false };
  const io = {
    stdout: silent,
    stderr: silent,
    environment: {},
    isInteractive: false,
    confirm: () => Promise.resolve(false),
    interruptible: <T>(work: (signal: AbortSignal) => Promise<T>) => work(new AbortController().signal),
  };
  return buildProgram({ io, host: realHost, finish: () => undefined, run: () => Promise.resolve(0) }).commands;
}

function sourcesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
}

describe('every command', () => {
  it.each(COMMANDS.map((command) => [command.name(), command] as const))('%s and its options stand in the README', (name, command) => {
    expect(README).toContain(`chroma-maint ${name}`);
    const missing = command.options.map(({ long }) => long ?? '').filter((long) => !README.includes(`\`${long}`));
    expect(missing).toEqual([]);
  });

  it.each(COMMANDS.map((command) => [command.name()]))('%s --help ends with an example and its exit codes', async (name) => {
    const { stdout } = await run([name, '--help']);
    expect(stdout).toMatch(/\nExample:\n {2}chroma-maint .+\n\nExit codes:\n( +\d+ {2}.+\n)+$/);
  });

  it('that the README shows is one that the program accepts', () => {
    const shown = [...README.matchAll(/chroma-maint (inspect|prune|vacuum|demo)\b([^\n`|#]*)/g)];
    expect(shown.length).toBeGreaterThan(5);
    for (const [line, name, rest = ''] of shown) {
      const options = COMMANDS.find((command) => command.name() === name)?.options.map(({ long }) => long) ?? [];
      for (const word of rest.split(/[\s=]+/).filter((each) => /^--[a-z]/.test(each))) expect(options, line).toContain(word);
    }
  });
});

describe('every exit code', () => {
  const codes = [EXIT_DONE, EXIT_NEEDS_ATTENTION, EXIT_BUG, ...Object.values(EXIT_CODE)];

  it('has words, and no words are without a code', () => {
    expect(Object.keys(EXIT_CODE_MEANING).map(Number).toSorted((a, b) => a - b)).toEqual(codes.toSorted((a, b) => a - b));
  });

  it.each(Object.entries(EXIT_CODE_MEANING))('%s stands in the README with the words of --help', (code, meaning) => {
    const row = README.split('\n').find((line) => new RegExp(`^\\| *\`?${code}\`? *\\|`).test(line));
    expect(row?.replaceAll('`', '')).toContain(meaning);
  });

  it.each(Object.keys(EXIT_CODE))('%s is named in docs/JSON.md', (code) => {
    expect(readFileSync(join(ROOT, 'docs/JSON.md'), 'utf8')).toContain(code);
  });
});

describe('every reference', () => {
  it('from README and docs to a file leads somewhere', () => {
    for (const [folder, text] of [[ROOT, README], ...DOCS.map((name) => [join(ROOT, 'docs'), readFileSync(join(ROOT, 'docs', name), 'utf8')])] as const) {
      const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, target = '']) => target);
      expect(links.filter((target) => !existsSync(join(folder, target)))).toEqual([]);
    }
  });

  it('from a comment to a section of docs/FORMAT.md leads to a heading', () => {
    const format = readFileSync(join(ROOT, 'docs/FORMAT.md'), 'utf8');
    const cited = sourcesBelow(join(ROOT, 'src')).flatMap((source) =>
      [...source.matchAll(/docs\/FORMAT\.md, *\n?[ *]*"([^"]+)"/g)].map(([, heading = '']) => heading),
    );
    expect(cited.length).toBeGreaterThan(3);
    for (const heading of cited) expect(format).toMatch(new RegExp(`^#+ ${heading}$`, 'm'));
  });
});
