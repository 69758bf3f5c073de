/**
 * What can be wrong with a directory that is to be copied: refused, and nothing half-made stays.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, readdirSync, renameSync, symlinkSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { create, createArgv, namesIn, newRepository, NOTHING, refusal, restored } from '../support/backup.ts';
import * as damage from '../support/damage.ts';
import { unpacked } from '../support/fixtures.ts';
import { inTransaction, startedProcess } from '../support/process.ts';
import { unprivileged } from '../support/program.ts';
import { run } from '../support/run.ts';
import { bytesOf } from '../support/state.ts';

describe('a source', () => {
  it.each([
    ['with a hot journal', damage.hotJournal, 12],
    ['in WAL mode', (dir: string) => damage.walMode(dir, 'header'), 12],
    ['with an upgrade cut off', (dir: string) => damage.halfRunMigration(dir, 'segments_temp'), 13],
    ['with a damaged page', (dir: string) => damage.damagedPage(dir, 'embeddings'), 14],
    ['whose database is a link', damage.symlinkedDatabase, 20],
  ] as const)('%s is refused, and no snapshot stays', async (_, spoil, exitCode) => {
    const dir = await unpacked('0.5.5');
    spoil(dir);
    const before = bytesOf(dir);
    const repository = newRepository();
    const failure = await refusal(createArgv(dir, repository));
    expect(failure).toMatchObject({ exitCode });
    // What the operator named, not where it was copied to.
    expect(failure.message).toContain(dir);
    expect(bytesOf(dir)).toEqual(before);
    // Refused by what can be seen, or by what was copied.
    expect(existsSync(repository) ? namesIn(repository) : NOTHING).toEqual(NOTHING);
  });

  it('with a file that changes while it is copied is tried again, then refused', async () => {
    const dir = await unpacked('0.5.5');
    const pickle = damage.pickleOf(dir, 'ledger');
    await startedProcess(
      `setInterval(() => require('node:fs').utimesSync(${JSON.stringify(pickle)}, 1, Date.now()), 1)`,
    );
    const repository = newRepository();
    const { code, details } = await refusal(createArgv(dir, repository));
    expect(code).toBe('IN_USE');
    expect(details[0]).toContain('index_metadata.pickle');
    expect(namesIn(repository)).toEqual(NOTHING);
  });

  it('whose index is behind a symbolic link is refused; other links, sockets and pipes are left out', async () => {
    const dir = await unpacked('0.5.5');
    symlinkSync('/etc/hostname', join(dir, 'link'));
    spawnSync('mkfifo', [join(dir, 'pipe')]);
    await startedProcess(`require('node:net').createServer().listen(${JSON.stringify(join(dir, 'socket'))})`);
    const repository = newRepository();
    const { leftOut, snapshot } = await create(dir, repository);
    expect(leftOut).toEqual([
      { path: 'link', kind: 'symbolic link' },
      { path: 'pipe', kind: 'pipe' },
      { path: 'socket', kind: 'socket' },
    ]);
    const { stderr } = await run(createArgv(dir, repository));
    expect(stderr).toContain('warning: left out of the snapshot: socket, a socket');
    expect(readdirSync(await restored(repository, snapshot.id))).not.toContain('link');

    const segment = join(dir, damage.vectorSegmentOf(dir, 'ledger'));
    renameSync(segment, `${dir}-moved`);
    symlinkSync(`${dir}-moved`, segment);
    expect(await refusal(createArgv(dir, repository))).toMatchObject({ code: 'UNSAFE_PLACE' });
    expect(namesIn(repository).others).toEqual([]);
  });

  it('with a file that this user may not read is refused', async () => {
    const dir = await unpacked('0.5.5');
    chmodSync(damage.pickleOf(dir, 'ledger'), 0);
    const repository = newRepository();
    const { status, stderr } = unprivileged(...createArgv(dir, repository), '--json');
    expect(status, stderr).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'FAILED', details: [expect.stringContaining('.pickle')] });
    expect(namesIn(repository)).toEqual(NOTHING);
  });

  it('with a link list that has run away is copied with its holes, and the file is named', async () => {
    const dir = await unpacked('0.5.5');
    const path = join(damage.vectorSegmentOf(dir, 'ledger'), 'link_lists.bin');
    truncateSync(join(dir, path), 1024 ** 3);
    const allocated = lstatSync(join(dir, path)).blocks;
    const repository = newRepository();
    const { runaways, snapshot } = await create(dir, repository);
    expect(runaways).toEqual([{ path, bytes: 1024 ** 3, allocatedBytes: allocated * 512 }]);
    const target = await restored(repository, snapshot.id);
    for (const copy of [join(snapshot.path, 'data'), target]) {
      const { size, blocks } = lstatSync(join(copy, path));
      expect(size).toBe(1024 ** 3);
      expect(blocks).toBeLessThanOrEqual(allocated + 8);
    }
  });

  it('that another process has locked is refused with its name, or waited for', async () => {
    const dir = await unpacked('0.5.5');
    const holder = await inTransaction(join(dir, 'chroma.sqlite3'), 'BEGIN IMMEDIATE');
    const repository = newRepository();
    const { code, details } = await refusal(createArgv(dir, repository));
    expect(code).toBe('IN_USE');
    expect(details[0]).toContain(`pid ${holder.pid}`);
    setTimeout(() => holder.kill(), 500);
    expect((await run([...createArgv(dir, repository), '--wait', '30s'])).exitCode).toBe(0);
  });
});
