import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { create, namesIn, newRepository } from '../support/backup.ts';
import { unpacked } from '../support/fixtures.ts';
import { PROGRAM } from '../support/program.ts';
import { run, runJson } from '../support/run.ts';

describe('a backup command', () => {
  it.each([
    ['no subcommand', ['backup']],
    ['an unknown one', ['backup', 'mount']],
    ['no repository to copy to', ['backup', 'create', '.']],
    ['no directory to copy', ['backup', 'create', '--to', 'repo']],
    ['no repository to look at', ['backup', 'list']],
    ['two repositories', ['backup', 'list', 'a', '--path', 'b']],
    ['a snapshot, and all of them', ['backup', 'verify', 'repo', '1a2b3c4d', '--all']],
    ['the latest, and all of them', ['backup', 'verify', 'repo', '--latest', '--all']],
    ['no snapshot to restore', ['backup', 'restore', '--from', 'repo', '--to', 'dir']],
    ['nowhere to restore to', ['backup', 'restore', 'latest', '--from', 'repo']],
    ['no policy', ['backup', 'forget', 'repo']],
    ['a policy of nothing', ['backup', 'forget', 'repo', '--keep-last', '0']],
    ['a negative number', ['backup', 'forget', 'repo', '--keep-daily', '-1']],
    ['a number that is none', ['backup', 'forget', 'repo', '--keep-weekly', 'some']],
    ['a duration without a unit', ['backup', 'forget', 'repo', '--keep-within', '7']],
    ['a size that is none', ['backup', 'forget', 'repo', '--max-size', 'large']],
  ])('with %s is a usage error', async (_, argv) => {
    const { exitCode, stdout, stderr } = await run(argv);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/error: .+\n {2}nothing was changed\nhint: /);
  });

  it('takes its directory or its repository as an argument or as --path', async () => {
    const dir = await unpacked('0.5.5');
    const repository = newRepository();
    const created = await run(['backup', 'create', '--path', dir, '--to', repository]);
    expect(created.exitCode).toBe(0);
    const [name = ''] = namesIn(repository).snapshots;
    const id = name.slice(-8);
    for (const argv of [
      ['list', '--path', repository],
      ['verify', '--path', repository],
      ['verify', '--path', repository, id],
      ['verify', repository, id, '--path', repository],
      ['verify', repository, 'latest'],
      ['forget', '--path', repository, '--keep-last', '1', '--yes'],
    ])
      expect(await run(['backup', ...argv])).toMatchObject({ exitCode: 0 });
    expect((await run(['backup', 'verify', '--path', repository, '0000'])).stderr).toContain('there is no snapshot');
  });

  it.each([80, 120])('is never wider than a terminal of %i columns', async (columns) => {
    const dir = await unpacked('0.6.3-purge-off');
    const repository = newRepository();
    const target = `${repository}-restored`;
    for (const argv of [
      ['create', dir, '--to', repository],
      ['verify', repository, '--all', '--full'],
      ['list', repository],
      ['restore', 'latest', '--from', repository, '--to', target, '--dry-run'],
      ['restore', 'latest', '--from', repository, '--to', target],
      ['restore', 'latest', '--from', repository, '--to', target, '--swap', '--yes'],
      ['forget', repository, '--keep-last', '1', '--keep-daily', '2', '--keep-within', '4w', '--dry-run'],
    ]) {
      const { exitCode, stdout } = await run(['backup', ...argv, '--color', 'never'], { columns });
      expect(exitCode).toBe(0);
      const paths = [dir, repository, target];
      const tooWide = stdout
        .split('\n')
        .filter((line) => line.length > columns && !paths.some((path) => line.includes(path)));
      expect(tooWide).toEqual([]);
    }
  });

  it('prints the result alone with --json --quiet, warnings on stderr without', async () => {
    const dir = await unpacked('0.5.5');
    const repository = newRepository();
    await create(dir, repository, { now: () => new Date('2100-01-01') });
    const argv = ['backup', 'create', dir, '--to', repository, '--json'];
    expect((await run(argv)).stderr).toContain('warning: the clock was set back');
    expect((await run([...argv, '--quiet'])).stderr).toBe('');
  });

  it('asks before it removes or replaces something, and not before it adds something', async () => {
    const dir = await unpacked('0.5.5');
    const repository = newRepository();
    for (let count = 0; count < 2; count += 1) await create(dir, repository);
    const forget = ['backup', 'forget', repository, '--keep-last', '1'];
    expect((await run(forget)).exitCode).toBe(2);
    const refused = await run(forget, { answer: 'no' });
    expect(refused).toMatchObject({ exitCode: 0, questions: ['Remove 1 snapshot?'], stdout: 'Nothing was changed.\n' });
    expect(namesIn(repository).snapshots).toHaveLength(2);
    expect(await runJson(forget.concat('--dry-run'))).toMatchObject({ dryRun: true, changed: false, removed: 0 });

    const target = join(dirname(repository), 'restored');
    const restored = await run(['backup', 'restore', 'latest', '--from', repository, '--to', target], { answer: 'no' });
    expect(restored).toMatchObject({ exitCode: 0, questions: [] });

    expect(await run(forget, { answer: 'yes' })).toMatchObject({ exitCode: 0, questions: ['Remove 1 snapshot?'] });
    expect(namesIn(repository).snapshots).toHaveLength(1);
  });

  it('does not remove others than those that were agreed to', async () => {
    const dir = await unpacked('0.5.5');
    const repository = newRepository();
    for (let count = 0; count < 2; count += 1) await create(dir, repository);
    const names = namesIn(repository).snapshots;
    const answer = (): boolean => {
      // Another run makes one more while the question is open.
      const argv = [PROGRAM, 'backup', 'create', dir, '--to', repository];
      execFileSync(process.execPath, argv, { stdio: 'ignore' });
      return true;
    };
    const { exitCode } = await run(['backup', 'forget', repository, '--keep-last', '1'], { answer });
    expect(exitCode).toBe(16);
    expect(namesIn(repository).snapshots).toEqual(expect.arrayContaining([...names]));
  });
});
