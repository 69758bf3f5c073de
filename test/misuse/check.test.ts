/**
 * check on everything that it can be pointed at: exit code, words, and the bytes afterwards.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/operations/findings/findings.ts';
import { withoutCollection } from '../support/catalogue-damage.ts';
import * as damage from '../support/damage.ts';
import { temporaryDirectory, unpacked, unpackedDemo } from '../support/fixtures.ts';
import { PROGRAM, unprivileged } from '../support/program.ts';
import { run } from '../support/run.ts';
import { bytesOf } from '../support/state.ts';

interface Checked {
  readonly persistDir: string;
  readonly databaseRead: boolean;
  readonly findings: readonly Finding[];
  readonly counts: Readonly<Record<Finding['severity'], number>>;
}

function resultOf(stdout: string): Checked {
  return JSON.parse(stdout) as Checked;
}

function idsIn({ findings }: Checked): readonly string[] {
  return findings.map(({ id }) => id);
}

async function damaged(fixture: string, work: (dir: string) => unknown): Promise<string> {
  const dir = await unpacked(fixture);
  await work(dir);
  return dir;
}

/** With a directory in it that holds no Chroma database. */
async function withoutDatabase(work: (database: string) => unknown): Promise<string> {
  return damaged('0.5.5', (dir) => {
    rmSync(damage.databaseOf(dir));
    work(damage.databaseOf(dir));
  });
}

describe('a path that leads to no directory', () => {
  it.each<[title: string, make: () => string]>([
    ['nothing', () => join(temporaryDirectory(), 'nowhere')],
    [
      'a file',
      () => {
        const path = join(temporaryDirectory(), 'file');
        writeFileSync(path, 'x');
        return path;
      },
    ],
    [
      'something below a file',
      () => {
        const path = join(temporaryDirectory(), 'file');
        writeFileSync(path, 'x');
        return join(path, 'persist');
      },
    ],
    [
      'a link that leads to itself',
      () => {
        const path = join(temporaryDirectory(), 'loop');
        symlinkSync('loop', path);
        return path;
      },
    ],
    ['a name that is too long', () => join(temporaryDirectory(), 'x'.repeat(5000))],
  ])('is an error: %s', async (_, make) => {
    const { exitCode, stdout, stderr } = await run(['check', make(), '--json']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 10, stdout: '' });
    expect(JSON.parse(stderr)).toMatchObject({
      type: 'error',
      code: 'NOT_A_PERSIST_DIR',
      exitCode: 10,
      changed: false,
    });
  });
});

describe('a directory that cannot be looked into', () => {
  it.each<[title: string, kind: string, make: () => string | Promise<string>]>([
    ['that is empty', 'not-a-persist-dir', () => temporaryDirectory()],
    [
      'of Chroma before 0.4',
      'not-a-persist-dir',
      () => withoutDatabase((path) => writeFileSync(join(path, '../chroma-collections.parquet'), 'PAR1')),
    ],
    ['whose database is a directory', 'not-a-persist-dir', () => withoutDatabase((path) => mkdirSync(path))],
    [
      'whose database is a link to nothing',
      'not-a-persist-dir',
      () => withoutDatabase((path) => symlinkSync('gone', path)),
    ],
    [
      'whose database is a text',
      'not-a-persist-dir',
      () => withoutDatabase((path) => writeFileSync(path, 'x'.repeat(9999))),
    ],
    ['whose database is of 0 bytes', 'not-a-persist-dir', () => damaged('0.5.5', damage.zeroByteDatabase)],
    ["whose database is another program's", 'not-a-persist-dir', () => damaged('0.5.5', damage.foreignDatabase)],
    ['whose database is cut short', 'database-damaged', () => damaged('0.5.5', damage.tornDatabase)],
    ['with a hot journal', 'hot-journal', () => damaged('0.5.5', damage.hotJournal)],
    ['in WAL mode', 'write-ahead-file', () => damaged('0.5.5', (dir) => damage.walMode(dir, 'files'))],
    ['of a newer Chroma', 'unknown-migration', () => damaged('1.5.9-purge-on', damage.unknownMigration)],
    [
      'that was half upgraded',
      'half-run-migration',
      () => damaged('0.6.3-purge-on', (dir) => damage.halfRunMigration(dir, 'gap')),
    ],
    [
      'through damage',
      'database-damaged',
      () => damaged('0.5.5', (dir) => damage.damagedPage(dir, 'embeddings_queue')),
    ],
  ])('is a finding: one %s', async (_, kind, make) => {
    const dir = await make();
    const before = bytesOf(dir);
    for (const options of [[], ['--deep']]) {
      const { exitCode, stdout, stderr } = await run(['check', dir, '--json', ...options]);
      expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: '' });
      expect(resultOf(stdout)).toMatchObject({ persistDir: dir, databaseRead: false });
      expect(idsIn(resultOf(stdout))).toContain(kind);
    }
    const { exitCode, stdout } = await run(['check', dir]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: expect.stringContaining(`error    ${kind}`) });
    expect(bytesOf(dir)).toEqual(before);
  });
});

describe('permissions', () => {
  it.each(['.', 'chroma.sqlite3'])('that keep this user from reading %s end the check in words', async (name) => {
    const dir = await unpacked('0.5.5');
    chmodSync(join(dir, name), 0o000);
    const { status, stdout, stderr } = unprivileged('check', dir, '--deep', '--json');
    chmodSync(join(dir, name), 0o755);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(JSON.parse(stderr)).toMatchObject({ code: 'FAILED', message: expect.stringContaining('may not read') });
  });

  it.each([0o311, 0o644])(
    'of the directory that let this user see but a part of it end the check in words: %i',
    async (mode) => {
      const dir = await unpacked('0.5.5');
      chmodSync(dir, mode);
      const { status, stderr } = unprivileged('check', dir, '--json');
      chmodSync(dir, 0o755);
      expect(status).toBe(1);
      expect(JSON.parse(stderr)).toMatchObject({ code: 'FAILED', message: expect.stringContaining('may not read') });
    },
  );

  it('that hide files of one index are told, and everything else is looked at', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const pickle = damage.pickleOf(dir, 'ledger');
    const header = join(dir, damage.vectorSegmentOf(dir, 'notes'), 'header.bin');
    for (const path of [pickle, header]) chmodSync(path, 0o000);
    const before = bytesOf(dir);
    const { status, stdout } = unprivileged('check', dir, '--deep', '--json');
    expect(bytesOf(dir)).toEqual(before);
    expect(status).toBe(3);
    const found = resultOf(stdout).findings;
    expect(found.filter(({ severity }) => severity === 'error')).toMatchObject([
      { id: 'pickle-unreadable', message: expect.stringContaining('EACCES') },
      { id: 'index-files-damaged', message: expect.stringContaining('header.bin cannot be read: EACCES') },
    ]);
    const files = found.filter(({ id }) => id === 'foreign-owner').map(({ message }) => message);
    expect(files).toContainEqual(expect.stringMatching(/ and 1 more: not to be read by the user who runs this$/));
    expect(idsIn(resultOf(stdout))).toContain('orphan-segment-dir');
  });

  it("that hide somebody else's quarantine are told, and everything else is looked at", async () => {
    const dir = await unpacked('0.6.3-purge-off');
    await run(['clean', dir, '--yes', '--min-age', '0s', '--only', 'dirs']);
    chmodSync(join(dir, '.chroma-maint'), 0o000);
    const { status, stdout } = unprivileged('check', dir, '--deep', '--json');
    chmodSync(join(dir, '.chroma-maint'), 0o700);
    expect(status).toBe(0);
    expect(resultOf(stdout).findings).toContainEqual(
      expect.objectContaining({
        id: 'quarantine',
        subject: '.chroma-maint',
        message: expect.stringContaining('EACCES'),
      }),
    );
    expect(idsIn(resultOf(stdout))).toEqual(expect.arrayContaining(['processes-not-readable', 'orphan-metadata']));
  });

  it('to write are not needed: everything that is there is found in a read-only directory', async () => {
    const dir = await unpacked('0.5.7-purge-on');
    const expected = idsIn(resultOf((await run(['check', dir, '--deep', '--json'])).stdout));
    const paths = [dir, ...readdirSync(dir, { recursive: true }).map((name) => join(dir, String(name)))];
    for (const path of paths) chmodSync(path, path.endsWith('.sqlite3') || path.includes('.') ? 0o444 : 0o555);
    chmodSync(dir, 0o555);
    const before = bytesOf(dir);
    const { status, stdout } = unprivileged('check', dir, '--deep', '--json');
    const after = bytesOf(dir);
    for (const path of paths) chmodSync(path, 0o755);
    expect(status).toBe(3);
    expect(after).toEqual(before);
    const found = resultOf(stdout).findings.filter(({ id }) => id !== 'processes-not-readable');
    expect(found.filter(({ id }) => id !== 'foreign-owner').map(({ id }) => id)).toEqual(expected);
    expect(found.filter(({ id }) => id === 'foreign-owner')).toMatchObject([
      { message: expect.stringMatching(/^the directory itself and \d+ more: not to be written by its owner$/) },
    ]);
  });

  it('of a mount that is read-only do no harm', async () => {
    const dir = await unpacked('0.5.7-purge-on');
    const mount = join(temporaryDirectory(), 'mounted');
    mkdirSync(mount);
    const before = bytesOf(dir);
    const script =
      'mount --bind "$1" "$2" && mount -o remount,ro,bind "$2" || exit 99; "$3" "$4" check "$2" --deep --json';
    const { status, stdout, stderr } = spawnSync(
      'unshare',
      ['--map-root-user', '--mount', 'sh', '-c', script, 'sh', dir, mount, process.execPath, PROGRAM],
      { encoding: 'utf8' },
    );
    expect(status, stderr).toBe(3);
    expect(resultOf(stdout).counts.error).toBe(3);
    expect(bytesOf(dir)).toEqual(before);
    rmSync(mount, { recursive: true });
  });
});

it('a copy that was made with cp shows the same', async () => {
  const dir = await unpacked('0.5.7-purge-on');
  const copy = join(temporaryDirectory(), 'copy');
  cpSync(dir, copy, { recursive: true });
  const [original, copied] = [
    await run(['check', dir, '--deep', '--json']),
    await run(['check', copy, '--deep', '--json']),
  ];
  expect(resultOf(copied.stdout).findings.map(({ id, subject, message }) => [id, subject, message])).toEqual(
    resultOf(original.stdout).findings.map(({ id, subject, message }) => [id, subject, message]),
  );
});

/** A directory in which nothing at all is found. */
async function nothingFound(): Promise<string> {
  return damaged('1.5.9-purge-on', async (dir) => {
    withoutCollection(dir, 'drafts');
    await run(['clean', dir, '--yes', '--min-age', '0s', '--delete']);
  });
}

describe('--fail-on', () => {
  it.each<[what: string, make: () => Promise<string>, worst: number]>([
    ['an error', () => unpacked('0.5.0-readd'), 3],
    ['a warning', () => unpacked('0.6.3-purge-off'), 2],
    ['a note', unpackedDemo, 1],
    ['nothing', nothingFound, 0],
  ])('decides where %s is the worst', async (_, make, worst) => {
    const dir = await make();
    const codes: (readonly [severity: string, exitCode: number])[] = [];
    for (const severity of ['error', 'warning', 'info', 'never'])
      codes.push([severity, (await run(['check', dir, '--fail-on', severity])).exitCode]);
    expect(codes).toEqual([
      ['error', worst >= 3 ? 3 : 0],
      ['warning', worst >= 2 ? 3 : 0],
      ['info', worst >= 1 ? 3 : 0],
      ['never', 0],
    ]);
    expect((await run(['check', dir])).exitCode).toBe(worst >= 3 ? 3 : 0);
  });

  it('takes no other word', async () => {
    expect(await run(['check', await unpackedDemo(), '--fail-on', 'note'])).toMatchObject({ exitCode: 2, stdout: '' });
  });
});

it('the JSON object has the fields that are documented, and the directory as it is resolved', async () => {
  const dir = await unpacked('0.5.5');
  const link = join(temporaryDirectory(), 'my link');
  symlinkSync(dir, link);
  const { stdout } = await run(['check', link, '--deep', '--json']);
  const { findings, ...fields } = JSON.parse(stdout) as Record<string, unknown> & Pick<Checked, 'findings'>;
  expect(fields).toEqual({
    schema: 'chroma-maint/check@1',
    persistDir: dir,
    deep: true,
    databaseRead: true,
    counts: { error: 0, warning: 7, info: 2 },
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
  });
  expect(findings).toHaveLength(9);
  for (const each of findings) expect(Object.keys(each)).toEqual(['id', 'severity', 'subject', 'message', 'remedy']);
  expect(findings[0]?.remedy).toBe(`chroma-maint clean '${link}'`);
});
