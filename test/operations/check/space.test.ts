/**
 * What the finding on too little room says to do: the command that gives the most of those that fit.
 */
import { expect, it } from 'vitest';
import { unpacked, unpackedDemo } from '../../support/fixtures.ts';
import { run } from '../../support/run.ts';
import { checked } from './cases.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** The remedies for too little room in `dir`, with so many bytes free, without the directory. */
async function remedies(dir: string, free: number): Promise<readonly string[]> {
  const { findings } = await checked(dir, false, { machine: () => ({ freeBytes: () => Promise.resolve(free) }) });
  return findings.filter(({ id }) => id === 'low-space').map(({ remedy }) => remedy.replace(dir, 'DIR'));
}

it('a vacuum where only the prune lacks room, which keeps many rows', async () => {
  expect(await remedies(await unpackedDemo(), 10 * MIB)).toEqual(['chroma-maint vacuum DIR']);
});

it('a prune where only the vacuum lacks room', async () => {
  expect(await remedies(await unpacked('0.6.3-purge-off'), 600 * KIB)).toEqual(['chroma-maint prune DIR']);
});

it('a prune in small transactions where both lack room, which that much is enough for', async () => {
  const dir = await unpacked('0.6.3-purge-off');
  const command = 'chroma-maint prune DIR --while-running --batch-rows 10';
  const free = 210 * KIB;
  expect(await remedies(dir, free)).toEqual([command, command]);
  const argv = command.replace('chroma-maint ', '').replace('DIR', dir).split(' ');
  const { exitCode, stdout } = await run([...argv, '--yes'], {}, { freeBytes: () => Promise.resolve(free) });
  expect({ exitCode, stdout }).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^Deleted \d+ of/) });
});

it('free space, or a copy on another disk, where there is no room for anything', async () => {
  const sentence = 'Free space on the disk that is named, or vacuum a copy of the directory on another one.';
  expect(await remedies(await unpackedDemo(), KIB)).toEqual([sentence, sentence]);
});
