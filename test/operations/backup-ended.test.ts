/**
 * Backup commands that are ended by Ctrl-C, SIGTERM or --timeout, in real processes: nothing half-made stays, and the
 * message says what is the case.
 */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { create, namesIn, newRepository, NOTHING } from '../support/backup.ts';
import { enlarge } from '../support/enlarge.ts';
import { temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { endedWhen, inTransaction } from '../support/process.ts';
import { run } from '../support/run.ts';
import { bytesOf } from '../support/state.ts';

/** Large enough that a copy of it can be caught in the middle: 180 MB. */
async function largeDirectory(): Promise<string> {
  const dir = await unpacked('0.5.5');
  enlarge(dir, 'drafts', 30_000, 1_536);
  return dir;
}

/** True while a directory is in the making. */
function hasUnfinished(directory: string): boolean {
  return existsSync(directory) && readdirSync(directory).some((name) => /^\.unfinished-(verify-)?\d+$/.test(name));
}

describe('a command that is ended', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('by %s while it makes a snapshot leaves none', async (signal) => {
    const dir = await largeDirectory();
    const before = bytesOf(dir);
    const repository = newRepository();
    const argv = ['backup', 'create', dir, '--to', repository];
    const ended = await endedWhen(argv, signal, () => hasUnfinished(repository));
    expect(ended).toMatchObject({ exitCode: 130, code: 'INTERRUPTED', state: 'nothing was changed' });
    expect(namesIn(repository)).toEqual(NOTHING);
    expect(bytesOf(dir)).toEqual(before);
  });

  it('while it restores leaves nothing at the target, and nothing beside it', async () => {
    const repository = newRepository();
    await create(await largeDirectory(), repository);
    const target = join(temporaryDirectory(), 'restored');
    const isBegun = (): boolean => existsSync(join(dirname(target), '.restored.chroma-maint-restore'));
    const argv = ['backup', 'restore', 'latest', '--from', repository, '--to', target];
    const ended = await endedWhen(argv, 'SIGINT', isBegun);
    expect(ended).toMatchObject({ exitCode: 130, code: 'INTERRUPTED', state: 'nothing was changed' });
    expect(readdirSync(dirname(target))).toEqual([]);
  });

  it('while it tries a restore leaves no temporary directory', async () => {
    const repository = newRepository();
    const { snapshot } = await create(await largeDirectory(), repository);
    const scratch = temporaryDirectory();
    for (const [place, options] of [
      [repository, []],
      [scratch, ['--temp-dir', scratch]],
    ] as const) {
      const argv = ['backup', 'verify', repository, '--full', ...options];
      const ended = await endedWhen(argv, 'SIGINT', () => hasUnfinished(place));
      expect(ended).toMatchObject({ exitCode: 130, code: 'INTERRUPTED' });
      expect(hasUnfinished(place)).toBe(false);
    }
    expect(namesIn(repository)).toEqual({ snapshots: [snapshot.name], others: [] });
  });

  it('by its --timeout says that the time is over', async () => {
    const dir = await unpacked('0.5.5');
    const repository = newRepository();
    mkdirSync(repository);
    await inTransaction(join(dir, 'chroma.sqlite3'), 'BEGIN IMMEDIATE');
    const argv = ['backup', 'create', dir, '--to', repository, '--wait', '1h', '--timeout', '1s'];
    expect(await run(argv)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--timeout is over') });
    expect(namesIn(repository)).toEqual(NOTHING);
  });

  it('while a snapshot is made before a vacuum changes nothing', async () => {
    const dir = await largeDirectory();
    const before = bytesOf(dir);
    const repository = newRepository();
    const argv = ['vacuum', dir, '--yes', '--backup', repository];
    const ended = await endedWhen(argv, 'SIGINT', () => hasUnfinished(repository));
    expect(ended).toMatchObject({ exitCode: 130, state: 'nothing was changed' });
    expect(namesIn(repository)).toEqual(NOTHING);
    expect(bytesOf(dir)).toEqual(before);
  });
});
