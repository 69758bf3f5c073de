/**
 * Chroma in a file with incremental auto-vacuum, which it never creates: it reads and writes as before, and what
 * `vacuum --incremental` gives back is not missing afterwards.
 */
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { unpacked } from '../support/fixtures.ts';
import { AUTO_VACUUM, pagesOf } from '../support/incremental.ts';
import { differences } from './differences.ts';
import { finished, printed, program } from './processes.ts';
import {
  add,
  copies,
  dump,
  judged,
  judgesOf,
  lossesIn,
  NEWEST,
  ownVersion,
  pythonOf,
  SELECTED,
  VERSIONS,
  type JudgedFixture,
} from './support.ts';

/** In every run; the others with `--all`. */
const FEW = ['0.5.5', '1.5.9-purge-off'];
const IS_SMALL = SELECTED.length < 10;
const CASES = SELECTED.filter(({ name }) => !IS_SMALL || FEW.includes(name)).flatMap((fixture) =>
  [...new Set([ownVersion(fixture), NEWEST])]
    .filter((judge) => judgesOf(fixture).includes(judge))
    .map((judge) => [fixture.name, judge] as const),
);

/** A copy of a fixture, as one that gives pages back step by step, with nothing deleted from it. */
async function prepared({ name }: JudgedFixture): Promise<string> {
  const dir = await unpacked(name);
  await printed(['vacuum', dir, '--no-prune', '--auto-vacuum', 'incremental', '--yes']);
  return dir;
}

async function givenBack(dir: string): Promise<void> {
  const { exitCode } = await program(['vacuum', dir, '--incremental', '--min-reclaim', '0', '--yes', '--quiet']);
  expect([0, 3]).toContain(exitCode);
  expect(pagesOf(dir)).toMatchObject({ setting: AUTO_VACUUM.incremental, free: 0, integrity: 'ok' });
}

describe.each(CASES)('the directory %s with incremental auto-vacuum, and Chroma %s', (name, judge) => {
  const fixture = judged(name);

  it('returns the same, before and after pages were given back', async () => {
    const [untouched, treated] = [await unpacked(name), await prepared(fixture)];
    const expected = await dump(untouched, judge, fixture);
    expect(differences(expected, await dump(treated, judge, fixture))).toEqual([]);
    await givenBack(treated);
    expect(differences(expected, await dump(treated, judge, fixture))).toEqual([]);
  });

  it('keeps what is written to it, and leaves it whole', async () => {
    const [{ untouched }, treated] = [await copies(fixture, 'prune'), await prepared(fixture)];
    await givenBack(treated);
    expect(await lossesIn({ untouched, treated }, fixture, judge)).toEqual([]);
    expect(pagesOf(treated)).toMatchObject({ setting: AUTO_VACUUM.incremental, integrity: 'ok' });
    await givenBack(treated);
  });
});

/** How each Chroma that has one vacuums by itself. */
const OWN: Readonly<Record<string, readonly string[]>> = {
  '0.6.3': ['utils', 'vacuum', '--force', '--path'],
  '1.5.9': ['vacuum', '--force', '--path'],
};

describe.each(Object.keys(OWN).filter((version) => VERSIONS.includes(version)))("Chroma %s's own vacuum", (version) => {
  it('leaves the setting as it is', async () => {
    const fixture = judged(version === '0.6.3' ? '0.6.3-purge-off' : '1.5.9-purge-off');
    const dir = await prepared(fixture);
    await add(dir, version, fixture);
    const chroma = join(dirname(pythonOf(version)), 'chroma');
    expect((await finished(chroma, [...(OWN[version] ?? []), dir])).exitCode).toBe(0);
    expect(pagesOf(dir)).toMatchObject({ setting: AUTO_VACUUM.incremental, free: 0, integrity: 'ok' });
  });
});
