/**
 * Journals that lie beside the database, and what the user of this process may do to its files.
 */
import { chmodSync, chownSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { coldJournal, databaseOf, hotJournal, poisonedWatermark } from '../support/damage.ts';
import { unpacked } from '../support/fixtures.ts';
import { IDLE_CHROMA } from '../support/holders.ts';
import { unprivileged } from '../support/program.ts';
import { run } from '../support/run.ts';
import { bytesOf, seqIdsOf } from '../support/state.ts';

describe('a finished journal beside the database', () => {
  it('stops no command that only looks, and is left as it is', async () => {
    const dir = await unpacked('0.5.5');
    coldJournal(dir);
    const before = bytesOf(dir);
    const inspected = await run(['inspect', dir]);
    expect(inspected).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('a finished journal') });
    for (const verb of ['prune', 'vacuum']) expect((await run([verb, dir, '--dry-run'])).exitCode).toBe(0);
    expect(bytesOf(dir)).toEqual(before);
  });
});

describe('a journal that is still to be played back', () => {
  it.each(['prune', 'vacuum'])('is not played back by %s while somebody has the directory open', async (verb) => {
    const dir = await unpacked('0.5.5');
    hotJournal(dir);
    const before = bytesOf(dir);
    const host = { holdersOf: () => IDLE_CHROMA };
    const { exitCode, stderr } = await run([verb, dir, '--yes', '--recover-journal'], {}, host);
    expect({ exitCode, stderr }).toEqual({ exitCode: 11, stderr: expect.stringContaining('pid 1  chroma run') });
    expect(bytesOf(dir)).toEqual(before);
  });
});

describe('a dry run', () => {
  it.each(['prune', 'vacuum'])('of %s shows no plan where a recorded position is ahead of the WAL', async (verb) => {
    const dir = await unpacked('1.5.9-purge-off');
    poisonedWatermark(dir, 'notes', 'INTEGER');
    const before = bytesOf(dir);
    expect(await run([verb, dir, '--dry-run'])).toMatchObject({ exitCode: 14, stdout: '' });
    expect(bytesOf(dir)).toEqual(before);
  });
});

describe('a directory in which no journal can be created', () => {
  it('is refused though its database may be written, and a dry run says so beforehand', async () => {
    const dir = await unpacked('0.5.5');
    chmodSync(dir, 0o555);
    const before = bytesOf(dir);
    const [planned, refused] = [unprivileged('prune', dir, '--dry-run'), unprivileged('prune', dir, '--yes')];
    const after = bytesOf(dir);
    chmodSync(dir, 0o755);
    expect(planned).toMatchObject({ status: 0, stdout: expect.stringContaining('writable ✗') });
    expect(refused).toMatchObject({ status: 19, stderr: expect.stringContaining('may not write here') });
    expect(after).toEqual(before);
  });
});

describe("somebody else's files", () => {
  it('are written by root with a warning, and keep their owner', async () => {
    const dir = await unpacked('0.5.5');
    const before = seqIdsOf(dir);
    if (process.getuid?.() === 0) chownSync(databaseOf(dir), 1000, 1000);
    const { uid, gid } = statSync(databaseOf(dir));
    const { exitCode, stderr } = await run(['prune', dir, '--yes'], {}, { userId: () => 0 });
    expect(exitCode).toBe(0);
    expect(stderr).toContain(`warning: running as root on files of user ${uid}; owner and mode are kept\n`);
    expect(statSync(databaseOf(dir))).toMatchObject({ uid, gid });
    expect(seqIdsOf(dir).length).toBeLessThan(before.length);
  });

  it('are no reason for a warning to a user who is not root', async () => {
    const dir = await unpacked('0.5.5');
    if (process.getuid?.() === 0) chownSync(databaseOf(dir), 1000, 1000);
    const { stderr } = await run(['prune', dir, '--dry-run'], {}, { userId: () => 1001 });
    expect(stderr).not.toContain('running as root');
  });
});
