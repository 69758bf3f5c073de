import { execFileSync } from 'node:child_process';
import { cpSync, existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readHeader } from '../../src/sqlite/header.ts';
import type { Host } from '../../src/host/host.ts';
import { realHost } from '../../src/host/real-host.ts';
import { vacuumUnderLock } from '../../src/operations/locked-vacuum.ts';
import { on, SILENT, vacuumOf } from '../support/agreed.ts';
import { databaseOf } from '../support/damage.ts';
import { rowsKept, temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { rowsOf, seqIdsOf, withDatabase } from '../support/state.ts';
import { madeImage, mounted, powerCut } from './image.ts';

type Found = 'old' | 'new' | 'none';

interface Cut {
  readonly at: string;
  readonly image: string;
}

/** Rebuilds on a disk of its own and cuts the power at every step. `instead` replaces parts of the machine. */
async function cutsOf(
  instead: Partial<Host> = {},
): Promise<{ readonly cuts: readonly Cut[]; readonly source: string }> {
  const source = await unpacked('0.5.5');
  const image = madeImage(temporaryDirectory());
  const dir = join(image.mountPoint, 'persist');
  cpSync(source, dir, { recursive: true, preserveTimestamps: true });
  execFileSync('sync', ['--file-system', dir]);
  const cuts: Cut[] = [];
  const cut = (at: string): void => void cuts.push({ at, image: powerCut(image, String(cuts.length)) });
  const machine = { ...realHost, ...instead };
  const host: Host = {
    ...machine,
    copyAttributes(from, to) {
      cut('when the copy is verified');
      return machine.copyAttributes(from, to);
    },
    sync(path) {
      const isLast = path === dir && cuts.length > 1;
      if (isLast) cut('after the rename');
      machine.sync(path);
      if (isLast) cut('when the directory is synced');
      if (basename(path).includes('rebuild')) cut('when the copy is synced');
    },
    probeLease(descriptor) {
      // Asked when it is planned as well.
      if (cuts.length > 0) cut('just before the rename');
      return machine.probeLease(descriptor);
    },
    holdersOfFile(file, except) {
      // Asked before the rename as well. After it the header of the old file is zeroed; on the disk too, at the worst.
      if (cuts.at(-1)?.at !== 'when the directory is synced') return machine.holdersOfFile(file, except);
      cut('when the old file is spoilt');
      execFileSync('sync', ['--file-system', dir]);
      cut('when everything is on the disk');
      return machine.holdersOfFile(file, except);
    },
  };
  await vacuumUnderLock(vacuumOf(dir, 'rebuild'), on(host), SILENT);
  return { cuts, source };
}

/** What there is after the power came back. */
function foundAfter({ image }: Cut, source: string): Found {
  const { mountPoint } = mounted(image, join(temporaryDirectory(), 'again'));
  const dir = join(mountPoint, 'persist');
  if (!existsSync(databaseOf(dir)) || readHeader(databaseOf(dir)).kind !== 'database') return 'none';
  const ids = seqIdsOf(source);
  try {
    if (withDatabase(dir, (db) => db.pragma('integrity_check', { simple: true })) !== 'ok') return 'none';
    expect(rowsOf(dir, ['embeddings_queue'])).toEqual(rowsOf(source, ['embeddings_queue']));
  } catch {
    return 'none';
  }
  const left = seqIdsOf(dir).join();
  if (left === ids.join()) return 'old';
  return left === rowsKept('0.5.5', ids).join() ? 'new' : 'none';
}

async function outcomes(instead: Partial<Host> = {}): Promise<Readonly<Record<string, Found>>> {
  const { cuts, source } = await cutsOf(instead);
  return Object.fromEntries(cuts.map((cut) => [cut.at, foundAfter(cut, source)]));
}

describe('a power cut', () => {
  it('leaves the old database or the new one, at every step of a rebuild', async () => {
    expect(await outcomes()).toEqual({
      'when the copy is verified': 'old',
      'when the copy is synced': 'old',
      'just before the rename': 'old',
      'after the rename': 'old',
      'when the directory is synced': 'new',
      'when the old file is spoilt': 'new',
      'when everything is on the disk': 'new',
    });
  });

  it('would leave none without the fsync of the copy: this test can fail', async () => {
    const found = await outcomes({
      sync: (path) => void (basename(path).includes('rebuild') || realHost.sync(path)),
    });
    expect(Object.values(found)).toContain('none');
  });
});
