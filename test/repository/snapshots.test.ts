/** Which snapshot is meant, and what is believed of it. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MaintError } from '../../src/errors.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { findSnapshot, latestOfEach, readSnapshots, type Snapshot } from '../../src/repository/snapshots.ts';
import { create, newRepository } from '../support/backup.ts';
import { unpacked } from '../support/fixtures.ts';
import { run } from '../support/run.ts';

/** The id of the snapshot that a selector finds, or the code and the details of the refusal. */
function foundBy(given: string, selector: string): string {
  const repository = openRepository(given);
  try {
    return findSnapshot(repository, readSnapshots(repository), selector).id;
  } catch (error) {
    if (error instanceof MaintError) return error.code;
    throw error;
  }
}

/** A snapshot of which only the name matters. */
function place(id: string): Snapshot {
  return { id, name: `20261121T031500Z-${id}` } as Snapshot;
}

describe('a snapshot', () => {
  it('answers to its id, the beginning of it, the name of its directory and, made last, to "latest"', async () => {
    const dir = await unpacked('0.5.5');
    const given = newRepository();
    const { snapshot: first } = await create(dir, given);
    const { snapshot: second } = await create(dir, given);
    for (const selector of [first.id, first.id.slice(0, 4), first.name])
      expect(foundBy(given, selector)).toBe(first.id);
    expect(foundBy(given, 'latest')).toBe(second.id);
    for (const selector of [first.id.slice(0, 3), '', 'zzzz', '../', second.path]) {
      expect(foundBy(given, selector)).toBe('USAGE');
    }
  });

  it('is not guessed where several answer', () => {
    const repository = { given: 'repo', path: '/repo' };
    const list = { snapshots: [place('1a2b3c4d'), place('1a2b0000')], unreadable: [] };
    expect(() => findSnapshot(repository, list, '1a2b')).toThrow('several snapshots answer to "1a2b"');
    expect(findSnapshot(repository, list, '1a2b0').id).toBe('1a2b0000');
  });

  it('of several directories: "latest" could be any, and verify takes the latest of each', async () => {
    const given = newRepository();
    const { snapshot: one } = await create(await unpacked('0.5.5'), given);
    const { snapshot: other } = await create(await unpacked('0.6.3-purge-off'), given);
    expect(foundBy(given, 'latest')).toBe('USAGE');
    const repository = openRepository(given);
    expect(latestOfEach(repository, readSnapshots(repository)).map(({ id }) => id)).toEqual([one.id, other.id]);
    const { stdout } = await run(['backup', 'verify', given]);
    expect(stdout).toContain('2 snapshots are sound');
    const list = await run(['backup', 'list', given]);
    expect(list.stdout).toContain('of 2 directories');
    const forget = await run(['backup', 'forget', given, '--keep-last', '1', '--yes']);
    expect(forget.stdout).toContain('Nothing to remove: 2 snapshots kept.');
  });

  it('is none: a file or a directory of another name, or one without a manifest that is whole', async () => {
    const given = newRepository();
    const { snapshot } = await create(await unpacked('0.5.5'), given);
    mkdirSync(join(given, 'lost+found'));
    writeFileSync(join(given, '20261121T031500Z-00000000'), 'a file');
    mkdirSync(join(given, '20261121T031500Z-00000001'));
    const { snapshots, unreadable } = readSnapshots(openRepository(given));
    expect(snapshots.map(({ id }) => id)).toEqual([snapshot.id]);
    expect(unreadable.map(({ id, because }) => [id, because.code])).toEqual([
      ['00000000', 'CORRUPT'],
      ['00000001', 'CORRUPT'],
    ]);
    expect(foundBy(given, '00000001')).toBe('CORRUPT');
    expect(foundBy(given, 'latest')).toBe(snapshot.id);
  });

  it('whose directory was renamed is not the one that its manifest belongs to', async () => {
    const given = newRepository();
    const { snapshot } = await create(await unpacked('0.5.5'), given);
    renameSync(snapshot.path, snapshot.path.replace(snapshot.id, 'ffffffff'));
    expect(foundBy(given, 'latest')).toBe('CORRUPT');
  });
});
