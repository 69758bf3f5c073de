/**
 * README, docs and --help are held to the command tree and to each other.
 */
import { copyFileSync, existsSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { SkipReason } from '../../src/chroma/model.ts';
import { needsAttention } from '../../src/chroma/prune-plan.ts';
import { EXIT_CODE_MEANING } from '../../src/cli/failure.ts';
import { EXIT_BUG, EXIT_CODE, EXIT_DONE, EXIT_NEEDS_ATTENTION } from '../../src/errors.ts';
import type { Host } from '../../src/host/host.ts';
import { finding, FINDING_TEXTS } from '../../src/operations/findings/findings.ts';
import type { FindingKind } from '../../src/operations/findings/kinds.ts';
import { COMMANDS, commandLinesIn, fullName, optionsOf } from '../support/command-tree.ts';
import { orphanTopic } from '../support/damage.ts';
import { missingFullTextRows } from '../support/full-text-damage.ts';
import { temporaryDirectory, unpacked, unpackedDemo } from '../support/fixtures.ts';
import { incremental } from '../support/incremental.ts';
import { run, runJson } from '../support/run.ts';
import { linesOf } from '../support/wal.ts';

const ROOT = join(import.meta.dirname, '../..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const CHECKS_MD = readFileSync(join(ROOT, 'docs/CHECKS.md'), 'utf8');
const JSON_MD = readFileSync(join(ROOT, 'docs/JSON.md'), 'utf8');
const DOCS = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.md'),
);

function sourcesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
}

describe('every command', () => {
  it.each(COMMANDS.map((command) => [fullName(command), command] as const))(
    '%s and its options stand in the README',
    (name, command) => {
      expect(README).toContain(`chroma-maint ${name}`);
      const missing = command.options.map(({ long }) => long ?? '').filter((long) => !README.includes(`\`${long}`));
      expect(missing).toEqual([]);
    },
  );

  it.each(['', ...COMMANDS.map(fullName)])('%s --help ends with an example and its exit codes', async (name) => {
    const { stdout } = await run([...name.split(' ').filter((word) => word !== ''), '--help'], { columns: 80 });
    expect(stdout).toMatch(/\nExample:\n {2}chroma-maint .+\n\nExit codes:\n( +\d+ {2}.+\n)+$/);
    expect(stdout.split('\n').filter(({ length }) => length > 80)).toEqual([]);
  });

  it('that README and docs show is one that the program accepts', () => {
    const texts = [README, ...DOCS.map((name) => readFileSync(join(ROOT, 'docs', name), 'utf8'))].join('\n');
    const shown = commandLinesIn(texts);
    expect(shown.length).toBeGreaterThan(5);
    for (const { line, name, options } of shown) {
      for (const option of options) expect(optionsOf(name), line).toContain(option);
    }
  });
});

describe('every exit code', () => {
  const codes = [...new Set([EXIT_DONE, EXIT_NEEDS_ATTENTION, EXIT_BUG, ...Object.values(EXIT_CODE)])];

  it('has words, and no words are without a code', () => {
    expect(
      Object.keys(EXIT_CODE_MEANING)
        .map(Number)
        .toSorted((a, b) => a - b),
    ).toEqual(codes.toSorted((a, b) => a - b));
  });

  it.each(Object.entries(EXIT_CODE_MEANING))('%s stands in the README with the words of --help', (code, meaning) => {
    const row = README.split('\n').find((line) => new RegExp(`^\\| *\`?${code}\`? *\\|`).test(line));
    expect(row?.replaceAll('`', '')).toContain(meaning);
  });

  it.each(Object.entries(EXIT_CODE))('%s, %i, stands in docs/JSON.md with the words of --help', (name, code) => {
    expect(JSON_MD).toContain(`| \`${name}\` | ${code} | ${EXIT_CODE_MEANING[code]} |`);
  });
});

/** Somebody has the database open: `inspect` names them, a dry run lists the guard that fails. */
const IN_USE: Partial<Host> = {
  holdersOf: () => ({
    holders: [{ pid: 1427, user: 'chroma', command: 'chroma run', openFiles: 1, hasDatabaseOpen: true }],
    unreadable: 0,
    isSupported: true,
    isWholeMachine: true,
  }),
};

/** Runs that together print every field that a command can print. */
const RUNS: Readonly<Record<string, () => Promise<readonly unknown[]>>> = {
  inspect: async () => [await runJson(['inspect', await unpacked('0.5.5')], IN_USE)],
  check: async () => [await runJson(['check', await unpacked('0.5.0-readd')])],
  explain: async () => [
    await runJson(['explain', 'pickle-unreadable']),
    await runJson(['explain', 'IN_USE']),
    await runJson(['explain']),
  ],
  prune: async () => {
    const dir = await unpacked('0.5.0-readd');
    return [
      await runJson(['prune', dir, '--dry-run'], IN_USE),
      await runJson(['prune', await unpacked('0.5.5'), '--while-running', '--yes']),
      await runJson(['prune', dir, '--yes']),
    ];
  },
  vacuum: async () => {
    const dir = await unpacked('0.5.0-readd');
    const isDry = ['vacuum', dir, '--dry-run'];
    return [
      await runJson(isDry, IN_USE),
      await runJson([...isDry, '--no-prune']),
      await runJson(['vacuum', await unpacked('1.5.9-purge-off'), '--auto-purge', 'on', '--dry-run']),
      await runJson(['vacuum', dir, '--yes']),
      await runJson(['vacuum', await cleanable(), '--clean', '--min-age', '0s', '--dry-run']),
      await runJson(['vacuum', await incremental('0.5.5'), '--incremental', '--while-running', '--yes']),
    ];
  },
  clean: async () => {
    const dir = await cleanable();
    return [
      await runJson(['clean', dir, '--dry-run', '--min-age', '0s'], IN_USE),
      await runJson(['clean', dir, '--yes', '--min-age', '0s']),
    ];
  },
  'fts rebuild': async () => {
    const [damaged, pieces] = [await unpacked('1.5.9-purge-off'), await unpacked('0.6.3-purge-off')];
    missingFullTextRows(damaged, 2);
    return [
      await runJson(['fts', 'rebuild', damaged, '--dry-run'], IN_USE),
      await runJson(['fts', 'rebuild', damaged, '--yes']),
      await runJson(['fts', 'optimize', pieces, '--yes']),
    ];
  },
  'wal config': async () => {
    const dir = await unpacked('1.5.9-purge-off');
    return [
      await runJson(['wal', 'config', dir]),
      await runJson(['wal', 'config', dir, '--auto-purge', 'on', '--dry-run'], IN_USE),
      await runJson(['wal', 'config', dir, '--auto-purge', 'on', '--yes']),
    ];
  },
  scrub: async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const others = temporaryDirectory();
    writeFileSync(join(others, 'old.gz'), gzipSync('old'));
    copyFileSync(join(dir, 'chroma.sqlite3'), join(others, 'copy'));
    const { stdout: answeredNo } = await run(['scrub', dir, '--json'], { answer: 'no' });
    return [
      JSON.parse(answeredNo),
      await runJson(['scrub', dir, '--dry-run'], IN_USE),
      await runJson(['scrub', dir, '--yes', '--also', others]),
    ];
  },
  'clean --restore': async () => {
    const dir = await unpacked('0.6.3-purge-off');
    await run(['clean', dir, '--yes', '--min-age', '0s']);
    return [await runJson(['clean', dir, '--purge-quarantine', '--dry-run'], IN_USE)];
  },
  'wal list': async () => {
    const { stdout } = await run(['wal', 'list', await unpacked('0.5.5'), '--json']);
    return linesOf(stdout);
  },
  'wal show': async () => {
    // Two rows of one record.
    const dir = await unpacked('0.5.5');
    return [await runJson(['wal', 'show', dir, '19']), await runJson(['wal', 'show', dir, '481'])];
  },
  'wal export': async () => {
    const file = join(temporaryDirectory(), 'wal.jsonl');
    return [await runJson(['wal', 'export', await unpacked('0.5.5'), '-o', file])];
  },
  'backup create': async () => {
    const repository = join(temporaryDirectory(), 'repo');
    const argv = ['prune', await unpacked('0.5.5'), '--yes', '--backup', repository];
    // The same object, of a snapshot that was verified.
    const { backup } = await runJson<{ backup: object }>(argv);
    return [await createdWithEverything(repository), backup];
  },
  'backup list': async () => [await runJson(['backup', 'list', await repositoryWithEverything()])],
  'backup verify': async () => {
    const repository = await repositoryWithEverything();
    return [await runJson(['backup', 'verify', repository, '--all', '--full'])];
  },
  'backup restore': async () => {
    const repository = await repositoryWithEverything();
    const argv = ['backup', 'restore', await soundIn(repository), '--from', repository];
    return [await runJson([...argv, '--to', `${repository}-restored`])];
  },
  'backup forget': async () => {
    const repository = await repositoryWithEverything();
    return [await runJson(['backup', 'forget', repository, '--keep-last', '1', '--dry-run'])];
  },
};

/** A directory with everything that a clean-up removes. */
async function cleanable(): Promise<string> {
  const dir = await unpacked('0.6.3-purge-off');
  orphanTopic(dir, 'ledger');
  return dir;
}

/** What a directory can have that a snapshot leaves out or warns of. */
async function createdWithEverything(repository = join(temporaryDirectory(), 'repo')): Promise<unknown> {
  const dir = await unpacked('0.5.5');
  symlinkSync('nowhere', join(dir, 'link'));
  const [segment = ''] = readdirSync(dir).filter((name) => name.includes('-'));
  truncateSync(join(dir, segment, 'link_lists.bin'), 10_000_000);
  return runJson(['backup', 'create', dir, '--to', repository]);
}

/** A sound snapshot that was verified, one that is damaged, and one whose manifest is. */
async function repositoryWithEverything(): Promise<string> {
  const repository = join(temporaryDirectory(), 'repo');
  for (let count = 0; count < 3; count += 1) await createdWithEverything(repository);
  const [, damaged = '', unreadable = ''] = snapshotsIn(repository);
  truncateSync(join(repository, damaged, 'data/chroma.sqlite3'), 100);
  truncateSync(join(repository, unreadable, 'manifest.json'), 100);
  await run(['backup', 'verify', repository, '--all']);
  await createdWithEverything(repository);
  return repository;
}

function snapshotsIn(repository: string): readonly string[] {
  return readdirSync(repository).filter((name) => /^\d{8}T/.test(name));
}

function soundIn(repository: string): Promise<string> {
  return runJson<{ snapshots: readonly { id: string; verifiedAt: string | null }[] }>([
    'backup',
    'list',
    repository,
  ]).then(({ snapshots }) => snapshots.find(({ verifiedAt }) => verifiedAt !== null)?.id ?? '');
}

describe('every field', () => {
  it.each(Object.entries(RUNS))('of %s --json stands in docs/JSON.md, and no other', async (name, print) => {
    const printed = (await print()).flatMap((object) => fieldsOf(object));
    expect([...new Set(printed)].toSorted()).toEqual([...documentedFields(name)].toSorted());
  });

  it('of an error stands in docs/JSON.md, and no other', async () => {
    const { stderr } = await run(['prune', await unpacked('0.5.5'), '--yes', '--json'], {}, IN_USE);
    expect(fieldsOf(JSON.parse(stderr)).toSorted()).toEqual(firstCells(sectionOf('## An error', 0)).toSorted());
  });
});

describe('every finding', () => {
  it('stands in docs/CHECKS.md with its severity and a page of its own, and no other', () => {
    const kinds = Object.keys(FINDING_TEXTS) as readonly FindingKind[];
    const shown = [...CHECKS_MD.matchAll(/^\| \[([a-z-]+)\]\(findings\/([a-z-]+)\.md\) \| (\w+) \|/gm)];
    expect(shown.map(([, id, page, severity]) => `${id} ${page} ${severity}`).toSorted()).toEqual(
      kinds.map((kind) => `${kind} ${kind} ${finding(kind, '', '').severity}`).toSorted(),
    );
    const pages = readdirSync(join(ROOT, 'docs/findings'));
    expect(pages.toSorted()).toEqual(kinds.map((kind) => `${kind}.md`).toSorted());
  });

  it('and every reason to skip a collection stands in docs/JSON.md with who needs to look, and no other', () => {
    const reasons = ['SkipReason', 'NoWatermark', 'UnreadableBecause'].flatMap((type) =>
      literalsOf('chroma/model.ts', type),
    ) as readonly SkipReason[];
    const rows = rowsOf(sectionOf('### skip', 1)).map(([reason, attention]) => `${reason} ${attention}`);
    expect(rows.toSorted()).toEqual(reasons.map((reason) => `${reason} ${needsAttention(reason)}`).toSorted());
  });
});

describe('every transcript', () => {
  const shown = [
    ...README.matchAll(/```\n\$ chroma-maint ([^\n#]*\.\/persist[^\n#]*)(?:# exit (\d+))?\n([\s\S]*?)```/g),
  ];

  it('on ./persist in the README is one of those below', () => {
    expect(shown.length).toBe(README.match(/^\$ chroma-maint .*\.\/persist/gm)?.length);
    expect(shown.length).toBeGreaterThan(3);
  });

  it.each(shown.map(([, command = '', code = '0', output = '']) => [command.trim(), Number(code), output] as const))(
    'chroma-maint %s with exit code %i is what the program prints',
    async (command, code, output) => {
      const dir = await (code === 0 ? unpackedDemo() : unpacked('0.5.0-readd'));
      const home = process.cwd();
      process.chdir(dirname(dir));
      try {
        // Without TMPDIR, the directory for temporary files is the same everywhere.
        const { exitCode, stdout } = await run(command.split(' '), {}, { environment: {} });
        // The line for cron has the whole path.
        expect(withoutDurations(stdout.replaceAll(`${dirname(dir)}/`, '/srv/'))).toBe(withoutDurations(output));
        expect(exitCode).toBe(code);
      } finally {
        process.chdir(home);
      }
    },
  );
});

function withoutDurations(text: string): string {
  return text.replaceAll(/Done in \d+\.\d s/g, 'Done in 0.0 s');
}

/** Paths of the values in `value`: `bytes.free`, `holders` and `holders[].pid`. An object is its fields. */
function fieldsOf(value: unknown, path = ''): readonly string[] {
  if (Array.isArray(value)) {
    return [path, ...value.filter(isObject).flatMap((each) => fieldsOf(each, `${path}[]`))];
  }
  // The keys of `rows` are names of tables, and stand in the text.
  if (!isObject(value) || /(^|\.)rows$/.test(path)) return [path];
  return Object.entries(value).flatMap(([key, each]) => fieldsOf(each, path === '' ? key : `${path}.${key}`));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** What docs/JSON.md promises for a command, written out: `skip` and `prune` stand there as a reference. */
function documentedFields(name: string): ReadonlySet<string> {
  const skip = firstCells(sectionOf('### skip', 0)).map((field) => `collections[].skip.${field}`);
  const own = firstCells(sectionOf(`## ${name}`, 0));
  const snapshot = firstCells(sectionOf('### Snapshot', 0));
  const fields = [
    ...own.filter((field) => field !== 'snapshot'),
    ...(own.includes('collections[].skip') ? skip : []),
    ...(own.includes('snapshot') ? snapshot.map((field) => `snapshot.${field}`) : []),
    ...(name === 'wal show' ? firstCells(sectionOf('## wal list', 0)) : []),
    ...(name === 'backup list' ? snapshot.map((field) => `snapshots[].${field}`) : []),
  ];
  if (!own.includes('prune')) return new Set(fields);
  const pruned = [...documentedFields('prune')].filter((field) => !/^(schema|time|backup|online(\..*)?)$/.test(field));
  const withPruned = [...fields, ...pruned.map((field) => `prune.${field}`)];
  // Only there it can be null.
  if (!own.includes('clean')) return new Set(withPruned.filter((field) => field !== 'prune'));
  const clean = firstCells(sectionOf('## clean', 0));
  const cleaned = clean.slice(clean.indexOf('doubt'), clean.indexOf('freedInsideBytes') + 1);
  return new Set([...withPruned, ...cleaned.map((field) => `clean.${field}`)]);
}

/** The lines of table `at` (0 is the first) below a heading of docs/JSON.md. */
function sectionOf(heading: string, at: number): readonly string[] {
  const [, text = ''] = JSON_MD.split(`\n${heading}\n`);
  const table = text.match(/(^\|.*\n)+/gm)?.[at] ?? '';
  return table.trim().split('\n').slice(2);
}

function rowsOf(lines: readonly string[]): readonly (readonly string[])[] {
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

function firstCells(lines: readonly string[]): readonly string[] {
  return rowsOf(lines).map(([first = '']) => first);
}

/** The string literals of a union type, from its source. */
function literalsOf(file: string, type: string): readonly string[] {
  const source = readFileSync(join(ROOT, 'src', file), 'utf8');
  const [, union = ''] = new RegExp(`export type ${type} =([^;]*);`).exec(source) ?? [];
  return [...union.matchAll(/'([^']+)'/g)].map(([, literal = '']) => literal);
}

describe('every reference', () => {
  it('from README and docs to a file leads somewhere', () => {
    for (const [folder, text] of [
      [ROOT, README],
      ...DOCS.map((name) => [join(ROOT, 'docs', dirname(name)), readFileSync(join(ROOT, 'docs', name), 'utf8')]),
    ] as const) {
      const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, target = '']) => target);
      expect(links.filter((target) => !existsSync(join(folder, target)))).toEqual([]);
    }
  });

  it('from README and docs to a file leads to one that the package has', () => {
    const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { files: readonly string[] };
    const shipped = [...files, 'README.md'].map((name) => join(ROOT, name));
    const targets = [
      ['', README],
      ...DOCS.map((name) => [join('docs', dirname(name)), readFileSync(join(ROOT, 'docs', name), 'utf8')]),
    ].flatMap(([folder = '', text = '']) =>
      [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, target = '']) => join(ROOT, folder, target)),
    );
    expect(targets.length).toBeGreaterThan(10);
    expect(targets.filter((path) => !shipped.some((each) => `${path}/`.startsWith(`${each}/`)))).toEqual([]);
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
