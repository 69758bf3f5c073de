/** prune --while-running beside what a server does: reads, saves, deletes collections; and when it is ended. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { NO_ROW } from '../../src/chroma/seq-id.ts';
import { realHost } from '../../src/host/real-host.ts';
import { deleteBatch } from '../../src/operations/online/batch.ts';
import { readRound, type Round } from '../../src/operations/online/round.ts';
import { noLocks } from '../../src/operations/online/transaction.ts';
import { withPreflight } from '../../src/operations/preflight.ts';
import { prunePlanning } from '../../src/operations/prune.ts';
import { stateBefore } from '../../src/operations/state-before.ts';
import { stateLeft } from '../../src/operations/state-left.ts';
import { locatePersistDir } from '../../src/chroma/persist-dir.ts';
import { withWritable } from '../../src/sqlite/open.ts';
import { target } from '../support/agreed.ts';
import { databaseOf, pickleOf } from '../support/damage.ts';
import { unpacked } from '../support/fixtures.ts';
import { IDLE_CHROMA, NOBODY } from '../support/holders.ts';
import { meanwhile, still, type OnlineJson } from '../support/online.ts';
import { childrenOf, SQLITE, startedProcess } from '../support/process.ts';
import { PROGRAM } from '../support/program.ts';
import { run, runJson } from '../support/run.ts';
import { seqIdsOf, withDatabase } from '../support/state.ts';
import { topicOf } from '../support/wal.ts';

const ONLINE = ['--while-running', '--yes'];
const BESIDE = { recoverJournal: false, networkFs: false, whileRunning: true };

function roundOf(dir: string): Promise<Round> {
  const request = { target: { ...target(dir), allow: BESIDE }, online: { batchRows: 1_000, pauseMs: 0 } };
  const planning = prunePlanning(request, false, null);
  const machine = { host: { ...realHost, holdersOf: () => NOBODY }, ownProcesses: [] };
  return withPreflight(planning, machine, (preflight) => readRound(preflight, planning));
}

/** Written to, with another time. */
function touched(path: string): void {
  utimesSync(path, new Date(), new Date());
}

describe('a transaction', () => {
  it('leaves a collection whose index was saved, where it has rows of it, and asks for no other index', async () => {
    const dir = await still('0.6.3-purge-off');
    const round = await roundOf(dir);
    const first = withDatabase(dir, (db) =>
      db.prepare<[], string>('SELECT topic FROM embeddings_queue ORDER BY seq_id LIMIT 10').pluck().all(),
    );
    const [here, elsewhere] = [true, false].map((isHere) =>
      round.steps.find(({ topic }) => first.includes(topic) === isHere),
    );
    const segments = new Map(round.planned.reading.collections.map((each) => [each.id, each.segments]));
    for (const step of [here, elsewhere]) {
      const vector = segments.get(step?.collectionId ?? '')?.find(({ kind }) => kind === 'vector');
      touched(join(dir, vector?.id ?? '', 'header.bin'));
    }
    const before = seqIdsOf(dir);
    const place = locatePersistDir(dir);
    const batch = withWritable(databaseOf(dir), 0, (db) =>
      deleteBatch(db, place, round, { after: NO_ROW, rows: 10, times: noLocks() }),
    );
    expect([here, elsewhere]).not.toContain(undefined);
    expect(batch?.changed).toEqual(new Set([here?.collectionId]));
    expect(seqIdsOf(dir)).toEqual(before);
  });

  it('that meets a reader at its commit keeps writers out for moments, not for as long as the reader reads', async () => {
    const dir = await still('0.5.5');
    const path = JSON.stringify(databaseOf(dir));
    const open = `globalThis.db = new (require(${JSON.stringify(SQLITE)}))(${path}, { timeout: 200 })`;
    await startedProcess(`${open}; db.exec('BEGIN'); db.prepare('SELECT COUNT(*) FROM embeddings_queue').get();
      setTimeout(() => db.exec('COMMIT'), 2500)`);
    const writer = await startedProcess(`${open}; let failed = 0, done = 0;
      const write = () => { try { db.exec('BEGIN IMMEDIATE; ROLLBACK'); done += 1 } catch { failed += 1 } };
      const timer = setInterval(write, 5);
      process.on('SIGTERM', () => { clearInterval(timer); console.log(JSON.stringify({ failed, done })); process.exit(0) })`);
    let said = '';
    writer.stdout?.on('data', (data: Buffer) => (said += data.toString()));
    const { exitCode, stderr } = await run(['prune', dir, ...ONLINE, '--json'], {}, { holdersOf: () => IDLE_CHROMA });
    writer.kill('SIGTERM');
    await once(writer, 'close');
    expect(exitCode, stderr).toBe(0);
    const { failed, done } = JSON.parse(said.trim().split('\n').at(-1) ?? '') as { failed: number; done: number };
    expect(failed).toBe(0);
    expect(done).toBeGreaterThan(0);
  });
});

describe('a prune beside a server', () => {
  it('goes on where the server deletes a collection and its directory', async () => {
    const dir = await still('0.5.5');
    const index = dirname(pickleOf(dir, 'ledger'));
    const host = meanwhile((transaction) => {
      if (transaction !== 2) return;
      withDatabase(dir, (db) =>
        db.exec(`
          DELETE FROM segments WHERE collection = (SELECT id FROM collections WHERE name = 'ledger');
          DELETE FROM collections WHERE name = 'ledger'`),
      );
      rmSync(index, { recursive: true });
    });
    const { exitCode, stderr } = await run(['prune', dir, ...ONLINE, '--json', '--batch-rows', '20'], {}, host);
    expect([0, 3], stderr).toContain(exitCode);
    expect((await runJson<OnlineJson>(['prune', dir, '--dry-run'])).totals.prunable).toBe(0);
  });

  it('sees who has a directory open while directories come and go in it', async () => {
    const dir = await unpacked('0.5.5');
    await startedProcess(`const fs = require('node:fs'); const at = ${JSON.stringify(join(dir, 'coming'))};
      setImmediate(function again() { fs.mkdirSync(at + '/and/going', { recursive: true }); fs.rmSync(at, { recursive: true }); setImmediate(again) })`);
    for (let look = 0; look < 300; look += 1) expect(realHost.holdersOf(dir, []).holders).toEqual([]);
  });

  it('ends with what was there when it began, of a collection that was being saved then, too', async () => {
    const dir = await still('0.6.3-purge-off');
    const last = seqIdsOf(dir).at(-1) ?? 0n;
    // All of it is saved; its last row is the last one of the queue.
    const [topic = '', segment = ''] =
      withDatabase(dir, (db) =>
        db
          .prepare<[bigint], [string, string]>(
            `SELECT q.topic, s.id FROM embeddings_queue AS q JOIN segments AS s ON q.topic LIKE '%' || s.collection
           WHERE q.seq_id = ? AND s.scope = 'VECTOR'`,
          )
          .raw()
          .get(last),
      ) ?? [];
    touched(join(dir, segment, 'index_metadata.pickle'));
    const host = meanwhile((transaction) => {
      if (transaction !== 2) return;
      // A server writes, and saves what it has written: deletions, which need nothing of the index.
      withDatabase(dir, (db) => {
        const insert = db.prepare("INSERT INTO embeddings_queue (operation, topic, id) VALUES (3, ?, 'nobody')");
        for (let row = 0; row < 50; row += 1) insert.run(topic);
        const position = Buffer.alloc(8);
        position.writeBigUInt64BE(last + 50n);
        db.prepare(
          `UPDATE max_seq_id SET seq_id = ? WHERE segment_id IN
             (SELECT id FROM segments WHERE collection = (SELECT collection FROM segments WHERE id = ?))`,
        ).run(position, segment);
      });
    });
    const { totals, collections } = await runJson<OnlineJson>(['prune', dir, ...ONLINE, '--batch-rows', '20'], host);
    expect(seqIdsOf(dir).filter((seqId) => seqId > last).length).toBe(50);
    const saved = collections.find(({ id }) => topic.endsWith(id));
    expect(saved?.deleted).toBeGreaterThan(0);
    expect(saved).toMatchObject({ skip: null, prunable: saved?.deleted });
    expect(totals.prunable).toBe(totals.deleted);
  });

  it('says of an index that is dated in the future that it cannot be told whether it is being saved', async () => {
    const dir = await still('0.5.5');
    utimesSync(pickleOf(dir, 'ledger'), new Date(Date.now() + 3_600_000), new Date(Date.now() + 3_600_000));
    const { collections } = await runJson<OnlineJson>(['prune', dir, '--while-running', '--dry-run']);
    expect(collections.find(({ name }) => name === 'ledger')?.skip).toMatchObject({
      reason: 'being-saved',
      message: expect.stringContaining('dated in the future'),
    });
  });

  it('says how many rows had gone of a collection whose index is damaged meanwhile', async () => {
    const dir = await still('0.5.5');
    const topic = topicOf(dir, 'ledger');
    const rowsLeft = (): number =>
      withDatabase(dir, (db) =>
        Number(
          db.prepare<[string], bigint>('SELECT COUNT(*) FROM embeddings_queue WHERE topic = ?').pluck().get(topic),
        ),
      );
    const all = rowsLeft();
    const host = meanwhile(() => {
      const header = join(dirname(pickleOf(dir, 'ledger')), 'header.bin');
      if (rowsLeft() < all) rmSync(header, { force: true });
    });
    const { exitCode, stdout } = await run(['prune', dir, ...ONLINE, '--batch-rows', '40'], { columns: 120 }, host);
    expect(exitCode).toBe(3);
    expect(stdout).toMatch(/ledger: skipped \(index-files-damaged\)[^]* {4}\d+ of its [\d,]+ WAL rows was deleted/);
    expect(stdout).not.toContain('none of its');
  });

  it('offers what makes the file smaller beside a server, or with Chroma stopped', async () => {
    const dir = await still('0.5.5');
    const { stdout } = await run(['prune', dir, '--while-running', '--dry-run', '--exclude', 'drafts'], {
      columns: 200,
    });
    expect(stdout).toContain(`smaller only with Chroma stopped: chroma-maint vacuum ${dir} --exclude drafts\n`);
    await run(['vacuum', dir, '--no-prune', '--auto-vacuum', 'incremental', '--yes'], {}, { holdersOf: () => NOBODY });
    const prepared = await run(['prune', dir, '--while-running', '--dry-run'], { columns: 200 });
    expect(prepared.stdout).toContain(`only with: chroma-maint vacuum ${dir} --incremental --while-running\n`);
    const redacted = await run(['prune', dir, '--dry-run', '--redact', '--exclude', 'drafts'], { columns: 200 });
    expect(redacted.stdout).toContain(`chroma-maint vacuum ${dir} --exclude NAME\n`);
  });

  it('does not wait longer between two transactions than a timer counts', async () => {
    const { stderr } = await run(['prune', await still('0.5.5'), '--while-running', '--pause', '8w', '--dry-run']);
    expect(stderr).not.toContain('Warning');
  });

  it('ends with the process that has begun it, however that ends', async () => {
    const dir = await still('0.5.5');
    const argv = [PROGRAM, 'prune', dir, ...ONLINE, '--batch-rows', '10', '--pause', '1s', '--quiet'];
    const parent = spawn(process.execPath, argv, { stdio: 'ignore' });
    const all = seqIdsOf(dir).length;
    while (seqIdsOf(dir).length === all) await delay(20);
    const [child = 0] = childrenOf(parent.pid ?? 0);
    parent.kill('SIGKILL');
    await once(parent, 'close');
    while (isRunning(child)) await delay(20);
    expect(seqIdsOf(dir).length).toBeGreaterThan(all - 100);
  });

  it('that was ended says what it has done although somebody reads', async () => {
    const dir = await unpacked('0.5.5');
    const before = stateBefore(locatePersistDir(dir));
    const reader = new Database(databaseOf(dir));
    onTestFinished(() => void reader.close());
    reader.exec('BEGIN');
    reader.prepare('SELECT COUNT(*) FROM embeddings_queue').get();
    const request = { target: { ...target(dir), allow: BESIDE }, online: { batchRows: 10, pauseMs: 0 } };
    expect(stateLeft({ kind: 'prune', request, agreed: null }, dir, before, null)).toBe('nothing was changed');
  });
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('what only looks', () => {
  it.each([['inspect'], ['wal list'], ['wal config'], ['check']])(
    '%s advises nothing that it cannot do',
    async (command) => {
      const dir = await unpacked('0.5.5');
      const other = new Database(databaseOf(dir));
      onTestFinished(() => void other.close());
      other.exec('BEGIN EXCLUSIVE');
      const { exitCode, stderr } = await run([...command.split(' '), dir, '--json'], {}, { holdersOf: () => NOBODY });
      expect(exitCode).toBe(11);
      const { hint } = JSON.parse(stderr) as { hint: string };
      expect(hint).toBe('run this again: a lock is held for moments, unless somebody works on the database');
    },
  );
});

describe('an option of a prune', () => {
  it.each([['--collection', 'notes'], ['--exclude', 'notes'], ['--skip-index-check'], ['--keep-last', '5']])(
    '%s is refused where a vacuum leaves the prune out',
    async (...options) => {
      const { exitCode, stderr } = await run(['vacuum', await unpacked('0.5.5'), '--no-prune', '--yes', ...options]);
      expect(exitCode).toBe(2);
      expect(stderr).toContain(`${options[0]} goes with a prune`);
    },
  );
});
