/**
 * Processes that have the database open and that cannot be seen, or appear at the last moment: real ones. A rename would
 * leave them with a file that has no name; whatever else happens, that must not.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { realHost } from '../../src/host/real-host.ts';
import { vacuumUnderLock } from '../../src/operations/locked-vacuum.ts';
import { on, SILENT, vacuumOf } from '../support/agreed.ts';
import { databaseOf } from '../support/damage.ts';
import { rowsKept, temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { holdingOpen, SQLITE, startedProcess } from '../support/process.ts';
import { PROGRAM } from '../support/program.ts';
import { rowsOf, seqIdsOf, withDatabase } from '../support/state.ts';

const VACUUM = ['vacuum', '--yes', '--min-reclaim', '0', '--json'];
const NOBODY_ID = 65_534;

/** How the program is started so that it cannot see a process of this test, and whose the directory is. */
const BLINDED: readonly (readonly [string, readonly string[], number | undefined])[] = [
  ['another PID namespace', ['unshare', '--map-root-user', '--pid', '--fork', '--mount-proc'], process.geteuid?.()],
  // Only root can become somebody else; without that there is no other user to be had.
  ...(process.geteuid?.() === 0
    ? [
        [
          'another user',
          ['setpriv', `--reuid=${NOBODY_ID}`, `--regid=${NOBODY_ID}`, '--clear-groups'],
          NOBODY_ID,
        ] as const,
      ]
    : []),
];

/** A directory of that user, below folders that everybody may pass. */
async function directoryOf(owner = -1): Promise<string> {
  const dir = await unpacked('0.5.5');
  chmodSync(dirname(dir), 0o755);
  for (const path of [dir, ...readdirSync(dir, { recursive: true }).map((name) => join(dir, String(name)))]) {
    chownSync(path, owner, owner);
  }
  return dir;
}

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function started(prefix: readonly string[], argv: readonly string[]): Ended {
  const [command = '', ...rest] = [...prefix, process.execPath, PROGRAM, ...argv];
  return spawnSync(command, rest, { encoding: 'utf8' });
}

function inodeOf(dir: string): number {
  return statSync(databaseOf(dir)).ino;
}

describe.runIf(process.geteuid?.() === 0)('a database of a group that the program is not in', () => {
  it('is rewritten in place, for a new file could not be given to that group', async () => {
    const dir = await directoryOf(NOBODY_ID);
    chownSync(databaseOf(dir), NOBODY_ID, 0);
    const [inode, ids] = [inodeOf(dir), seqIdsOf(dir)];
    const [, prefix] = BLINDED.at(-1) ?? ['', []];
    const { status, stdout, stderr } = started(prefix, [...VACUUM, dir]);
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ mode: 'in-place' });
    expect(inodeOf(dir)).toBe(inode);
    expect(statSync(databaseOf(dir)).gid).toBe(0);
    expect(seqIdsOf(dir)).toEqual(rowsKept('0.5.5', ids));
  });
});

describe.each(BLINDED)('a holder that is out of sight, the program running as or in %s,', (_, prefix, owner) => {
  it('keeps the vacuum from a rename: that goes in place, and says why', async () => {
    const dir = await directoryOf(owner);
    const [inode, ids] = [inodeOf(dir), seqIdsOf(dir)];
    await holdingOpen(databaseOf(dir));
    const { status, stdout, stderr } = started(prefix, [...VACUUM, dir]);
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      mode: 'in-place',
      modeReason: 'a process that cannot be seen from here has the database open',
    });
    expect(inodeOf(dir)).toBe(inode);
    expect(seqIdsOf(dir)).toEqual(rowsKept('0.5.5', ids));
  });

  it('is refused where a rebuild was asked for', async () => {
    const dir = await directoryOf(owner);
    const [inode, rows] = [inodeOf(dir), rowsOf(dir)];
    await holdingOpen(databaseOf(dir));
    const { status, stderr } = started(prefix, [...VACUUM, dir, '--mode', 'rebuild']);
    expect(status).toBe(11);
    expect(stderr).toContain('a process that cannot be seen from here has the database open');
    expect(inodeOf(dir)).toBe(inode);
    expect(rowsOf(dir)).toEqual(rows);
  });

  it('is nobody where there is nobody: then it is rebuilt', async () => {
    const dir = await directoryOf(owner);
    const inode = inodeOf(dir);
    const { status, stdout, stderr } = started(prefix, [...VACUUM, dir]);
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ mode: 'rebuild' });
    expect(inodeOf(dir)).not.toBe(inode);
  });
});

/** Opens the database when told to, writes when told to, and says what came of it; each in a file. */
const WRITER = (database: string, folder: string): string => `
  const { existsSync, writeFileSync } = require('node:fs');
  const told = (word) => existsSync(${JSON.stringify(folder)} + '/' + word);
  const say = (word, text) => writeFileSync(${JSON.stringify(folder)} + '/' + word, text);
  let db;
  setInterval(() => {
    if (db === undefined && told('open')) {
      db = new (require(${JSON.stringify(SQLITE)}))(${JSON.stringify(database)}, { timeout: 0 });
      say('opened', 'yes');
    }
    if (db !== undefined && told('write') && !told('answer')) {
      const insert = "INSERT INTO embeddings_queue (operation, topic, id) VALUES (0, 'late', 'late')";
      try { db.exec(insert); say('answer', 'written'); } catch (error) { say('answer', error.message); }
    }
  }, 5)`;

/** Tells the writer `word` and waits for its answer, in the middle of work that cannot wait otherwise. */
function tell(folder: string, word: string, answer: string): string {
  writeFileSync(join(folder, word), '');
  const path = join(folder, answer);
  while (!existsSync(path) || readFileSync(path).length === 0) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  }
  return readFileSync(path, 'utf8');
}

describe('a writer that opens the database between the last look and the rename', () => {
  it('is named and waited for, can write nothing that would be lost, and the new database is whole', async () => {
    const dir = await unpacked('0.5.5');
    const [ids, tables] = [seqIdsOf(dir), rowsOf(dir, ['embeddings_queue'])];
    const folder = temporaryDirectory();
    const writer = await startedProcess(WRITER(databaseOf(dir), folder));
    const host = {
      ...realHost,
      probeLease() {
        // Asked when it is planned as well, before there is a new file.
        if (existsSync(`${databaseOf(dir)}.chroma-maint-rebuild`)) tell(folder, 'open', 'opened');
        return 'granted' as const;
      },
    };
    const told: string[] = [];
    await vacuumUnderLock(vacuumOf(dir, 'rebuild'), on(host), {
      ...SILENT,
      onStage(stage) {
        if (typeof stage !== 'object') return;
        told.push(stage.waitingFor, tell(folder, 'write', 'answer'));
        writer.kill('SIGKILL');
      },
    });
    expect(told).toEqual([String(writer.pid), 'database is locked']);
    expect(seqIdsOf(dir)).toEqual(rowsKept('0.5.5', ids));
    expect(rowsOf(dir, ['embeddings_queue'])).toEqual(tables);
    expect(withDatabase(dir, (db) => db.pragma('integrity_check', { simple: true }))).toBe('ok');
  });
});
