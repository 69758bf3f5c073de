/** A new file in the old one's place: what is in it, and what happens where somebody is in the way. */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, openSync, readdirSync, readSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Host } from '../../src/host/host.ts';
import { realHost } from '../../src/host/real-host.ts';
import type { Stage } from '../../src/operations/observer.ts';
import { vacuumUnderLock } from '../../src/operations/locked-vacuum.ts';
import { on, SILENT, vacuumOf } from '../support/agreed.ts';
import { databaseOf } from '../support/damage.ts';
import { FIXTURES, rowsKept, unpacked } from '../support/fixtures.ts';
import { SQLITE } from '../support/process.ts';
import { run, runJson } from '../support/run.ts';
import { otherFilesOf, rowsOf, seqIdsOf, withDatabase } from '../support/state.ts';

const REBUILD = ['vacuum', '--yes', '--min-reclaim', '0', '--mode', 'rebuild'];

/** Rebuilds in this process. */
async function rebuild(
  dir: string,
  host: Partial<Host> = {},
  onStage: (stage: Stage) => void = () => undefined,
): Promise<number> {
  const observer = { ...SILENT, onStage };
  const { deleted } = await vacuumUnderLock(vacuumOf(dir, 'rebuild'), on({ ...realHost, ...host }), observer);
  return deleted;
}

function pragmas(dir: string): unknown {
  const names = ['page_size', 'auto_vacuum', 'user_version', 'application_id', 'encoding', 'journal_mode'];
  return withDatabase(dir, (db) => names.map((each) => [each, db.pragma(each, { simple: true })]));
}

function schemaOf(dir: string): unknown {
  return withDatabase(dir, (db) =>
    db.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY 1, 2').all(),
  );
}

/** What SQLite and FTS5 themselves find wrong. */
function problemsOf(dir: string): unknown {
  return withDatabase(dir, (db) => {
    const search = db.prepare("SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL TABLE%'").pluck().all();
    for (const table of search)
      db.exec(`INSERT INTO "${String(table)}" ("${String(table)}") VALUES ('integrity-check')`);
    return db.pragma('integrity_check', { simple: true });
  });
}

describe.each(FIXTURES.filter(({ expected }) => expected.exitCode !== 14).map(({ name }) => name))('of %s', (name) => {
  it('the new file holds what the old one held but the rows that were to go', async () => {
    const dir = await unpacked(name);
    const [ids, files, schema] = [seqIdsOf(dir), otherFilesOf(dir), schemaOf(dir)];
    const tables = rowsOf(dir, ['embeddings_queue', 'maintenance_log']);
    const before = pragmas(dir);
    const inode = statSync(databaseOf(dir)).ino;
    const report = await runJson<{ mode: string }>([...REBUILD, dir, '--verify', 'full']);
    expect(report.mode).toBe('rebuild');
    expect(statSync(databaseOf(dir)).ino).not.toBe(inode);
    expect(seqIdsOf(dir)).toEqual(rowsKept(name, ids));
    expect(rowsOf(dir, ['embeddings_queue', 'maintenance_log'])).toEqual(tables);
    expect(otherFilesOf(dir)).toEqual(files);
    expect(schemaOf(dir)).toEqual(schema);
    expect(pragmas(dir)).toEqual(before);
    expect(problemsOf(dir)).toBe('ok');
  });
});

describe('the new file', () => {
  it('keeps page size and auto-vacuum, user_version and application_id', async () => {
    const dir = await unpacked('0.5.5');
    withDatabase(dir, (db) => {
      db.exec(
        'PRAGMA page_size = 8192; PRAGMA auto_vacuum = 2; PRAGMA user_version = 7; PRAGMA application_id = 99; VACUUM',
      );
    });
    const before = pragmas(dir);
    await rebuild(dir);
    expect(pragmas(dir)).toEqual(before);
    expect(problemsOf(dir)).toBe('ok');
  });

  it('keeps owner, group and mode', async () => {
    const dir = await unpacked('0.5.5');
    chownSync(databaseOf(dir), 1234, 2345);
    chmodSync(databaseOf(dir), 0o640);
    await rebuild(dir);
    const { uid, gid, mode } = statSync(databaseOf(dir));
    expect([uid, gid, mode & 0o7777]).toEqual([1234, 2345, 0o640]);
  });

  it('is newer than the old one, for backups that go by the time', async () => {
    const dir = await unpacked('0.5.5');
    const { mtimeMs } = statSync(databaseOf(dir));
    await rebuild(dir);
    expect(statSync(databaseOf(dir)).mtimeMs).toBeGreaterThan(mtimeMs);
  });

  it('is readable by nobody else before it has the mode of the old one, and durable before it is in place', async () => {
    const dir = await unpacked('0.5.5');
    const seen: string[] = [];
    const path = `${databaseOf(dir)}.chroma-maint-rebuild`;
    const old = statSync(databaseOf(dir)).ino;
    await rebuild(dir, {
      copyAttributes(from, to) {
        seen.push(`mode ${(statSync(to).mode & 0o777).toString(8)}`);
        return realHost.copyAttributes(from, to);
      },
      sync(synced) {
        if (synced === path) seen.push('file synced');
        if (synced === dir && !existsSync(path))
          seen.push(`directory synced, header ${headerOf(old) ? 'whole' : 'spoilt'}`);
        realHost.sync(synced);
      },
    });
    expect(seen).toEqual(['mode 600', 'file synced', 'directory synced, header whole']);
  });

  it('replaces what a rebuild that was killed had left, and so does a prune', async () => {
    for (const argv of [REBUILD, ['prune', '--yes']]) {
      const dir = await unpacked('0.5.5');
      const left = `${databaseOf(dir)}.chroma-maint-rebuild`;
      writeFileSync(left, 'half a database');
      expect((await run(['inspect', dir, '--json'])).stdout).toContain('unfinished-rebuild');
      expect((await run([...argv, dir])).exitCode).toBe(0);
      expect(existsSync(left)).toBe(false);
      expect(problemsOf(dir)).toBe('ok');
    }
  });
});

/** Whether the unnamed old file still begins as a database, seen through SQLite's own descriptor. */
function headerOf(inode: number): boolean {
  const descriptor = readdirSync('/proc/self/fd').find((each) => {
    try {
      return statSync(`/proc/self/fd/${each}`).ino === inode;
    } catch {
      return false;
    }
  });
  const bytes = Buffer.alloc(15);
  readSync(Number(descriptor), bytes, 0, 15, 0);
  return bytes.toString() === 'SQLite format 3';
}

const ATTEMPT = `
  const db = new (require(process.argv[1]))(process.argv[2], { timeout: 0 });
  for (const sql of ['SELECT COUNT(*) FROM collections', 'DELETE FROM collections']) {
    try { db.prepare(sql).run(); console.log('done'); } catch (error) { console.log(error.message); }
  }`;

/** What another process is told that reads and writes. */
function attemptsOn(path: string): readonly string[] {
  const told = execFileSync(process.execPath, ['-e', ATTEMPT, SQLITE, path], { encoding: 'utf8' });
  return told.trim().split('\n');
}

describe('while a rebuild runs', () => {
  it('nobody reads or writes from the first row to the rename, and no journal appears', async () => {
    const dir = await unpacked('0.5.5');
    const refused: string[] = [];
    await rebuild(dir, {}, (stage) => {
      if (stage !== 'checking') refused.push(...attemptsOn(databaseOf(dir)));
      expect(existsSync(`${databaseOf(dir)}-journal`)).toBe(false);
    });
    expect(refused).toHaveLength(6);
    expect(new Set(refused)).toEqual(new Set(['database is locked']));
  });

  it('somebody who opens the file before the rename stops it, and nothing is changed', async () => {
    const dir = await unpacked('0.5.5');
    const [rows, files] = [rowsOf(dir), otherFilesOf(dir)];
    const opened = rebuild(dir, {
      copyAttributes(from, to) {
        spawnHolder(databaseOf(dir));
        return realHost.copyAttributes(from, to);
      },
    });
    await expect(opened).rejects.toMatchObject({ code: 'IN_USE', state: 'nothing was changed' });
    expect(rowsOf(dir)).toEqual(rows);
    expect(otherFilesOf(dir)).toEqual(files);
  });

  it('a new file that cannot be given to the owner of the old one stops it, and nothing is changed', async () => {
    const dir = await unpacked('0.5.5');
    const [rows, files] = [rowsOf(dir), otherFilesOf(dir)];
    const refused = rebuild(dir, {
      copyAttributes() {
        throw new Error('EPERM: operation not permitted, chown');
      },
    });
    await expect(refused).rejects.toMatchObject({
      code: 'NOT_WRITABLE',
      details: ['EPERM: operation not permitted, chown'],
      state: 'nothing was changed',
    });
    expect(rowsOf(dir)).toEqual(rows);
    expect(otherFilesOf(dir)).toEqual(files);
  });

  it('somebody whom only the kernel sees stops it', async () => {
    const dir = await unpacked('0.5.5');
    const rows = rowsOf(dir);
    await expect(rebuild(dir, { probeLease: () => 'refused' })).rejects.toMatchObject({
      code: 'IN_USE',
      details: ['a process that cannot be seen from here has the database open'],
    });
    expect(rowsOf(dir)).toEqual(rows);
    expect(readdirSync(dir).filter((each) => each.includes('rebuild'))).toEqual([]);
  });

  it('somebody who opens the file at the last moment is waited for, named, and loses nothing of the new one', async () => {
    const dir = await unpacked('0.5.5');
    const ids = seqIdsOf(dir);
    let holder = 0;
    const named: string[] = [];
    await rebuild(
      dir,
      {
        probeLease() {
          // Asked when it is planned as well, before there is a new file.
          if (existsSync(`${databaseOf(dir)}.chroma-maint-rebuild`)) holder = spawnHolder(databaseOf(dir));
          return 'granted';
        },
      },
      (stage) => {
        if (typeof stage !== 'object') return;
        named.push(stage.waitingFor);
        expect(readsThrough(holder)).toBe('not a database');
        process.kill(holder, 'SIGKILL');
      },
    );
    expect(named).toEqual([String(holder)]);
    expect(seqIdsOf(dir)).toEqual(rowsKept('0.5.5', ids));
    expect(problemsOf(dir)).toBe('ok');
  });
});

/** Starts a process that has the file open. This one keeps it open too: to close it would drop SQLite's locks. */
function spawnHolder(path: string): number {
  const { pid } = spawn('sleep', ['60'], { stdio: ['ignore', 'ignore', 'ignore', openSync(path, 'r')] });
  onTestFinished(() => void process.kill(pid ?? 0, 'SIGKILL'));
  return pid ?? 0;
}

/** What the first bytes are that a process finds in the file it has open. */
function readsThrough(pid: number): string {
  const descriptor = openSync(`/proc/${pid}/fd/3`, 'r');
  const bytes = Buffer.alloc(16);
  readSync(descriptor, bytes, 0, 16, 0);
  return bytes.every((byte) => byte === 0) ? 'not a database' : bytes.toString();
}
