/**
 * Where repositories and restored directories may be, and where not.
 */
import { spawnSync } from 'node:child_process';
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  create,
  createArgv,
  forgedManifest,
  newRepository,
  refusal,
  restoreArgv,
  toTheMillisecond,
} from '../support/backup.ts';
import { temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { PROGRAM } from '../support/program.ts';
import { run } from '../support/run.ts';
import { bytesOf } from '../support/state.ts';

describe('places', () => {
  it('a repository inside the persist directory is refused, and so is one around it', async () => {
    const dir = await unpacked('0.5.5');
    const before = bytesOf(dir);
    for (const repository of [join(dir, 'backups'), join(dir, 'a/b/c'), dir]) {
      const { exitCode } = await refusal(createArgv(dir, repository));
      expect([17, 20]).toContain(exitCode);
    }
    expect(bytesOf(dir)).toEqual(before);
    const around = newRepository();
    await create(dir, around);
    renameSync(dir, join(around, 'persist'));
    expect(await refusal(createArgv(join(around, 'persist'), around))).toMatchObject({ code: 'UNSAFE_PLACE' });
  });

  it('are compared behind symbolic links', async () => {
    const dir = await unpacked('0.5.5');
    const link = join(temporaryDirectory(), 'link');
    symlinkSync(dir, link);
    const { code } = await refusal(createArgv(dir, join(link, 'backups')));
    expect(code).toBe('UNSAFE_PLACE');
  });

  it('a restore into the repository, or around it, is refused', async () => {
    const repository = newRepository();
    await create(await unpacked('0.5.5'), repository);
    const before = bytesOf(repository);
    expect(await refusal(restoreArgv(repository, join(repository, 'here')))).toMatchObject({ code: 'UNSAFE_PLACE' });
    expect(bytesOf(repository)).toEqual(before);
  });

  it('a directory that holds something else does not become a repository', async () => {
    const other = temporaryDirectory();
    writeFileSync(join(other, 'precious'), 'data');
    const before = bytesOf(other);
    expect(await refusal(createArgv(await unpacked('0.5.5'), other))).toMatchObject({ code: 'TARGET_EXISTS' });
    for (const verb of ['list', 'verify']) {
      expect(await refusal(['backup', verb, other])).toMatchObject({ code: 'NOT_A_REPOSITORY', exitCode: 10 });
    }
    expect(bytesOf(other)).toEqual(before);
  });

  it('a repository or a manifest of a newer version is refused', async () => {
    const dir = await unpacked('0.5.5');
    const repository = newRepository();
    const { snapshot } = await create(dir, repository);
    forgedManifest(snapshot.path, (manifest) => ({ ...manifest, schema: 'chroma-maint/manifest@2' }));
    expect(await refusal(restoreArgv(repository, `${repository}-restored`))).toMatchObject({
      code: 'UNSUPPORTED_SCHEMA',
    });
    const marker = join(repository, 'chroma-maint-repository.json');
    writeFileSync(marker, readFileSync(marker, 'utf8').replace('@1', '@2'));
    for (const argv of [createArgv(dir, repository), ['backup', 'list', repository]]) {
      expect(await refusal(argv)).toMatchObject({ code: 'UNSUPPORTED_SCHEMA' });
    }
  });

  it('a target that is not empty, or a file, or has no parent, is refused before anything else', async () => {
    const full = temporaryDirectory();
    writeFileSync(join(full, 'precious'), 'data');
    const nowhere = newRepository();
    expect(await refusal(restoreArgv(nowhere, full))).toMatchObject({ exitCode: 17 });
    expect(await refusal(restoreArgv(nowhere, join(full, 'precious')))).toMatchObject({ exitCode: 17 });
    expect(await refusal(restoreArgv(nowhere, join(full, 'no/parent')))).toMatchObject({ exitCode: 2 });
    expect(readdirSync(full)).toEqual(['precious']);
  });

  it('an empty directory is a target, and a repository on another file system is one', async () => {
    const dir = await unpacked('0.5.5');
    const before = toTheMillisecond(bytesOf(dir));
    const elsewhere = mkdtempSync('/dev/shm/chroma-maint-test-');
    onTestFinished(() => rmSync(elsewhere, { recursive: true }));
    expect(lstatSync(elsewhere).dev).not.toBe(lstatSync(dir).dev);
    await create(dir, elsewhere);
    const target = temporaryDirectory();
    expect((await run(restoreArgv(elsewhere, target))).exitCode).toBe(0);
    expect(toTheMillisecond(bytesOf(target))).toEqual(before);
  });

  it('a mount point gets the files inside, and the database last', () => {
    const scratch = realpathSync(temporaryDirectory());
    const script = `
      set -e
      mkdir mounted && mount -t tmpfs none mounted
      tar xzf "$1" && node "$2" backup create persist --to repo --quiet >&2
      node "$2" backup restore latest --from repo --to mounted --quiet >&2
      diff -r persist mounted && ls -A mounted | sort | tr '\\n' ' '`;
    const sample = join(import.meta.dirname, '../../demo/sample.tar.gz');
    const shell = ['sh', '-c', script, 'sh', sample, PROGRAM];
    const { status, stdout, stderr } = spawnSync('unshare', ['--map-root-user', '--mount', ...shell], {
      cwd: scratch,
      encoding: 'utf8',
    });
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^[0-9a-f-]{36} .*chroma\.sqlite3 $/);
  });
});
