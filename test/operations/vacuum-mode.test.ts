/** Which way a vacuum takes, and what stands against the other. */
import { chownSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Host } from '../../src/host/host.ts';
import { realHost } from '../../src/host/real-host.ts';
import { databaseOf } from '../support/damage.ts';
import { unpacked } from '../support/fixtures.ts';
import { IDLE_CHROMA, NOBODY } from '../support/holders.ts';
import { run } from '../support/run.ts';
import { bytesOf, seqIdsOf, withDatabase } from '../support/state.ts';

const VACUUM = ['vacuum', '--min-reclaim', '0', '--json'];
const PROVED: Partial<Host> = { probeLease: () => 'granted', holdersOf: () => NOBODY, holdersOfFile: () => NOBODY };

interface Chosen {
  readonly mode: string;
  readonly modeReason: string | null;
  readonly attributesKept: string | null;
  readonly temporaryDirectory: string | null;
}

async function chosen(dir: string, host: Partial<Host>, mode = 'auto'): Promise<Chosen> {
  const { stdout } = await run([...VACUUM, dir, '--dry-run', '--mode', mode], {}, host);
  return JSON.parse(stdout) as Chosen;
}

function changed(sql: string): (dir: string) => void {
  return (dir) => withDatabase(dir, (db) => void db.exec(sql));
}

const unchanged = (): void => undefined;

type Obstacle = readonly [string, (dir: string) => void, Partial<Host>, string, string];

const OBSTACLES: readonly Obstacle[] = [
  [
    'a network file system',
    unchanged,
    { ...PROVED, fileSystemOf: (path) => ({ ...realHost.fileSystemOf(path), name: 'nfs', isNetwork: true }) },
    'the directory is on a network file system',
    'UNSAFE_PLACE',
  ],
  [
    'a trigger',
    changed('CREATE TRIGGER mine AFTER DELETE ON collections BEGIN SELECT 1; END'),
    PROVED,
    'the schema has a trigger, mine',
    'UNSUPPORTED_SCHEMA',
  ],
  ['a view', changed('CREATE VIEW mine AS SELECT 1'), PROVED, 'the schema has a view, mine', 'UNSUPPORTED_SCHEMA'],
  [
    'another virtual table',
    changed('CREATE VIRTUAL TABLE mine USING rtree(id, low, high)'),
    PROVED,
    'the schema has a virtual table that is not FTS5, mine',
    'UNSUPPORTED_SCHEMA',
  ],
  [
    'statistics of ANALYZE',
    changed('ANALYZE'),
    PROVED,
    "the schema has a table of SQLite's own, sqlite_stat1",
    'UNSUPPORTED_SCHEMA',
  ],
  [
    'a database of another user',
    (dir) => chownSync(databaseOf(dir), 1234, 1234),
    { ...PROVED, userId: () => 4321 },
    'the database belongs to another user, which a new file would not',
    'NOT_WRITABLE',
  ],
  [
    'a database of a group that this user is not in',
    (dir) => chownSync(databaseOf(dir), 1234, 2345),
    { ...PROVED, userId: () => 1234, groupIds: () => [1234, 100] },
    'the database belongs to a group that this user is not in, which a new file would not',
    'NOT_WRITABLE',
  ],
  [
    'a holder whom only the kernel sees',
    unchanged,
    { ...PROVED, probeLease: () => 'refused' },
    'a process that cannot be seen from here has the database open',
    'IN_USE',
  ],
  [
    'a kernel that is not asked, in a container',
    unchanged,
    { ...PROVED, probeLease: () => 'unknown', holdersOfFile: () => ({ ...NOBODY, isWholeMachine: false }) },
    'processes outside this container cannot be seen from here',
    'IN_USE',
  ],
  [
    'a kernel that is not asked, and a process that cannot be read',
    unchanged,
    { ...PROVED, probeLease: () => 'unknown', holdersOfFile: () => ({ ...NOBODY, unreadable: 1 }) },
    '1 process of other users could not be looked into; make sure that none of them is Chroma',
    'IN_USE',
  ],
];

/** Whom the guard "not in use" stops before a way is chosen; only a dry run comes so far. */
const HELD: Obstacle = [
  'somebody who has the database open',
  unchanged,
  { probeLease: () => 'granted', holdersOf: () => IDLE_CHROMA, holdersOfFile: () => IDLE_CHROMA },
  'another process has the database open',
  'IN_USE',
];

describe('a vacuum', () => {
  it('rebuilds where the kernel grants a lease, and makes no temporary copy', async () => {
    const dir = await unpacked('0.5.5');
    expect(await chosen(dir, PROVED)).toMatchObject({ mode: 'rebuild', modeReason: null, temporaryDirectory: null });
  });

  it('says what a new file would not keep', async () => {
    const dir = await unpacked('0.5.5');
    const poor: Partial<Host> = { ...PROVED, attributesKept: () => 'owner and mode' };
    const plan = await run(['vacuum', dir, '--dry-run', '--min-reclaim', '0'], {}, poor);
    expect(plan.stdout.replaceAll(/\s+/g, ' ')).toContain('extended attributes and ACLs of the file are not kept');
    expect(await chosen(dir, poor)).toMatchObject({ mode: 'rebuild', attributesKept: 'owner and mode' });
    expect(await chosen(dir, PROVED)).toMatchObject({ attributesKept: 'all' });
  });

  it('rebuilds where every process of the machine could be looked into', async () => {
    const dir = await unpacked('0.5.5');
    expect(await chosen(dir, { ...PROVED, probeLease: () => 'unknown' })).toMatchObject({ mode: 'rebuild' });
  });

  it('goes in place where that is asked for, and asks nobody for a proof', async () => {
    const dir = await unpacked('0.5.5');
    const host: Partial<Host> = {
      probeLease() {
        throw new Error('it was asked');
      },
    };
    expect(await chosen(dir, host, 'in-place')).toMatchObject({
      mode: 'in-place',
      modeReason: null,
      temporaryDirectory: expect.any(String) as string,
    });
  });

  it.each([...OBSTACLES, HELD])('goes in place with %s, and says why', async (_, prepare, host, reason) => {
    const dir = await unpacked('0.5.5');
    prepare(dir);
    expect(await chosen(dir, host)).toMatchObject({ mode: 'in-place', modeReason: reason });
    const { stdout } = await run(['vacuum', dir, '--dry-run', '--min-reclaim', '0'], {}, host);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(`because ${reason}`);
  });

  it.each(OBSTACLES)('refuses to rebuild with %s, and changes nothing', async (_, prepare, host, reason, code) => {
    const dir = await unpacked('0.5.5');
    prepare(dir);
    const before = bytesOf(dir);
    const { exitCode, stderr } = await run(
      [...VACUUM, dir, '--yes', '--allow-network-fs', '--mode', 'rebuild'],
      {},
      host,
    );
    expect(JSON.parse(stderr)).toMatchObject({ code, exitCode, details: [reason], state: 'nothing was changed' });
    expect(bytesOf(dir)).toEqual(before);
  });

  it('goes the way that a person has agreed to, also where another one is open by then', async () => {
    const dir = await unpacked('0.5.5');
    const { ino } = statSync(databaseOf(dir));
    const answers: ('refused' | 'granted')[] = ['refused'];
    const host: Partial<Host> = { ...PROVED, probeLease: () => answers.shift() ?? 'granted' };
    const { exitCode, stdout } = await run([...VACUUM, dir], { answer: 'yes' }, host);
    expect(exitCode, stdout).toBe(0);
    const modeReason = 'a process that cannot be seen from here has the database open';
    expect(JSON.parse(stdout)).toMatchObject({ mode: 'in-place', modeReason });
    expect(statSync(databaseOf(dir)).ino).toBe(ino);
  });

  it('in place really works where a rebuild would not', async () => {
    const dir = await unpacked('0.5.5');
    changed('CREATE TRIGGER mine AFTER DELETE ON collections BEGIN SELECT 1; END')(dir);
    const before = seqIdsOf(dir).length;
    const { exitCode, stdout } = await run([...VACUUM, dir, '--yes']);
    expect([exitCode, (JSON.parse(stdout) as Chosen).mode]).toEqual([0, 'in-place']);
    expect(seqIdsOf(dir).length).toBeLessThan(before);
  });
});
