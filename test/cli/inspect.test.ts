/**
 * What an inspection says of the room that there is and of who is there, and the command that it ends with.
 */
import { expect, it } from 'vitest';
import type { Host } from '../../src/host/host.ts';
import { unpacked, unpackedDemo } from '../support/fixtures.ts';
import { IDLE_CHROMA, NOBODY } from '../support/holders.ts';
import { run, runJson } from '../support/run.ts';
import { cleaned } from '../operations/check/cases.ts';

const KIB = 1024;
const withFree = (bytes: number): Partial<Host> => ({ freeBytes: () => Promise.resolve(bytes) });

/** The whole text, in lines of at least the width of a command, with the directory as DIR. */
async function inspected(dir: string, host: Partial<Host> = {}): Promise<string> {
  const { stdout } = await run(
    ['inspect', dir, '--color', 'never'],
    { columns: 200 },
    { holdersOf: () => NOBODY, ...host },
  );
  return stdout.replaceAll(dir, 'DIR');
}

it('the free bytes stand in its head where they are fewer than the database has, and in its object always', async () => {
  const dir = await unpackedDemo();
  expect(await inspected(dir, withFree(300 * KIB))).toMatch(/\nnot in use · .* · 300\.0 KiB free on its disk\n/);
  expect(await inspected(dir, withFree(1e12))).not.toMatch(/free on its disk/);
  expect(await runJson(['inspect', dir], withFree(1e12))).toMatchObject({ availableBytes: 1e12 });
});

it('where df is missing, everything else is said', async () => {
  const host = { freeBytes: () => Promise.reject(new Error('spawn df ENOENT')) };
  expect(await inspected(await unpackedDemo(), host)).toMatch(/\nNext: chroma-maint vacuum DIR /);
  expect(await runJson(['inspect', await unpackedDemo()], host)).toMatchObject({ availableBytes: null });
});

it.each([
  ['a prune where there is room for one', 600 * KIB, 'chroma-maint prune DIR '],
  ['one in small transactions where not', 300 * KIB, 'chroma-maint prune DIR --while-running --batch-rows 10 '],
])('where a vacuum has no room, the next command is %s', async (_, free, command) => {
  const text = await inspected(await unpacked('0.6.3-purge-off'), withFree(free));
  expect(text).toContain('there is no room for what it writes first. Free some, or');
  expect(text).toContain(`\nNext: ${command}    stops the growth\n`);
  expect(text).not.toMatch(/Next: chroma-maint vacuum/);
});

it('where there is no room for anything, no command is named', async () => {
  const text = await inspected(await unpackedDemo(), withFree(KIB));
  expect(text).toMatch(/vacuum a copy of the directory on another disk\.\n$/);
});

it('beside a server the vacuum is for when Chroma is stopped, and a prune stops the growth', async () => {
  const text = await inspected(await unpackedDemo(), { holdersOf: () => IDLE_CHROMA });
  expect(text).toMatch(/\nNext, with Chroma stopped: chroma-maint vacuum DIR /);
  expect(text).toMatch(/\nBeside it: chroma-maint prune DIR --while-running {5}stops the growth\n/);
});

it('where processes could not be looked into, it does not say that nobody uses the directory', async () => {
  const text = await inspected(await unpackedDemo(), { holdersOf: () => ({ ...NOBODY, unreadable: 70 }) });
  expect(text).toMatch(/\nnobody seen using it · /);
});

it('what deleted collections left is cleaned up in the same command, and what clean has put aside has its bytes', async () => {
  const dir = await unpacked('0.6.3-purge-off');
  expect(await inspected(dir)).toMatch(/\nNext: chroma-maint vacuum DIR --clean {5}gives back .* aside\n/);
  await cleaned(dir, '--only', 'dirs');
  const text = await inspected(dir);
  expect(text).toMatch(/\n {2}put aside by clean +[\d.]+ KiB/);
  expect(text).not.toMatch(/deleted collections {2}/);
  const { bytes } = await runJson<{ bytes: { quarantine: number } }>(['inspect', dir]);
  expect(bytes.quarantine).toBeGreaterThan(0);
});
