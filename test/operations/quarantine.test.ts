/** Directories that were put aside: back as they were, or gone for good. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addLeftIndexes, clean, contentOf, LEFT_INDEX, leftBehind, quarantinesIn, runClean } from '../support/clean.ts';
import { damagedPage, hotJournal, unknownMigration } from '../support/damage.ts';
import { temporaryDirectory } from '../support/fixtures.ts';
import { IDLE_CHROMA } from '../support/holders.ts';
import { PROGRAM, unprivileged } from '../support/program.ts';
import { run, runJson } from '../support/run.ts';
import { bytesOf } from '../support/state.ts';

interface QuarantineJson {
  readonly changed: boolean;
  readonly dryRun: boolean;
  readonly quarantines: readonly {
    readonly id: string;
    readonly action: string;
    readonly directories: readonly string[];
  }[];
  readonly reclaimedBytes: number;
}

interface PutAside {
  readonly dir: string;
  readonly id: string;
  /** Everything as it was before. */
  readonly before: ReadonlyMap<string, string>;
}

/** A directory of which three indexes, and nothing else, were put aside. */
async function putAside(): Promise<PutAside> {
  const dir = await leftBehind();
  addLeftIndexes(dir, 2);
  const before = contentOf(dir);
  const { quarantine } = await clean(dir, '--only', 'dirs');
  return { dir, id: quarantine ?? '', before };
}

/** Puts an index aside as if it had been done at `time`. */
async function putAsideAt(dir: string, time: string): Promise<void> {
  addLeftIndexes(dir, 1);
  await run(['clean', dir, '--yes', '--min-age', '0s', '--only', 'dirs'], {}, { now: () => new Date(time) });
}

describe('directories that were put aside', () => {
  it('are whole in the quarantine, which only its owner may look into and which says what it is', async () => {
    const { dir, id, before } = await putAside();
    expect(id).toMatch(/^\d{8}T\d{6}Z$/);
    const place = join(dir, '.chroma-maint/quarantine', id);
    for (const path of [join(dir, '.chroma-maint'), join(dir, '.chroma-maint/quarantine'), place])
      expect(lstatSync(path).mode & 0o777).toBe(0o700);
    const { schema, directories } = JSON.parse(readFileSync(join(place, 'manifest.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    expect(schema).toBe('chroma-maint/quarantine@1');
    expect(directories).toEqual([
      { name: LEFT_INDEX, because: 'of no segment' },
      ...['0', '1'].map((last) => ({ name: `b0000000-0000-4000-8000-00000000000${last}`, because: 'of no segment' })),
    ]);
    const aside = [...contentOf(place)].filter(([path]) => path !== 'manifest.json');
    expect(aside).toEqual([...before].filter(([path]) => /^(77bbefcc|b0000000)/.test(path)));
  });

  it.runIf(process.getuid?.() === 0)(
    'belong, with all around them, to whoever has the directory, not to root',
    async () => {
      const dir = await leftBehind();
      execFileSync('chown', ['-R', '1000:1001', dir]);
      const { quarantine } = await clean(dir, '--only', 'dirs');
      const found = readdirSync(join(dir, '.chroma-maint'), { recursive: true, encoding: 'utf8' });
      expect(found).toContain(`quarantine/${quarantine}/manifest.json`);
      const owners = ['', ...found].map((path) => lstatSync(join(dir, '.chroma-maint', path)));
      expect(new Set(owners.map(({ uid, gid }) => `${uid}:${gid}`))).toEqual(new Set(['1000:1001']));
    },
  );

  it('come back with every byte and every time, and nothing of ours stays', async () => {
    const { dir, id, before } = await putAside();
    const { changed, quarantines } = await runJson<QuarantineJson>(['clean', dir, '--restore', id, '--yes']);
    expect({ changed, actions: quarantines.map(({ action }) => action) }).toEqual({
      changed: true,
      actions: ['restore'],
    });
    expect(contentOf(dir)).toEqual(before);
  });

  it('stay where they are in a dry run, and where a person says no', async () => {
    const { dir, id } = await putAside();
    const before = bytesOf(dir);
    for (const wish of [
      ['--restore', id],
      ['--purge-quarantine', '--older-than', '0s'],
    ]) {
      expect(await run(['clean', dir, ...wish, '--dry-run'])).toMatchObject({
        exitCode: 0,
        stdout: expect.stringMatching(/3 directories\s\(\d+\.\d\sKiB\)[^]*Dry run: nothing was changed/),
      });
      const { questions, stdout } = await run(['clean', dir, ...wish], { answer: 'no' });
      expect({ questions, stdout }).toEqual({
        questions: [expect.stringMatching(/^(Put these directories back|Delete 1 quarantine .* for good)\?$/)],
        stdout: 'Nothing was changed.\n',
      });
      expect((await run(['clean', dir, ...wish])).exitCode).toBe(2);
    }
    expect(bytesOf(dir)).toEqual(before);
  });

  it('are told apart where they were put aside in the same second', async () => {
    const dir = await leftBehind();
    for (let count = 0; count < 3; count += 1) await putAsideAt(dir, '2026-11-21T03:15:00Z');
    expect(quarantinesIn(dir)).toEqual(['20261121T031500Z', '20261121T031500Z-2', '20261121T031500Z-3']);
    expect((await run(['clean', dir, '--restore', '20261121T031500Z-2', '--yes'])).exitCode).toBe(0);
    expect(quarantinesIn(dir)).toEqual(['20261121T031500Z', '20261121T031500Z-3']);
    expect(readdirSync(dir)).toContain('b0000000-0000-4000-8000-000000000000');
  });
});

describe('a restore', () => {
  it.each([
    ['a directory', (path: string) => mkdirSync(path)],
    ['a file', (path: string) => writeFileSync(path, '')],
    ['a link that leads nowhere', (path: string) => symlinkSync('/nowhere', path)],
  ])('onto %s of the same name ends with 17, and nothing is moved', async (_, make) => {
    const { dir, id } = await putAside();
    make(join(dir, 'b0000000-0000-4000-8000-000000000001'));
    const before = bytesOf(dir);
    expect(await run(['clean', dir, '--restore', id, '--yes'])).toMatchObject({
      exitCode: 17,
      stderr: expect.stringMatching(/of the same name already: .*b0000000[^]*nothing was changed/),
    });
    expect(bytesOf(dir)).toEqual(before);
  });

  it.each([
    '20260101T000000Z',
    '',
    '.',
    '..',
    '../x',
    '../quarantine',
    '../../outside',
    'manifest.json',
    '/',
    'latest',
  ])('of %j is a usage error, and nothing is moved', async (id) => {
    const { dir, id: known } = await putAside();
    mkdirSync(join(dir, '../outside'));
    mkdirSync(join(dir, '../outside', 'b1111111-0000-4000-8000-000000000001'));
    mkdirSync(join(dir, '.chroma-maint/x'));
    const before = bytesOf(join(dir, '..'));
    expect(await run(['clean', dir, `--restore=${id}`, '--yes'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(known),
    });
    expect(bytesOf(join(dir, '..'))).toEqual(before);
  });

  it('says so where there is no quarantine at all', async () => {
    expect(await run(['clean', await leftBehind(), '--restore', '20260101T000000Z', '--yes'])).toMatchObject({
      exitCode: 2,
      stderr: expect.not.stringContaining('name one of them'),
    });
  });

  it('that fails half-way puts aside again what it had put back', async () => {
    const { dir, id } = await putAside();
    chmodSync(join(dir, '.chroma-maint/quarantine', id, 'b0000000-0000-4000-8000-000000000001'), 0o555);
    const before = contentOf(dir);
    const { status, stderr } = unprivileged('clean', dir, '--restore', id, '--yes');
    expect({ status, stderr }).toEqual({ status: 19, stderr: expect.stringContaining('nothing was changed') });
    // The quarantine itself was written to, and written to again.
    expect([...contentOf(dir).keys()]).toEqual([...before.keys()]);
  });

  it('keeps what somebody put into the quarantine', async () => {
    const { dir, id } = await putAside();
    writeFileSync(join(dir, '.chroma-maint/quarantine', id, 'why.txt'), 'because');
    expect((await run(['clean', dir, '--restore', id, '--yes'])).exitCode).toBe(0);
    expect(readdirSync(join(dir, '.chroma-maint/quarantine', id))).toEqual(['why.txt']);
    expect(readdirSync(dir)).toContain(LEFT_INDEX);
  });

  it.each([
    ['has a damaged page', (dir: string) => damagedPage(dir, 'embedding_metadata')],
    ['has a hot journal', hotJournal],
    ['is of an unknown schema', unknownMigration],
  ])('works where the database %s', async (_, damage) => {
    const { dir, id } = await putAside();
    damage(dir);
    const database = contentOf(dir).get('chroma.sqlite3');
    expect(await run(['clean', dir, '--restore', id, '--yes'])).toMatchObject({ exitCode: 0, stderr: '' });
    expect(readdirSync(dir)).toContain(LEFT_INDEX);
    expect(contentOf(dir).get('chroma.sqlite3')).toBe(database);
  });

  it('takes what the next clean-up puts aside again', async () => {
    const { dir, id, before } = await putAside();
    await run(['clean', dir, '--restore', id, '--yes']);
    const { directories } = await clean(dir, '--only', 'dirs');
    expect(directories).toHaveLength(3);
    await run(['clean', dir, '--restore', quarantinesIn(dir)[0] ?? '', '--yes']);
    expect(contentOf(dir)).toEqual(before);
  });
});

describe('a purge', () => {
  const TIMES = ['2026-11-01T00:00:00Z', '2026-11-08T00:00:00Z', '2026-11-14T23:59:59Z', '2026-11-15T00:00:01Z'];

  async function withFour(): Promise<string> {
    const dir = await leftBehind();
    for (const time of TIMES) await putAsideAt(dir, time);
    return dir;
  }

  it.each([
    [[], '2026-11-15T00:00:00Z', 2],
    [[], '2026-11-14T23:59:59Z', 1],
    [['--older-than', '0s'], '2026-11-15T00:00:00Z', 3],
    [['--older-than', '2w'], '2026-11-15T00:00:00Z', 1],
    [['--older-than', '4w'], '2026-11-15T00:00:00Z', 0],
    [['--older-than', '0s'], '2020-01-01T00:00:00Z', 0],
  ])('with %j at %s takes the %i oldest of four, those exactly so old among them', async (options, now, many) => {
    const dir = await withFour();
    const all = quarantinesIn(dir);
    const others = [...contentOf(dir)].filter(([path]) => !path.startsWith('.chroma-maint'));
    const argv = ['clean', dir, '--purge-quarantine', ...options, '--yes'];
    const { changed, reclaimedBytes } = await runJson<QuarantineJson>(argv, { now: () => new Date(now) });
    expect({ changed, hasGivenBack: reclaimedBytes > 0 }).toEqual({ changed: many > 0, hasGivenBack: many > 0 });
    expect(quarantinesIn(dir)).toEqual(all.slice(many));
    expect([...contentOf(dir)].filter(([path]) => !path.startsWith('.chroma-maint'))).toEqual(others);
  });

  it('of everything leaves nothing of ours', async () => {
    const { dir } = await putAside();
    expect(await run(['clean', dir, '--purge-quarantine', '--older-than', '0s', '--yes'])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^Deleted 3 directories \(\d+\.\d KiB\)/),
    });
    expect(existsSync(join(dir, '.chroma-maint'))).toBe(false);
  });

  it('follows no link', async () => {
    const { dir, id } = await putAside();
    const outside = temporaryDirectory();
    writeFileSync(join(outside, 'precious'), 'x');
    symlinkSync(outside, join(dir, '.chroma-maint/quarantine', id, LEFT_INDEX, 'elsewhere'));
    symlinkSync(outside, join(dir, '.chroma-maint/quarantine/20260101T000000Z'));
    expect((await run(['clean', dir, '--purge-quarantine', '--older-than', '0s', '--yes'])).exitCode).toBe(0);
    expect(readdirSync(outside)).toEqual(['precious']);
    expect(quarantinesIn(dir)).toEqual(['20260101T000000Z']);
  });

  it('leaves what has no name of ours, and shows what has no time', async () => {
    const { dir, id } = await putAside();
    for (const name of ['important', '20261121T031500Z.old', '99999999T999999Z'])
      mkdirSync(join(dir, '.chroma-maint/quarantine', name));
    const { quarantines } = await runJson<QuarantineJson>(['clean', dir, '--purge-quarantine', '--dry-run']);
    expect(quarantines.map((each) => each.id)).toEqual([id, '99999999T999999Z'].toSorted());
    expect((await run(['clean', dir, '--purge-quarantine', '--older-than', '0s', '--yes'])).exitCode).toBe(0);
    expect(quarantinesIn(dir)).toEqual(['20261121T031500Z.old', '99999999T999999Z', 'important']);
  });

  it('after a new quarantine came while a person was asked is refused with 16', async () => {
    const { dir } = await putAside();
    const answer = (): boolean => {
      mkdirSync(join(dir, '.chroma-maint/quarantine/20260101T000000Z'));
      return true;
    };
    const argv = ['clean', dir, '--purge-quarantine', '--older-than', '0s'];
    expect(await run(argv, { answer })).toMatchObject({
      exitCode: 16,
      stderr: expect.stringContaining('changed after'),
    });
    expect(quarantinesIn(dir)).toHaveLength(2);
  });

  it('that may not delete everything says that some may be gone', async () => {
    const { dir, id } = await putAside();
    chmodSync(join(dir, '.chroma-maint/quarantine', id, 'b0000000-0000-4000-8000-000000000001'), 0o555);
    const { status, stderr } = unprivileged('clean', dir, '--purge-quarantine', '--older-than', '0s', '--yes');
    expect({ status, stderr }).toEqual({ status: 19, stderr: expect.not.stringContaining('nothing was changed') });
    expect(stderr).toContain('some of the directories may be deleted');
  });
});

describe('--delete', () => {
  it('leaves no directory, no quarantine, and the rows gone', async () => {
    const dir = await leftBehind();
    addLeftIndexes(dir, 2);
    const { changed, quarantine, reclaimedBytes, directories, rows } = await clean(dir, '--delete');
    expect({ changed, quarantine, actions: directories.map(({ action }) => action) }).toEqual({
      changed: true,
      quarantine: null,
      actions: ['delete', 'delete', 'delete'],
    });
    expect(reclaimedBytes).toBe(directories.reduce((sum, { bytes }) => sum + bytes, 0));
    expect(rows['embeddings']).toBe(120);
    expect(readdirSync(dir).filter((name) => /^(77bbefcc|b0000000|\.)/.test(name))).toEqual([]);
  });

  it('leaves earlier quarantines alone', async () => {
    const { dir, id } = await putAside();
    const before = bytesOf(join(dir, '.chroma-maint/quarantine', id));
    addLeftIndexes(dir, 1);
    await clean(dir, '--delete');
    expect(quarantinesIn(dir)).toEqual([id]);
    expect(bytesOf(join(dir, '.chroma-maint/quarantine', id))).toEqual(before);
  });

  it.each([
    ['and rows', [], /state: 972 rows were deleted; some of the directories may be deleted/],
    ['alone', ['--only', 'dirs'], /state: some of the directories may be deleted/],
  ])('of directories %s that is stopped by the machine says what is left where', async (_, options, says) => {
    const dir = await leftBehind();
    // Something is mounted on a file: its directory can be moved, the file cannot be deleted.
    const script = 'mount --bind "$0" "$1" || exit 99; shift; "$@"';
    const argv = ['clean', dir, '--yes', '--min-age', '0s', '--delete', ...options];
    const mounted = join(dir, LEFT_INDEX, 'header.bin');
    const { status, stderr } = spawnSync(
      'unshare',
      ['--map-root-user', '--mount', 'sh', '-c', script, PROGRAM, mounted, process.execPath, PROGRAM, ...argv],
      { encoding: 'utf8' },
    );
    expect({ status, stderr: stderr.replace(/^ {2}/gm, 'state: ') }).toEqual({
      status: 1,
      stderr: expect.stringMatching(says),
    });
    const [left = ''] = quarantinesIn(dir);
    expect(left).toMatch(/^deleting-/);
    expect(stderr).toContain(join(dir, '.chroma-maint/quarantine', left));
    expect(stderr).toContain(`chroma-maint clean ${dir} --purge-quarantine --older-than 0s`);
    expect(readdirSync(dir)).not.toContain(LEFT_INDEX);
    // Whatever cleans up next finishes it.
    await clean(dir);
    expect(existsSync(join(dir, '.chroma-maint'))).toBe(false);
  });

  it('that was cut off is finished by the next purge, though there is no quarantine', async () => {
    const { dir, id } = await putAside();
    const place = join(dir, '.chroma-maint/quarantine');
    renameSync(join(place, id), join(place, `deleting-${id}`));
    expect(await run(['clean', dir, '--restore', id, '--yes'])).toMatchObject({ exitCode: 2 });
    expect((await run(['clean', dir, '--purge-quarantine', '--yes'])).exitCode).toBe(0);
    expect(existsSync(join(dir, '.chroma-maint'))).toBe(false);
  });
});

describe('a running Chroma', () => {
  it('stops a restore and a purge', async () => {
    const { dir, id } = await putAside();
    const before = bytesOf(dir);
    for (const wish of [
      ['--restore', id],
      ['--purge-quarantine', '--older-than', '0s'],
    ])
      expect(await run(['clean', dir, ...wish, '--yes'], {}, { holdersOf: () => IDLE_CHROMA })).toMatchObject({
        exitCode: 11,
        stderr: expect.stringMatching(/pid 1 [^]*nothing was changed/),
      });
    expect(bytesOf(dir)).toEqual(before);
  });
});

describe('wishes that do not go together', () => {
  it.each([
    [['--restore', 'x', '--purge-quarantine']],
    [['--restore', 'x', '--older-than', '1d']],
    [['--restore', 'x', '--delete']],
    [['--purge-quarantine', '--only', 'dirs']],
    [['--purge-quarantine', '--allow-empty-catalog']],
    [['--purge-quarantine', '--backup', 'repo']],
    [['--older-than', '1d']],
    [['--purge-quarantine', '--older-than', 'soon']],
  ])('%j is a usage error', async (options) => {
    const dir = await leftBehind();
    const before = bytesOf(dir);
    expect(await runClean(dir, options)).toMatchObject({ exitCode: 2, stdout: '' });
    expect(bytesOf(dir)).toEqual(before);
  });
});
