/**
 * What a refusal for lack of room offers: what there is room for, by the plan's own numbers.
 */
import { expect, it } from 'vitest';
import type { Host } from '../../src/host/host.ts';
import { realHost } from '../../src/host/real-host.ts';
import { unpacked, unpackedDemo } from '../support/fixtures.ts';
import { IDLE_CHROMA, NOBODY } from '../support/holders.ts';
import { run } from '../support/run.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const IN_STEPS = 'chroma-maint prune DIR --while-running --batch-rows 10';

/** The hint of the refusal, with `free` bytes where the directory is and `elsewhere` for temporary files. */
async function hintOf(argv: readonly string[], dir: string, free: number, elsewhere = free): Promise<string> {
  const host: Partial<Host> = {
    holdersOf: () => NOBODY,
    // Two disks, of which one is the directory's.
    fileSystemOf: (path) => ({ ...realHost.fileSystemOf(dir), device: path.startsWith(dir) ? 1n : 2n }),
    freeBytes: (path) => Promise.resolve(path.startsWith(dir) ? free : elsewhere),
  };
  const { exitCode, stderr } = await run([...argv, '--yes'], {}, host);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 15 });
  return (/hint: (.*)\n$/.exec(stderr)?.[1] ?? '').replaceAll(dir, 'DIR');
}

it('a prune is offered in small transactions, with what it was given, and never one collection at a time', async () => {
  const dir = await unpackedDemo();
  const argv = ['prune', dir, '--collection', 'articles', '--keep-last', '5'];
  const hint = await hintOf(argv, dir, 300 * KIB);
  const command = IN_STEPS.replace('DIR', 'DIR --collection articles --keep-last 5');
  expect(hint).toBe(`${command} stops the growth, with Chroma stopped too; or free some space`);
  expect(await hintOf(argv, dir, KIB)).toBe('free some space');
});

it('a vacuum with no room for a plain prune either offers that one', async () => {
  const dir = await unpackedDemo();
  expect(await hintOf(['vacuum', dir], dir, 300 * KIB)).toMatch(new RegExp(`^${IN_STEPS} stops the growth`));
});

it('another place for the temporary copy is offered where that is what lacks room, and only there', async () => {
  const dir = await unpackedDemo();
  const argv = ['vacuum', dir, '--mode', 'in-place'];
  const offer = 'move the temporary copy to another disk with --temp-dir <dir>';
  expect(await hintOf(argv, dir, 100 * MIB, 0)).toMatch(new RegExp(`^${offer}; or `));
  expect(await hintOf(argv, dir, 300 * KIB, 100 * MIB)).not.toContain('--temp-dir');
});

it('the plan of a vacuum beside a server says what it would be with Chroma stopped', async () => {
  const dir = await unpacked('0.6.3-purge-off');
  const plan = async (...options: readonly string[]): Promise<string> => {
    const { stdout } = await run(
      ['vacuum', dir, '--dry-run', ...options],
      {},
      { holdersOf: () => IDLE_CHROMA, holdersOfFile: () => IDLE_CHROMA },
    );
    return stdout.replaceAll(/\s+/g, ' ');
  };
  expect(await plan()).toMatch(
    /rewrite the database in place.* note with Chroma stopped, .* a new file .* needs about/,
  );
  expect(await plan('--mode', 'in-place')).not.toContain('with Chroma stopped');
});
