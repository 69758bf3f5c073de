/** Real processes, because /proc is what the program reads. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { holdersOf } from '../../src/host/processes.ts';
import { databaseOf, pickleOf } from '../support/damage.ts';
import { temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { bytesOf } from '../support/state.ts';

const READY_AND_WAITING = "process.stdout.write('ready'); setInterval(() => undefined, 1000);";

interface Running {
  readonly argv0?: string;
  readonly cwd?: string;
  readonly environment?: NodeJS.ProcessEnv;
}

/** Starts Node.js, waits until its script says so, and ends it with the test. Returns its process id. */
async function started(args: readonly string[], { argv0, cwd, environment = {} }: Running = {}): Promise<number> {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(argv0 === undefined ? {} : { argv0 }),
    ...(cwd === undefined ? {} : { cwd }),
    env: { PATH: process.env['PATH'], ...environment },
  });
  const ended = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  await once(child.stdout, 'data');
  return child.pid ?? -1;
}

function opening(paths: readonly string[], how = 'openSync'): Promise<number> {
  const script = `const held = process.argv.slice(1).map((path) => require('fs').${how}(path)); ${READY_AND_WAITING}`;
  return started(['-e', script, ...paths]);
}

/** A process whose command line reads `<argv0> <script> …args`, in a folder of its own that holds nothing but that script. */
function serving(argv0: string, script: string, args: readonly string[], options: Running = {}): Promise<number> {
  const cwd = options.cwd ?? temporaryDirectory();
  writeFileSync(join(cwd, script), READY_AND_WAITING);
  return started([script, ...args], { ...options, argv0, cwd });
}

function pidsHolding(dir: string): readonly number[] {
  return holdersOf(dir, []).holders.map(({ pid }) => pid);
}

describe('who has a directory open', () => {
  it('is nobody, where nobody has', async () => {
    const dir = await unpacked('0.5.5');
    const before = bytesOf(dir);
    expect(holdersOf(dir, [])).toMatchObject({ holders: [], isSupported: true });
    expect(bytesOf(dir)).toEqual(before);
  });

  it('is a process with the database open: its id, its user, its command line', async () => {
    const dir = await unpacked('0.5.5');
    const pid = await opening([databaseOf(dir)]);
    expect(holdersOf(dir, []).holders).toEqual([
      {
        pid,
        user: userInfo().username,
        command: expect.stringContaining(databaseOf(dir)) as string,
        openFiles: 1,
        hasDatabaseOpen: true,
      },
    ]);
  });

  it('is a process that has nothing but a file of an index open', async () => {
    const dir = await unpacked('0.5.5');
    const segment = dirname(pickleOf(dir, 'notes'));
    const files = ['header.bin', 'length.bin'].map((name) => join(segment, name));
    const pid = await opening([...files, ...files]);
    expect(holdersOf(dir, []).holders).toMatchObject([{ pid, openFiles: 2, hasDatabaseOpen: false }]);
  });

  it('is everyone, where there are several', async () => {
    const dir = await unpacked('0.5.5');
    const pids = await Promise.all([opening([databaseOf(dir)]), opening([pickleOf(dir, 'notes')])]);
    expect(new Set(pidsHolding(dir))).toEqual(new Set(pids));
  });

  it('does not depend on the name by which a file was opened', async () => {
    const dir = await unpacked('0.5.5');
    const [hard, soft] = [join(dirname(dir), 'hard'), join(dirname(dir), 'soft')];
    linkSync(databaseOf(dir), hard);
    symlinkSync(dir, soft);
    const pids = await Promise.all([opening([hard]), opening([databaseOf(soft)])]);
    expect(new Set(pidsHolding(dir))).toEqual(new Set(pids));
  });

  it('is not a process that was excluded', async () => {
    const dir = await unpacked('0.5.5');
    const [child, other] = [await opening([databaseOf(dir)]), await opening([databaseOf(dir)])];
    expect(holdersOf(dir, [child]).holders.map(({ pid }) => pid)).toEqual([other]);
    expect(holdersOf(dir, [child, other]).holders).toEqual([]);
  });

  it('is not a shell that stands in the directory, nor one that lists it', async () => {
    const dir = await unpacked('0.5.5');
    await started(['-e', READY_AND_WAITING], { cwd: dir });
    await opening([dir, dirname(pickleOf(dir, 'notes'))], 'opendirSync');
    expect(pidsHolding(dir)).toEqual([]);
  });

  it('is not a process that only names it, or has a file of another directory open', async () => {
    const [dir, other] = [await unpacked('0.5.5'), await unpacked('0.5.5')];
    await started(['-e', READY_AND_WAITING, databaseOf(dir)]);
    await opening([databaseOf(other)]);
    expect(pidsHolding(dir)).toEqual([]);
  });
});

describe('a Chroma server whose files are closed for the moment', () => {
  it('is found by the path on its command line', async () => {
    const dir = await unpacked('1.5.9-purge-off');
    const pid = await serving('chroma', 'run', ['--path', dir]);
    expect(holdersOf(dir, []).holders).toEqual([
      {
        pid,
        user: userInfo().username,
        command: `chroma run --path ${dir}`,
        openFiles: 0,
        hasDatabaseOpen: false,
      },
    ]);
  });

  it.each([
    ['a relative path', (dir: string) => ['--path', `./${basename(dir)}`]],
    ['a path after an equals sign', (dir: string) => [`--path=${basename(dir)}/`]],
    ['a path between other options', (dir: string) => ['--port', '8001', '--path', basename(dir), '--host', '::']],
  ])('is found by %s, as its own working directory has it', async (_, argsFor) => {
    const dir = await unpacked('1.5.9-purge-off');
    const pid = await serving('/usr/local/bin/chroma', 'run', argsFor(dir), { cwd: dirname(dir) });
    expect(pidsHolding(dir)).toEqual([pid]);
  });

  it('is found by a path through a symbolic link', async () => {
    const dir = await unpacked('1.5.9-purge-off');
    symlinkSync(dir, join(dirname(dir), 'current'));
    const pid = await serving('chroma', 'run', ['--path', 'current'], { cwd: dirname(dir) });
    expect(pidsHolding(dir)).toEqual([pid]);
  });

  it.each(['chroma', 'chroma_data'])(
    'is found without --path where it serves its default directory, ./%s',
    async (name) => {
      const cwd = temporaryDirectory();
      const dir = join(cwd, name);
      // On Linux `chroma` cannot be both the directory and the program, so the program is elsewhere.
      mkdirSync(dir);
      const pid = await serving('/opt/chroma', 'run', ['--port', '8001'], { cwd });
      expect(pidsHolding(dir)).toEqual([pid]);
    },
  );

  it('is found as uvicorn too, by PERSIST_DIRECTORY in its environment', async () => {
    const dir = await unpacked('0.4.24');
    const environment = { PERSIST_DIRECTORY: basename(dir) };
    const pid = await serving('uvicorn', 'chromadb.app:app', [], { cwd: dirname(dir), environment });
    expect(pidsHolding(dir)).toEqual([pid]);
  });

  it('is not one of another directory, and no other program that takes --path', async () => {
    const [dir, other] = [await unpacked('1.5.9-purge-off'), await unpacked('0.5.5')];
    await serving('chroma', 'run', ['--path', other]);
    await serving('chroma', 'vacuum', ['--path', dir]);
    await serving('backup', 'run', ['--path', dir]);
    expect(pidsHolding(dir)).toEqual([]);
  });
});
