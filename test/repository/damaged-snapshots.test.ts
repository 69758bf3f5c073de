/** Decay: bits that flip, files that are cut short, lengthened or lost, in every file that a snapshot has. */
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  lstatSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { realHost } from '../../src/host/real-host.ts';
import { MaintError } from '../../src/errors.ts';
import { openRepository, type Repository } from '../../src/repository/repository.ts';
import { findSnapshot, readSnapshots } from '../../src/repository/snapshots.ts';
import { copyOut, verifyFiles } from '../../src/repository/stored-files.ts';
import { create, newRepository } from '../support/backup.ts';
import { temporaryDirectory, unpacked } from '../support/fixtures.ts';

const DAMAGES = 1_000;
const MANIFEST = 'manifest.json';

const KINDS: readonly (readonly [string, (path: string, size: number, random: () => number) => void])[] = [
  [
    'a bit that flips',
    (path, size, random) => {
      const bytes = readFileSync(path);
      const at = Math.floor(random() * size);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      writeFileSync(path, bytes);
    },
  ],
  ['a file that is cut short', (path, size, random) => truncateSync(path, Math.floor(random() * size))],
  ['a file that is lengthened', (path) => appendFileSync(path, '\0')],
  ['a file that is lost', (path) => rmSync(path)],
];

/** Repeatable: a failure names its seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What verify says of the only snapshot: paths with a problem; `manifest.json` where that is not believed. */
async function found(repository: Repository): Promise<readonly string[]> {
  const { snapshots, unreadable } = readSnapshots(repository);
  if (unreadable.length > 0) return [MANIFEST];
  const [snapshot] = snapshots;
  // Gone as far as anybody can see, which is found by whoever counts.
  if (snapshot === undefined) return ['the snapshot'];
  return (await verifyFiles(snapshot, () => undefined)).map(({ path }) => path);
}

async function restoreFailure(repository: Repository, id: string, target: string): Promise<string> {
  try {
    const snapshot = findSnapshot(repository, readSnapshots(repository), id);
    await copyOut(snapshot, target, realHost, () => undefined);
    return 'it was restored';
  } catch (error) {
    rmSync(target, { recursive: true, force: true });
    return error instanceof MaintError ? error.code : String(error);
  }
}

describe('a snapshot', () => {
  it(`with one of ${DAMAGES} random damages is found out by verify, and not restored`, async () => {
    const given = newRepository();
    const { snapshot } = await create(await unpacked('0.5.5'), given);
    const repository = openRepository(given);
    const data = join(snapshot.path, 'data');
    const { files } = JSON.parse(readFileSync(join(snapshot.path, MANIFEST), 'utf8')) as {
      files: readonly { path: string }[];
    };
    const scratch = temporaryDirectory();
    const [spare, target] = [join(scratch, 'spare'), join(scratch, 'target')];
    expect(await found(repository)).toEqual([]);
    const random = randomFrom(20_261_121);
    for (let count = 0; count < DAMAGES; count += 1) {
      const names = [...files.map(({ path }) => path), MANIFEST];
      const name = names[Math.floor(random() * names.length)] ?? '';
      const path = name === MANIFEST ? join(snapshot.path, MANIFEST) : join(data, name);
      const { size } = lstatSync(path);
      // Nothing can be cut from an empty file, and no bit of it can flip.
      const kinds = size === 0 ? KINDS.slice(2) : KINDS;
      const [kind, damage] = kinds[Math.floor(random() * kinds.length)] ?? ['none', () => undefined];
      copyFileSync(path, spare);
      damage(path, size, random);
      const what = `damage ${count}: ${kind}, ${name}`;
      expect(await found(repository), what).toEqual([name]);
      expect(await restoreFailure(repository, snapshot.id, target), what).toBe('CORRUPT');
      expect(existsSync(target)).toBe(false);
      copyFileSync(spare, path);
    }
    expect(await found(repository)).toEqual([]);
    expect(await restoreFailure(repository, snapshot.id, target)).toBe('it was restored');
  }, 300_000);
});
