/**
 * Everything an operator can get wrong, and every state a directory can be found in: exit code, words, and the bytes
 * afterwards. One table; a row is a misuse, and each command that it concerns is run on it.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Host } from '../../src/host/host.ts';
import * as damage from '../support/damage.ts';
import { temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { PROGRAM, unprivileged } from '../support/program.ts';
import { run, type Terminal } from '../support/run.ts';
import { bytesOf } from '../support/state.ts';

type Verb = 'inspect' | 'prune' | 'vacuum' | 'clean';

interface Misuse {
  readonly title: string;
  /** Makes the directory and returns its path, or the arguments that are to be misused. */
  readonly prepare: () => string | Promise<string>;
  readonly exitCodes: Readonly<Partial<Record<Verb, number>>>;
  /** What stderr says for every exit code of a failure. */
  readonly says: RegExp;
  readonly options?: readonly string[];
  readonly terminal?: Terminal;
  readonly host?: Partial<Host>;
}

const WRITERS = (exitCode: number): Misuse['exitCodes'] => ({
  inspect: 0,
  prune: exitCode,
  vacuum: exitCode,
  clean: exitCode,
});
const ALL = (exitCode: number): Misuse['exitCodes'] => ({ ...WRITERS(exitCode), inspect: exitCode });

/** A copy of `fixture` that was damaged by `work`. */
function damaged(fixture: string, work: (dir: string) => unknown): () => Promise<string> {
  return async () => {
    const dir = await unpacked(fixture);
    await work(dir);
    return dir;
  };
}

const MISUSES: readonly Misuse[] = [
  {
    title: 'a path that does not exist',
    prepare: () => join(temporaryDirectory(), 'nowhere'),
    exitCodes: ALL(10),
    says: /no such directory/,
  },
  {
    title: 'the directory above',
    prepare: async () => {
      const parent = temporaryDirectory();
      renameSync(await unpacked('0.5.5'), join(parent, 'persist'));
      return parent;
    },
    exitCodes: ALL(10),
    says: /not a Chroma persist directory[\s\S]*hint: did you mean \S+\/persist\?/,
  },
  {
    title: 'a file instead of a directory',
    prepare: async () => join(await unpacked('0.5.5'), 'chroma.sqlite3'),
    exitCodes: ALL(10),
    says: /this is a file, not a directory/,
  },
  {
    title: 'an empty directory',
    prepare: () => temporaryDirectory(),
    exitCodes: ALL(10),
    says: /not a Chroma persist directory[\s\S]*it is empty/,
  },
  {
    title: "another program's database under Chroma's name",
    prepare: damaged('0.5.5', damage.foreignDatabase),
    exitCodes: ALL(10),
    says: /database is not Chroma's/,
  },
  {
    title: 'a database of 0 bytes',
    prepare: damaged('0.5.5', damage.zeroByteDatabase),
    exitCodes: ALL(10),
    says: /empty \(0 bytes\)/,
  },
  {
    title: 'a database that is cut short',
    prepare: damaged('0.5.5', damage.tornDatabase),
    exitCodes: ALL(14),
    says: /cut short[\s\S]*: cp \/\S+\/chroma\.sqlite3 damaged\.sqlite3 && sqlite3 damaged/,
  },
  {
    title: 'a file that is no database',
    prepare: damaged('0.5.5', (dir) => writeFileSync(join(dir, 'chroma.sqlite3'), 'x'.repeat(4096))),
    exitCodes: ALL(10),
    says: /not a SQLite database/,
  },
  {
    title: 'a directory of Chroma before 0.4',
    prepare: () => {
      const dir = temporaryDirectory();
      for (const name of ['chroma-collections.parquet', 'chroma-embeddings.parquet'])
        writeFileSync(join(dir, name), 'PAR1');
      return dir;
    },
    exitCodes: ALL(10),
    says: /Chroma before 0\.4/,
  },
  {
    title: 'an unknown migration',
    prepare: damaged('1.5.9-purge-off', damage.unknownMigration),
    exitCodes: ALL(13),
    says: /not one that chroma-maint knows/,
  },
  {
    title: 'an edited migration',
    prepare: damaged('0.6.3-purge-off', damage.editedMigration),
    exitCodes: ALL(13),
    says: /not one that chroma-maint knows/,
  },
  ...damage.HALF_RUN_MIGRATIONS.map((what) => ({
    title: `an upgrade that was cut off (${what})`,
    prepare: damaged('0.6.3-purge-off', (dir) => damage.halfRunMigration(dir, what)),
    exitCodes: ALL(13),
    says: /cut off in the middle|not one that chroma-maint knows/,
  })),
  {
    title: 'a hot journal',
    prepare: damaged('0.5.5', damage.hotJournal),
    exitCodes: ALL(12),
    says: /cut off and its rollback journal/,
  },
  {
    title: "SQLite's WAL mode",
    prepare: damaged('0.5.5', (dir) => damage.walMode(dir, 'header')),
    exitCodes: ALL(12),
    says: /WAL mode/,
  },
  {
    title: 'WAL mode with -wal and -shm beside it',
    prepare: damaged('0.5.5', (dir) => damage.walMode(dir, 'files')),
    exitCodes: ALL(12),
    says: /WAL mode/,
  },
  {
    title: 'a -wal beside a database that is not in WAL mode',
    prepare: damaged('0.5.5', (dir) => writeFileSync(join(dir, 'chroma.sqlite3-wal'), '')),
    exitCodes: ALL(12),
    says: /write-ahead file stands beside/,
  },
  {
    title: 'a poisoned watermark, as INTEGER',
    prepare: damaged('1.5.9-purge-off', (dir) => damage.poisonedWatermark(dir, 'notes', 'INTEGER')),
    exitCodes: WRITERS(14),
    says: /ahead of the WAL/,
  },
  {
    title: 'a poisoned watermark, as BLOB',
    prepare: damaged('0.6.3-purge-off', (dir) => damage.poisonedWatermark(dir, 'notes', 'BLOB')),
    exitCodes: WRITERS(14),
    says: /ahead of the WAL/,
  },
  {
    title: 'an emptied queue',
    prepare: damaged('0.5.5', damage.emptiedQueue),
    exitCodes: WRITERS(14),
    says: /ahead of the WAL/,
  },
  {
    title: 'a damaged page',
    prepare: damaged('0.5.5', (dir) => damage.damagedPage(dir, 'embedding_metadata')),
    exitCodes: { prune: 14 },
    says: /quick_check found damage/,
  },
  {
    title: 'a damaged page, to be rewritten in place',
    prepare: damaged('0.5.5', (dir) => damage.damagedPage(dir, 'embedding_metadata')),
    exitCodes: { vacuum: 14 },
    options: ['--yes', '--mode', 'in-place'],
    says: /quick_check found damage/,
  },
  {
    title: 'a symlinked database',
    prepare: damaged('0.5.5', damage.symlinkedDatabase),
    exitCodes: WRITERS(20),
    says: /symbolic link/,
  },
  {
    title: 'a hard-linked database',
    prepare: damaged('0.5.5', damage.hardLinkedDatabase),
    exitCodes: WRITERS(20),
    says: /2 names \(hard links\)/,
  },
  {
    title: 'a network file system',
    prepare: damaged('0.5.5', () => undefined),
    exitCodes: WRITERS(20),
    says: /network file system \(nfs\)/,
    host: { fileSystemOf: () => ({ name: 'nfs', isNetwork: true, device: 1n }) },
  },
  {
    title: 'no free space',
    prepare: damaged('0.5.5', () => undefined),
    exitCodes: WRITERS(15),
    says: /not enough free space[\s\S]*needs .* in .* \(has 1000 B\)/,
    host: { freeBytes: () => Promise.resolve(1_000) },
  },
  {
    title: 'no terminal and no --yes',
    prepare: damaged('0.5.5', () => undefined),
    exitCodes: WRITERS(2),
    says: /no terminal to ask on/,
    options: [],
  },
  {
    title: 'Ctrl-C at the question',
    prepare: damaged('0.5.5', () => undefined),
    exitCodes: WRITERS(130),
    says: /interrupted/,
    options: [],
    terminal: { answer: 'ctrl-c' },
  },
  {
    title: 'a collection that does not exist',
    prepare: damaged('0.5.5', () => undefined),
    exitCodes: { prune: 2, vacuum: 2 },
    says: /no collection "nobody"/,
    options: ['--yes', '--collection', 'nobody'],
  },
  {
    title: 'a collection name that several databases have',
    prepare: damaged('0.5.5', () => undefined),
    exitCodes: { prune: 2, vacuum: 2 },
    says: /2 collections answer to "notes"/,
    options: ['--yes', '--exclude', 'notes'],
  },
];

const CASES = MISUSES.flatMap((misuse) =>
  (Object.entries(misuse.exitCodes) as [Verb, number][]).map(
    ([verb, exitCode]) => [verb, misuse.title, exitCode, misuse] as const,
  ),
);

describe('misuse', () => {
  it.each(CASES)('%s on %s ends with exit code %i and changes nothing', async (verb, title, exitCode, misuse) => {
    const dir = await misuse.prepare();
    const before = safeBytes(dir);
    const options =
      verb === 'inspect'
        ? []
        : [...(misuse.options ?? ['--yes']), ...(verb === 'vacuum' ? ['--min-reclaim', '0'] : [])];
    const result = await run([verb, dir, ...options], misuse.terminal, misuse.host);
    expect(result.exitCode, title).toBe(exitCode);
    expect(safeBytes(dir)).toEqual(before);
    if (exitCode === 0) return;
    expect(result.stdout).toBe('');
    expect(result.stderr).toMatch(misuse.says);
    expect(result.stderr).toMatch(/^error: .+/m);
    expect(result.stderr).toMatch(/^ {2}nothing was changed$/m);
    expect(result.stderr).toMatch(/^hint: .+/m);
    expect(result.stderr).not.toMatch(/\n\s+at /);
  });

  it.each(CASES.filter(([, , exitCode]) => exitCode !== 0 && exitCode !== 130))(
    '%s --json on %s says exit code %i in one object on stderr',
    async (verb, _, exitCode, misuse) => {
      const dir = await misuse.prepare();
      const options = verb === 'inspect' ? [] : (misuse.options ?? ['--yes']);
      const result = await run(
        [verb, dir, ...options, '--json', ...(verb === 'vacuum' ? ['--min-reclaim', '0'] : [])],
        {},
        misuse.host,
      );
      expect(result.stdout).toBe('');
      expect(JSON.parse(result.stderr)).toMatchObject({ type: 'error', exitCode, changed: false });
    },
  );
});

/** A file, or a path that does not exist, has no bytes below it. */
function safeBytes(path: string): unknown {
  try {
    return bytesOf(path);
  } catch {
    return undefined;
  }
}

/** Damages of one collection: it alone is skipped, the others are pruned, exit code 3. */
const SKIPS: readonly (readonly [title: string, reason: string, fixture: string, work: (dir: string) => unknown])[] = [
  [
    'a missing pickle beside a recorded position',
    'pickle-missing',
    '0.6.3-purge-off',
    (dir) => damage.missingPickle(dir, 'ledger'),
  ],
  ['an empty pickle', 'pickle-unreadable', '0.5.5', (dir) => damage.emptyPickle(dir, 'ledger')],
  ['a pickle that is cut short', 'pickle-unreadable', '0.5.5', (dir) => damage.truncatedPickle(dir, 'ledger')],
  ['a pickle of garbage', 'pickle-unreadable', '1.5.9-purge-off', (dir) => damage.garbagePickle(dir, 'ledger')],
  [
    'a pickle that names a forbidden class',
    'pickle-unreadable',
    '0.5.5',
    (dir) => damage.pickleWithForbiddenClass(dir, 'ledger', join(dir, 'witness')),
  ],
  ['a pickle without max_seq_id', 'watermark-invalid', '0.5.5', (dir) => damage.pickleWithoutMaxSeqId(dir, 'ledger')],
  [
    'a recorded position that is NULL',
    'watermark-invalid',
    '1.5.9-purge-off',
    (dir) => damage.nullWatermark(dir, 'ledger'),
  ],
  [
    'a recorded position below zero',
    'watermark-invalid',
    '1.5.9-purge-off',
    (dir) => damage.negativeWatermark(dir, 'ledger'),
  ],
  [
    'an index ahead of its metadata',
    'vector-ahead-of-metadata',
    '0.5.5',
    (dir) => damage.vectorAheadOfMetadata(dir, 'ledger'),
  ],
  [
    'an index without header.bin',
    'index-files-damaged',
    '0.5.5',
    (dir) => damage.damagedIndexFiles(dir, 'ledger', 'no header.bin'),
  ],
  [
    'an index whose data is cut short',
    'index-files-damaged',
    '1.5.9-purge-off',
    (dir) => damage.damagedIndexFiles(dir, 'ledger', 'short data'),
  ],
  ['rows under two topics', 'ambiguous-topic', '0.5.5', (dir) => damage.secondTopicPrefix(dir, 'ledger')],
];

interface SkipJson {
  readonly changed: boolean;
  readonly collections: readonly {
    readonly name: string;
    readonly prunable: number;
    readonly deleted: number;
    readonly skip: { readonly reason: string } | null;
  }[];
}

describe('a damaged collection', () => {
  it.each(SKIPS)('with %s is skipped as %s, the others are pruned', async (_, reason, fixture, work) => {
    const dir = await unpacked(fixture);
    work(dir);
    const { exitCode, stdout } = await run(['prune', dir, '--yes', '--json']);
    expect(exitCode).toBe(3);
    const { changed, collections } = JSON.parse(stdout) as SkipJson;
    expect(changed).toBe(true);
    const ledger = collections.filter(({ name }) => name === 'ledger');
    expect(ledger).toMatchObject([{ prunable: 0, deleted: 0, skip: { reason, needsAttention: true } }]);
    expect(collections.filter(({ deleted }) => deleted > 0).length).toBeGreaterThan(0);
    const inspected = await run(['inspect', dir, '--json']);
    expect(inspected.exitCode).toBe(0);
    expect(inspected.stdout).toContain(`"id": "${reason}"`);
    const text = await run(['prune', dir, '--yes']);
    expect(text).toMatchObject({
      exitCode: 3,
      stdout: expect.stringMatching(/1\s+collection\s+needs\s+you[\s\S]*skipped/),
    });
  });
});

describe('the path', () => {
  it.each([
    ['with a space', 'a directory'],
    ['in unicode', 'größe 目录'],
    ['with a quote', "it's"],
  ])('%s is taken as it is', async (_, name) => {
    const dir = await unpacked('0.5.5');
    const link = join(temporaryDirectory(), name);
    symlinkSync(dir, link);
    const { exitCode, stdout } = await run(['prune', `${link}/`, '--yes']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('Deleted');
  });

  it('given twice and different is refused before anything is looked at', async () => {
    const dir = await unpacked('0.5.5');
    const before = bytesOf(dir);
    expect(await run(['prune', dir, '--path', `${dir}x`, '--yes'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('two different'),
    });
    expect(bytesOf(dir)).toEqual(before);
    expect((await run(['prune', dir, '--path', `${dir}/`, '--dry-run'])).exitCode).toBe(0);
  });

  it('left out is a usage error, never a guess', async () => {
    for (const verb of ['inspect', 'prune', 'vacuum']) {
      expect(await run([verb])).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('no persist directory') });
    }
  });
});

describe('a person', () => {
  it('who answers no changes nothing and ends with 0', async () => {
    const dir = await unpacked('0.5.5');
    const before = bytesOf(dir);
    for (const verb of ['prune', 'vacuum']) {
      const { exitCode, stdout, questions } = await run([verb, dir], { answer: 'no' });
      expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'Nothing was changed.\n' });
      expect(questions).toHaveLength(1);
    }
    expect(bytesOf(dir)).toEqual(before);
  });

  it('who answers yes is shown the plan first, and told what was done', async () => {
    const dir = await unpacked('0.5.5');
    const { exitCode, stdout, stderr } = await run(['vacuum', dir], { answer: 'yes' });
    expect(exitCode).toBe(0);
    expect(stderr).toContain('Plan for');
    expect(stdout).toContain('gave back');
  });

  it('is asked in --json too, which never means yes', async () => {
    const dir = await unpacked('0.5.5');
    const before = bytesOf(dir);
    const { stdout, questions } = await run(['prune', dir, '--json'], { answer: 'no' });
    expect(questions).toHaveLength(1);
    expect(JSON.parse(stdout)).toMatchObject({ dryRun: false, changed: false, totals: { deleted: 0 } });
    expect(bytesOf(dir)).toEqual(before);
  });

  it('is not asked where there is nothing to do', async () => {
    const dir = await unpacked('0.6.3-purge-on');
    expect(await run(['prune', dir])).toMatchObject({
      exitCode: 0,
      questions: [],
      stdout: expect.stringContaining('Nothing to delete'),
    });
  });

  it('whose directory changed while the question stood is told so', async () => {
    const dir = await unpacked('0.5.5');
    const answer = (): boolean => {
      damage.emptyPickle(dir, 'ledger');
      return true;
    };
    expect(await run(['prune', dir], { answer })).toMatchObject({
      exitCode: 16,
      stderr: expect.stringContaining('changed after the plan was shown'),
    });
  });
});

describe('a directory that may not be written', () => {
  it('is inspected, and refused by commands that write', async () => {
    const dir = await unpacked('0.5.5');
    const before = bytesOf(dir);
    chmodSync(join(dir, 'chroma.sqlite3'), 0o444);
    chmodSync(dir, 0o555);
    const results = [['inspect'], ['prune', '--yes'], ['vacuum', '--yes']].map((argv) => unprivileged(...argv, dir));
    chmodSync(dir, 0o755);
    expect(results.map(({ status }) => status)).toEqual([0, 19, 19]);
    expect(results[1]?.stderr).toMatch(/may not write here[\s\S]*nothing was changed/);
    chmodSync(join(dir, 'chroma.sqlite3'), 0o644);
    expect([...bytesOf(dir)].filter(([path]) => path !== '')).toEqual([...before].filter(([path]) => path !== ''));
  });

  it('because it is mounted read-only is inspected, and refused by commands that write', async () => {
    const dir = await unpacked('0.5.5');
    const before = bytesOf(dir);
    const mount = join(temporaryDirectory(), 'mounted');
    mkdirSync(mount);
    const script = `mount --bind "$1" "$2" && mount -o remount,ro,bind "$2" || exit 99; "$3" "$4" inspect "$2" >/dev/null; echo $?; "$3" "$4" prune "$2" --yes; echo $?; "$3" "$4" vacuum "$2" --yes; echo $?`;
    const { stdout, stderr } = spawnSync(
      'unshare',
      ['--map-root-user', '--mount', 'sh', '-c', script, 'sh', dir, mount, process.execPath, PROGRAM],
      { encoding: 'utf8' },
    );
    expect(stdout.trim().split('\n'), stderr).toEqual(['0', '19', '19']);
    expect(stderr).toContain(`the file system is mounted read-only: ${mount}`);
    expect(stderr).not.toContain('this user may not write');
    expect(stderr).toContain('nothing was changed');
    expect(bytesOf(dir)).toEqual(before);
    rmSync(mount, { recursive: true });
  });
});
