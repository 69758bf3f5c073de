/**
 * The package as npm makes it, installed the way an operator installs it.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
let directory = '';
let program = '';

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'chroma-maint-packed-'));
  execFileSync('npm', ['pack', '--silent', '--pack-destination', directory], { cwd: ROOT });
  const archive = readdirSync(directory).find((name) => name.endsWith('.tgz')) ?? 'no archive';
  const options = [
    '--global',
    '--silent',
    '--no-audit',
    '--no-fund',
    '--allow-scripts=better-sqlite3',
    '--prefix',
    join(directory, 'prefix'),
  ];
  execFileSync('npm', ['install', ...options, join(directory, archive)], { cwd: directory });
  program = join(directory, 'prefix', 'bin', 'chroma-maint');
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function chromaMaint(...argv: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(program, argv, { encoding: 'utf8', cwd: directory });
}

describe('the installed package', () => {
  it('says which versions it runs with', () => {
    expect(chromaMaint('--version')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^chroma-maint \d+\.\d+\.\d+, Node\.js .+, better-sqlite3 \d+/),
    });
  });

  it('does the main job on the sample that it brings along', () => {
    const { status, stdout } = chromaMaint('demo', join(directory, 'a sample'));
    expect(status).toBe(0);
    expect(stdout).toContain('gave back');
  });

  it('does a step that writes in its working process', () => {
    const persist = join(directory, 'b sample', 'persist');
    expect(chromaMaint('demo', join(directory, 'b sample')).status).toBe(0);
    expect(chromaMaint('prune', persist, '--yes')).toMatchObject({ status: 0, stderr: '' });
  });

  it('makes a backup, verifies it and restores it', () => {
    const persist = join(directory, 'd sample', 'persist');
    const [repository, restored] = [join(directory, 'repository'), join(directory, 'restored')];
    expect(chromaMaint('demo', join(directory, 'd sample')).status).toBe(0);
    expect(chromaMaint('backup', 'create', persist, '--to', repository)).toMatchObject({ status: 0, stderr: '' });
    expect(chromaMaint('backup', 'verify', repository, '--full')).toMatchObject({ status: 0, stderr: '' });
    const argv = ['backup', 'restore', 'latest', '--from', repository, '--to', restored];
    expect(chromaMaint(...argv)).toMatchObject({ status: 0, stderr: '' });
    expect(chromaMaint('inspect', restored).status).toBe(0);
  });

  it("refuses a directory that is not Chroma's with exit code 10", () => {
    expect(chromaMaint('inspect', directory).status).toBe(10);
  });

  it.each(['build', ''])('says with exit code 18 that better-sqlite3/%s is missing, and still gives help', (part) => {
    const persist = join(directory, `c sample ${part}`, 'persist');
    expect(chromaMaint('demo', join(persist, '..')).status).toBe(0);
    const modules = join(directory, 'prefix', 'lib', 'node_modules', 'chroma-maint', 'node_modules');
    const path = join(modules, 'better-sqlite3', part);
    renameSync(path, join(directory, 'away'));
    try {
      const create = ['backup', 'create', '--to', join(directory, `repository ${part}`)];
      for (const argv of [['inspect'], ['prune'], ['vacuum'], create]) {
        expect(chromaMaint(...argv, persist, '--json')).toMatchObject({
          status: 18,
          stderr: expect.stringContaining('"NATIVE_BINDING"') as string,
        });
      }
      expect(chromaMaint('--version').status).toBe(0);
      expect(chromaMaint('explain', '18').status).toBe(0);
      expect(chromaMaint('prune', '--help').status).toBe(0);
    } finally {
      renameSync(join(directory, 'away'), path);
    }
  });

  it('brings no sources, tests or fixtures', () => {
    const listed = execFileSync('npm', ['pack', '--dry-run', '--json'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [{ files }] = JSON.parse(listed) as [{ files: { path: string }[] }];
    // What README and docs lead to.
    expect(files.map(({ path }) => path).filter((path) => path.startsWith('bench/'))).toEqual([
      'bench/growth.svg',
      'bench/RESULTS.md',
    ]);
    expect(new Set(files.map(({ path }) => path.split('/')[0]))).toEqual(
      new Set([
        'CHANGELOG.md',
        'CONTRIBUTING.md',
        'LICENSE',
        'README.md',
        'bench',
        'bin',
        'demo',
        'dist',
        'docs',
        'package.json',
      ]),
    );
  });
});
