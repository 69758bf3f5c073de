/**
 * Backups of every directory that real Chroma wrote: what comes back is what was there, to the byte.
 */
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  create,
  forgedManifest,
  namesIn,
  newRepository,
  restored,
  toTheMillisecond,
  type CreateJson,
} from '../support/backup.ts';
import type { Finding } from '../../src/operations/findings/findings.ts';
import { archivedNotesOf, lostSegments } from '../support/catalogue-damage.ts';
import { damagedFullText, missingPickle, pickleOf } from '../support/damage.ts';
import { FIXTURES, unpacked } from '../support/fixtures.ts';
import { droppedFullText } from '../support/full-text-damage.ts';
import { IDLE_CHROMA } from '../support/holders.ts';
import { run, runJson } from '../support/run.ts';
import { bytesOf, rowsOf, seqIdsOf, withDatabase } from '../support/state.ts';

interface VerifyJson {
  readonly snapshots: readonly {
    readonly id: string;
    readonly sound: boolean;
    readonly problems: readonly { readonly path: string; readonly what: string }[];
    readonly findings: readonly Finding[] | null;
  }[];
}

interface InspectJson {
  readonly records: number;
  readonly collections: readonly unknown[];
}

/** Inodes of all regular files below a directory. */
function inodesOf(directory: string): ReadonlySet<number> {
  const entries = readdirSync(directory, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile());
  return new Set(entries.map((entry) => lstatSync(join(entry.parentPath, entry.name)).ino));
}

describe.each(FIXTURES.map((each) => [each.name, each] as const))('the directory %s', (name, { expected }) => {
  it('comes back to the byte, with its modes and times, and was not changed', async () => {
    const dir = await unpacked(name);
    const before = bytesOf(dir);
    const repository = newRepository();
    const { snapshot: made } = await create(dir, repository);
    expect(bytesOf(dir)).toEqual(before);

    const { snapshots } = await runJson<VerifyJson>(['backup', 'verify', repository, '--full']);
    expect(snapshots).toMatchObject([{ id: made.id, sound: true, problems: [] }]);
    const { records, collections } = await runJson<InspectJson>(['inspect', dir]);
    expect(made).toMatchObject({ records, collections: collections.length });

    // Times are kept to the millisecond, as far as Node.js can set them.
    expect(toTheMillisecond(bytesOf(await restored(repository)))).toEqual(toTheMillisecond(before));
  });

  it('goes into a second snapshot without another byte, and comes back after a prune and a vacuum', async () => {
    const dir = await unpacked(name);
    const before = bytesOf(dir);
    const repository = newRepository();
    const first = await create(dir, repository);
    const second = await create(dir, repository);
    expect(second).toMatchObject({
      snapshot: { newBytes: 0, bytes: first.snapshot.bytes },
      contentSha256: first.contentSha256,
    });
    const live = inodesOf(dir);
    expect([...inodesOf(repository)].filter((inode) => live.has(inode))).toEqual([]);

    await run(['vacuum', dir, '--yes', '--min-reclaim', '0']);
    const target = await restored(repository, second.snapshot.id);
    expect(toTheMillisecond(bytesOf(target))).toEqual(toTheMillisecond(before));
    const stored = inodesOf(repository);
    expect([...inodesOf(target)].filter((inode) => stored.has(inode))).toEqual([]);
  });

  it.runIf(expected.exitCode !== 14)('has the same content before and after a prune and a vacuum', async () => {
    const dir = await unpacked(name);
    const repository = newRepository();
    const { contentSha256 } = await create(dir, repository);
    await run(['prune', dir, '--yes']);
    expect((await create(dir, repository)).contentSha256).toBe(contentSha256);
    for (const mode of ['rebuild', 'in-place']) {
      await run(['vacuum', dir, '--yes', '--min-reclaim', '0', '--mode', mode]);
      expect((await create(dir, repository)).contentSha256).toBe(contentSha256);
    }
  });
});

describe('a snapshot first', () => {
  it.each(['prune', 'vacuum'])('%s --backup makes it and verifies it before anything is deleted', async (verb) => {
    const dir = await unpacked('0.5.5');
    const before = rowsOf(dir);
    const repository = newRepository();
    const { backup } = await runJson<{ backup: CreateJson }>([verb, dir, '--yes', '--backup', repository]);
    expect(backup.snapshot.verifiedAt).not.toBeNull();
    expect(rowsOf(dir)).not.toEqual(before);
    expect(rowsOf(await restored(repository, backup.snapshot.id))).toEqual(before);
  });

  it('is shown in the plan, and a dry run makes none', async () => {
    const dir = await unpacked('0.5.5');
    const repository = newRepository();
    const { stdout } = await run(['vacuum', dir, '--dry-run', '--backup', repository]);
    expect(stdout).toContain(`  backup   a snapshot into ${repository} first, verified`);
    expect((await run(['backup', 'list', repository])).exitCode).toBe(10);
  });

  it('says how to go back', async () => {
    const dir = await unpacked('0.5.5');
    const before = bytesOf(dir);
    const repository = newRepository();
    const { stdout } = await run(['prune', dir, '--backup', repository], { columns: 200, answer: 'yes' });
    const [, command = ''] = /To go back:\s+chroma-maint (backup restore .+)/.exec(stdout) ?? [];
    expect((await run([...command.split(' '), '--yes'])).exitCode).toBe(0);
    expect(toTheMillisecond(bytesOf(dir))).toEqual(toTheMillisecond(before));
  });

  it('that cannot be made stops everything', async () => {
    const dir = await unpacked('0.5.5');
    const before = bytesOf(dir);
    const { exitCode, stderr } = await run(['vacuum', dir, '--yes', '--backup', join(dir, 'backups')]);
    expect(exitCode).toBe(20);
    expect(stderr).toContain('inside the persist directory');
    expect(bytesOf(dir)).toEqual(before);
  });

  it('is of the database that is then changed, or nothing is', async () => {
    const dir = await unpacked('0.5.5');
    const repository = newRepository();
    let asked = 0;
    const freeBytes = (): Promise<number> => {
      asked += 1;
      // For the last time after the snapshot was made, before the lock is taken.
      if (existsSync(repository) && namesIn(repository).snapshots.length > 0) {
        withDatabase(dir, (db) => db.exec("UPDATE collections SET name = 'renamed' WHERE name = 'ledger'"));
      }
      return Promise.resolve(2 ** 40);
    };
    const ids = seqIdsOf(dir);
    const { exitCode, stderr } = await run(['prune', dir, '--yes', '--backup', repository], {}, { freeBytes });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 16,
      stderr: expect.stringContaining('changed after its snapshot was made') as string,
    });
    expect(stderr).toMatch(/snapshot [0-9a-f]{8} was made before/);
    expect(asked).toBeGreaterThan(2);
    expect(seqIdsOf(dir)).toEqual(ids);
  });

  it('counts in the free space', async () => {
    const dir = await unpacked('0.5.5');
    const bytes = lstatSync(join(dir, 'chroma.sqlite3')).size;
    // Enough for the new database, not for the snapshot beside it.
    const host = { freeBytes: () => Promise.resolve(bytes) };
    const repository = newRepository();
    expect((await run(['vacuum', dir, '--yes'], {}, host)).exitCode).toBe(0);
    const other = await unpacked('0.5.5');
    const before = bytesOf(other);
    const { exitCode, stderr } = await run(['vacuum', other, '--yes', '--backup', repository], {}, host);
    expect(exitCode).toBe(15);
    expect(stderr).toContain('the snapshot');
    expect(bytesOf(other)).toEqual(before);
    expect((await run(['backup', 'list', repository])).exitCode).toBe(10);
  });
});

/** What a full verification of the latest snapshot finds. */
async function problemsOf(repository: string): Promise<readonly string[]> {
  const { snapshots } = await runJson<VerifyJson>(['backup', 'verify', repository, '--full']);
  return snapshots.flatMap(({ problems }) => problems.map(({ what }) => what));
}

describe('verify --full', () => {
  it('finds a full-text index that does not know its documents', async () => {
    const dir = await unpacked('0.5.5');
    damagedFullText(dir);
    const repository = newRepository();
    await create(dir, repository);
    expect(await problemsOf(repository)).toEqual([expect.stringContaining('embedding_fulltext_search: ')]);
    // Every byte is as it was stored all the same.
    expect((await run(['backup', 'verify', repository])).exitCode).toBe(0);
  });

  it('tells errors that the directory had when it was copied, which are no damage of the snapshot', async () => {
    const dir = await unpacked('0.6.3-purge-on');
    missingPickle(dir, 'ledger');
    lostSegments(dir, archivedNotesOf(dir));
    droppedFullText(dir);
    const repository = newRepository();
    await create(dir, repository);
    const { exitCode, stdout } = await run(['backup', 'verify', repository, '--full', '--json']);
    expect(exitCode).toBe(0);
    const [verified] = (JSON.parse(stdout) as VerifyJson).snapshots;
    expect(verified).toMatchObject({ sound: true, problems: [] });
    const ids = ['full-text-missing', 'pickle-missing', 'collection-without-segments', 'index-not-rebuildable'];
    expect(verified?.findings?.map(({ id }) => id)).toEqual(ids);
    const [missing] = verified?.findings ?? [];
    expect(missing).toMatchObject({ severity: 'error', remedy: `chroma-maint fts rebuild ${dir}` });
    expect(JSON.stringify(verified?.findings)).not.toContain('restored');
    const text = (await run(['backup', 'verify', repository, '--full'])).stdout;
    expect(text.replaceAll(/\s+/g, ' ')).toContain(
      `4 errors that the directory had when it was copied: ${ids.join(', ')}`,
    );
  });

  it('tells nothing of the place of its copy, which is gone afterwards', async () => {
    const dir = await unpacked('0.5.5');
    chmodSync(pickleOf(dir, 'notes'), 0o444);
    const repository = newRepository();
    await create(dir, repository);
    const host = {
      holdersOf: () => ({ ...IDLE_CHROMA, unreadable: 3 }),
      fileSystemOf: () => ({ name: 'nfs', isNetwork: true, device: 1n }),
      freeBytes: () => Promise.resolve(1024 ** 3),
    };
    const { snapshots } = await runJson<VerifyJson>(['backup', 'verify', repository, '--full'], host);
    expect(snapshots).toMatchObject([{ sound: true, problems: [], findings: [] }]);
  });

  it('finds a manifest that tells of other rows', async () => {
    const repository = newRepository();
    const { snapshot } = await create(await unpacked('0.5.5'), repository);
    forgedManifest(snapshot.path, (manifest) => {
      const contents = manifest['contents'] as object;
      return { ...manifest, contents: { ...contents, contentSha256: '0'.repeat(64) } };
    });
    expect(await problemsOf(repository)).toEqual([expect.stringContaining('not hold what the manifest tells')]);
  });
});

describe('the list', () => {
  it('has a line for every snapshot, the oldest first, and says which were verified', async () => {
    const dir = await unpacked('1.5.9-purge-off');
    const repository = newRepository();
    const { snapshot: first } = await create(dir, repository);
    const { snapshot: second } = await create(dir, repository);
    await run(['backup', 'verify', repository, first.id]);
    const { snapshots } = await runJson<{ snapshots: readonly Record<string, unknown>[] }>([
      'backup',
      'list',
      repository,
    ]);
    expect(snapshots).toMatchObject([
      { id: first.id, bytes: first.bytes, verifiedAt: expect.stringMatching(/Z$/) as string },
      { id: second.id, newBytes: 0, verifiedAt: null },
    ]);
    // Only new files count on the disk.
    expect(snapshots[0]?.['newBytes']).toBeGreaterThan(first.bytes / 2);
  });

  it('names files by their hash, so that a manifest can be checked by hand', async () => {
    const dir = await unpacked('0.5.5');
    const repository = newRepository();
    const {
      snapshot: { path },
    } = await create(dir, repository);
    const { files } = JSON.parse(readFileSync(join(path, 'manifest.json'), 'utf8')) as {
      files: readonly { path: string; size: number; sha256: string }[];
    };
    const { createHash } = await import('node:crypto');
    for (const file of files) {
      const bytes = readFileSync(join(path, 'data', file.path));
      expect([bytes.length, createHash('sha256').update(bytes).digest('hex')]).toEqual([file.size, file.sha256]);
    }
    expect(files.length).toBeGreaterThan(5);
  });
});
