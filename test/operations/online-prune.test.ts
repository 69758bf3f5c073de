/**
 * prune --while-running: the same rows as with Chroma stopped, a few at a time, and none once something is odd.
 */
import { appendFileSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Host } from '../../src/host/host.ts';
import { realHost } from '../../src/host/real-host.ts';
import { databaseOf, hotJournal, missingPickle, pickleOf } from '../support/damage.ts';
import { FIXTURES, seqIdsIn, unpacked } from '../support/fixtures.ts';
import { IDLE_CHROMA, NOBODY } from '../support/holders.ts';
import { meanwhile, still, type OnlineJson } from '../support/online.ts';
import { killedAfter } from '../support/process.ts';
import { run, runJson } from '../support/run.ts';
import { bytesOf, otherFilesOf, rowsOf, seqIdsOf, withDatabase } from '../support/state.ts';

const ONLINE = ['--while-running', '--yes', '--json', '--no-progress'];

const NOBODY_THERE: Partial<Host> = { holdersOf: () => NOBODY };

function topicsOf(dir: string): ReadonlyMap<string, readonly bigint[]> {
  const rows = withDatabase(dir, (db) =>
    db
      .prepare<[], { topic: string; seq_id: bigint }>('SELECT topic, seq_id FROM embeddings_queue ORDER BY seq_id')
      .all(),
  );
  const byTopic = new Map<string, bigint[]>();
  for (const { topic, seq_id: id } of rows) byTopic.set(topic, [...(byTopic.get(topic) ?? []), id]);
  return byTopic;
}

/** Every topic has lost rows from its beginning, if any. */
function expectPrefixesGone(before: ReadonlyMap<string, readonly bigint[]>, dir: string): void {
  for (const [topic, left] of topicsOf(dir)) {
    expect(left).toEqual(before.get(topic)?.slice(-left.length));
  }
}

describe.each(FIXTURES.filter(({ expected }) => expected.exitCode !== 14).map((each) => [each.name, each] as const))(
  'the directory %s beside a server',
  (name, { expected }) => {
    it('loses exactly the rows that it loses with Chroma stopped, and no other file changes', async () => {
      const dir = await still(name);
      const [ids, files, rows] = [seqIdsOf(dir), otherFilesOf(dir), rowsOf(dir, ['embeddings_queue'])];
      const { exitCode, stdout, stderr } = await run(['prune', dir, ...ONLINE, '--batch-rows', '97']);
      expect(exitCode, stderr).toBe(expected.exitCode);
      const gone = new Set(seqIdsIn(expected.deletedSeqIds));
      expect(seqIdsOf(dir)).toEqual(ids.filter((id) => !gone.has(id)));
      expect(rowsOf(dir, ['embeddings_queue'])).toEqual(rows);
      expect(otherFilesOf(dir)).toEqual(files);
      const { totals, online, collections } = JSON.parse(stdout) as OnlineJson;
      expect(totals.deleted).toBe(gone.size);
      expect(collections.reduce((sum, { deleted }) => sum + deleted, 0)).toBe(gone.size);
      expect(online).toMatchObject({ left: [] });
      expect(online?.transactions).toBeGreaterThanOrEqual(Math.ceil(gone.size / 97));
    });

    it('is planned so, without changing a byte', async () => {
      const dir = await still(name);
      const before = bytesOf(dir);
      // A damaged index that was just written to counts as one that is being saved.
      const later = { now: () => new Date(Date.now() + 60_000) };
      const { exitCode, stdout } = await run(['prune', dir, '--while-running', '--dry-run', '--json'], {}, later);
      expect(exitCode).toBe(expected.exitCode);
      expect((JSON.parse(stdout) as OnlineJson).totals.prunable).toBe(seqIdsIn(expected.deletedSeqIds).length);
      expect(bytesOf(dir)).toEqual(before);
    });
  },
);

describe('a prune beside a server', () => {
  it('leaves a collection alone whose index is saved meanwhile, and comes back to it', async () => {
    const dir = await still('0.5.5');
    const [ids, before] = [seqIdsOf(dir), topicsOf(dir)];
    let left: readonly bigint[] = [];
    const host = meanwhile((transaction) => {
      if (transaction === 2) left = seqIdsOf(dir);
      // A save that changes nothing in the end.
      if (transaction === 2) withTouched(pickleOf(dir, 'ledger'));
    });
    const { totals, online } = await runJson<OnlineJson>(['prune', dir, ...ONLINE, '--batch-rows', '50'], host);
    expect(left.length).toBeLessThan(ids.length);
    expect(totals.deleted).toBe(totals.prunable);
    expect(online?.left).toEqual([]);
    expectPrefixesGone(before, dir);
    expect((await runJson<OnlineJson>(['prune', dir, '--dry-run'])).totals.prunable).toBe(0);
  });

  it('deletes nothing more of a collection whose index is cut short in the middle, and says that it needs somebody', async () => {
    const dir = await still('0.5.5');
    let left: ReadonlyMap<string, readonly bigint[]> = new Map();
    const host = meanwhile((transaction) => {
      if (transaction !== 2) return;
      left = topicsOf(dir);
      truncateSync(pickleOf(dir, 'ledger'), 1000);
    });
    const { exitCode, stdout } = await run(['prune', dir, ...ONLINE, '--batch-rows', '20'], {}, host);
    expect(exitCode).toBe(3);
    const { collections } = JSON.parse(stdout) as OnlineJson;
    const ledger = collections.find(({ name }) => name === 'ledger');
    expect(ledger?.skip).toMatchObject({ reason: 'pickle-unreadable', needsAttention: true });
    const topic = [...left.keys()].find((each) => each.endsWith(ledger?.id ?? '')) ?? '';
    expect(topicsOf(dir).get(topic)).toEqual(left.get(topic));
  });

  it('plans nothing from an index that was written to while everything was read', async () => {
    const dir = await still('0.5.5');
    const host: Partial<Host> = {
      // So late that every file has settled.
      now: () => new Date(Date.now() + 3_600_000),
      // Asked before the queue is read, and after the stamps are taken.
      fileSystemOf(path) {
        withTouched(pickleOf(dir, 'ledger'));
        return realHost.fileSystemOf(path);
      },
    };
    const { collections } = await runJson<OnlineJson>(['prune', dir, '--while-running', '--dry-run'], host);
    const ledger = collections.find(({ name }) => name === 'ledger');
    expect(ledger).toMatchObject({ prunable: 0, skip: { reason: 'being-saved', needsAttention: false } });
    expect(collections.some(({ prunable }) => prunable > 0)).toBe(true);
  });

  it('waits for an index that is being saved, and leaves it where that does not end', async () => {
    const dir = await still('0.5.5');
    const before = rowsOf(dir);
    // Saved again at every look.
    const host = { ...realHost, now: () => new Date(0), holdersOf: () => IDLE_CHROMA };
    const { totals, online, collections } = await runJson<OnlineJson>(['prune', dir, ...ONLINE], host);
    expect(totals).toMatchObject({ prunable: 0, deleted: 0 });
    expect(online?.left.length).toBeGreaterThan(0);
    expect(new Set(collections.map(({ skip }) => skip?.reason))).toContain('being-saved');
    expect(collections.some(({ skip }) => skip?.needsAttention)).toBe(false);
    expect(rowsOf(dir)).toEqual(before);
  });

  it('waits for a commit that makes the file larger: until its end that looks cut short', async () => {
    const dir = await still('0.5.5');
    const whole = readFileSync(databaseOf(dir));
    truncateSync(databaseOf(dir), whole.length - 4096);
    setTimeout(() => writeFileSync(databaseOf(dir), whole), 200);
    const { exitCode, stdout } = await run(['prune', dir, ...ONLINE], {}, { holdersOf: () => IDLE_CHROMA });
    expect(exitCode).toBe(0);
    expect((JSON.parse(stdout) as OnlineJson).totals.deleted).toBeGreaterThan(0);
  });

  it('looks again where an index is ahead of rows that are not committed yet', async () => {
    const dir = await still('0.5.5');
    const rows = withDatabase(dir, (db) =>
      db.prepare('SELECT * FROM embeddings_queue ORDER BY seq_id DESC LIMIT 300').all(),
    );
    withDatabase(dir, (db) =>
      db.exec('DELETE FROM embeddings_queue WHERE seq_id > (SELECT MAX(seq_id) FROM embeddings_queue) - 300'),
    );
    setTimeout(() => {
      withDatabase(dir, (db) => {
        const insert = db.prepare(
          `INSERT INTO embeddings_queue (seq_id, created_at, operation, topic, id, vector, encoding, metadata)
           VALUES (@seq_id, @created_at, @operation, @topic, @id, @vector, @encoding, @metadata)`,
        );
        for (const row of rows) insert.run(row);
      });
    }, 400);
    const { exitCode, stderr } = await run(['prune', dir, ...ONLINE], {}, NOBODY_THERE);
    expect(exitCode, stderr).toBe(0);
  });

  it('does not wait where nobody is there who could be committing', async () => {
    const dir = await still('0.5.5');
    truncateSync(databaseOf(dir), statSync(databaseOf(dir)).size - 4096);
    const { exitCode, stderr } = await run(['prune', dir, ...ONLINE], {}, NOBODY_THERE);
    expect(exitCode).toBe(14);
    expect(stderr).toContain('cut short');
  });

  it('waits for an index that looks damaged because it is saved slowly', async () => {
    const [dir, quiet] = [await still('0.5.5'), await still('0.5.5')];
    await run(['prune', quiet, ...ONLINE], {}, NOBODY_THERE);
    const whole = readFileSync(pickleOf(dir, 'ledger'));
    truncateSync(pickleOf(dir, 'ledger'), 1000);
    // Longer than a file needs to settle.
    setTimeout(() => writeFileSync(pickleOf(dir, 'ledger'), whole), 900);
    const { exitCode } = await run(['prune', dir, ...ONLINE], {}, NOBODY_THERE);
    expect(exitCode).toBe(0);
    expect(seqIdsOf(dir)).toEqual(seqIdsOf(quiet));
  });

  it('believes nothing of what it has read once the end of the WAL has gone back', async () => {
    const dir = await still('0.5.5');
    let left: readonly bigint[] = [];
    let afterwards: readonly bigint[] | null = null;
    const host = meanwhile((transaction) => {
      if (transaction === 3) afterwards = seqIdsOf(dir);
      if (transaction !== 2) return;
      // What Chroma itself does when it deletes the collection that wrote last.
      withDatabase(dir, withoutLastWriter);
      left = seqIdsOf(dir);
    });
    await run(['prune', dir, ...ONLINE, '--batch-rows', '20'], {}, host);
    expect(afterwards ?? seqIdsOf(dir)).toEqual(left);
    expect(seqIdsOf(dir).at(-1)).toBe(left.at(-1));
  });

  it('stops with what it has done where a position comes to be ahead of the WAL', async () => {
    const dir = await still('0.6.3-purge-off');
    let left: readonly bigint[] = [];
    const host = meanwhile((transaction) => {
      if (transaction !== 2) return;
      withDatabase(dir, (db) => db.exec('UPDATE max_seq_id SET seq_id = 999999999'));
      left = seqIdsOf(dir);
    });
    const { exitCode, stderr } = await run(['prune', dir, ...ONLINE, '--batch-rows', '20'], {}, host);
    expect(exitCode).toBe(14);
    expect(JSON.parse(stderr)).toMatchObject({
      changed: true,
      state: expect.stringMatching(/WAL rows were deleted, which is safe/),
    });
    expect(seqIdsOf(dir)).toEqual(left);
  });

  it('stops with what it has done where a second process appears', async () => {
    const dir = await still('0.5.5');
    let left: readonly bigint[] = [];
    let looks = 0;
    const [server] = IDLE_CHROMA.holders;
    const host: Partial<Host> = {
      holdersOf() {
        looks += 1;
        if (looks < 3) return IDLE_CHROMA;
        left = seqIdsOf(dir);
        return { ...IDLE_CHROMA, holders: [server, { ...server, pid: 2 }] as never };
      },
    };
    const { exitCode, stderr } = await run(['prune', dir, ...ONLINE, '--batch-rows', '20'], {}, host);
    expect(exitCode).toBe(11);
    expect(JSON.parse(stderr)).toMatchObject({
      code: 'IN_USE',
      changed: true,
      details: [expect.stringContaining('pid 1'), expect.stringContaining('pid 2')],
    });
    expect(seqIdsOf(dir)).toEqual(left);
  });

  it('waits for a lock, and gives up without having changed anything', async () => {
    const dir = await still('0.5.5');
    const other = new Database(databaseOf(dir));
    onTestFinished(() => void other.close());
    other.exec('BEGIN IMMEDIATE');
    const before = rowsOf(dir);
    const { exitCode, stderr } = await run(['prune', dir, ...ONLINE], {}, { holdersOf: () => IDLE_CHROMA });
    expect(exitCode, stderr).toBe(11);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'IN_USE', changed: false });
    other.exec('ROLLBACK');
    expect(rowsOf(dir)).toEqual(before);
  });

  it.each([
    ['a directory on a network', 20, { fileSystemOf: () => ({ name: 'nfs', isNetwork: true, device: 1n }) }],
    ['a full disk', 15, { freeBytes: () => Promise.resolve(1024) }],
  ])('is refused on %s', async (_, exitCode, host) => {
    const dir = await still('0.5.5');
    const before = bytesOf(dir);
    expect((await run(['prune', dir, ...ONLINE], {}, host as Partial<Host>)).exitCode).toBe(exitCode);
    expect(bytesOf(dir)).toEqual(before);
  });

  it('is refused where a transaction was cut off', async () => {
    const dir = await still('0.5.5');
    hotJournal(dir);
    const before = bytesOf(dir);
    expect((await run(['prune', dir, ...ONLINE])).exitCode).toBe(12);
    expect(bytesOf(dir)).toEqual(before);
  });

  it('has every index file on the disk before it deletes a row that rests on it', async () => {
    const dir = await still('0.5.5');
    const ids = seqIdsOf(dir);
    const synced: string[] = [];
    const host = {
      sync(path: string) {
        expect(seqIdsOf(dir)).toEqual(ids);
        synced.push(path);
      },
      holdersOf: () => NOBODY,
    };
    await run(['prune', dir, ...ONLINE], {}, host);
    expect(seqIdsOf(dir).length).toBeLessThan(ids.length);
    const index = dirname(pickleOf(dir, 'ledger'));
    expect(synced).toEqual(expect.arrayContaining([...readdirSync(index).map((name) => join(index, name)), index]));
  });

  it('stops where the server dies in the middle of a transaction', async () => {
    const dir = await still('0.5.5');
    let left: readonly bigint[] = [];
    const host = meanwhile((transaction) => {
      if (transaction !== 1) return;
      left = seqIdsOf(dir);
      hotJournal(dir);
    });
    const { exitCode } = await run(['prune', dir, ...ONLINE, '--batch-rows', '20'], {}, host);
    expect(exitCode).toBe(12);
    rmSync(`${databaseOf(dir)}-journal`);
    expect(seqIdsOf(dir)).toEqual(left);
  });

  it('goes on once a lock is given up', async () => {
    const dir = await still('0.5.5');
    const other = new Database(databaseOf(dir));
    onTestFinished(() => void other.close());
    other.exec('BEGIN IMMEDIATE');
    setTimeout(() => other.exec('ROLLBACK'), 1_000);
    const { exitCode, stdout } = await run(['prune', dir, ...ONLINE], {}, { holdersOf: () => IDLE_CHROMA });
    expect(exitCode).toBe(0);
    expect((JSON.parse(stdout) as OnlineJson).totals.deleted).toBeGreaterThan(0);
  });

  it('deletes no more than was agreed to, however much more could go by then', async () => {
    const dir = await still('0.6.3-purge-off');
    const moved = (by: number): void =>
      withDatabase(dir, (db) => {
        const rows = db.prepare<[], { segment_id: string; seq_id: Buffer }>('SELECT * FROM max_seq_id').all();
        const set = db.prepare<[Buffer, string]>('UPDATE max_seq_id SET seq_id = ? WHERE segment_id = ?');
        for (const { segment_id: segment, seq_id: stored } of rows) {
          const position = Buffer.alloc(8);
          position.writeBigUInt64BE(stored.readBigUInt64BE() + BigInt(by));
          set.run(position, segment);
        }
      });
    moved(-5);
    const before = seqIdsOf(dir).length;
    const { exitCode, stdout } = await run(['prune', dir, '--while-running', '--json', '--no-progress'], {
      answer: () => {
        moved(5);
        return true;
      },
    });
    expect(exitCode).toBe(0);
    const { totals } = JSON.parse(stdout) as OnlineJson;
    expect(before - seqIdsOf(dir).length).toBe(totals.deleted);
    const { totals: rest } = await runJson<OnlineJson>(['prune', dir, '--dry-run']);
    expect(rest.prunable).toBeGreaterThan(0);
  });

  it('skips a collection without its index as a prune does otherwise', async () => {
    const dir = await still('0.6.3-purge-off');
    missingPickle(dir, 'ledger');
    await delay(150);
    const { exitCode, stdout } = await run(['prune', dir, ...ONLINE]);
    expect(exitCode).toBe(3);
    const ledger = (JSON.parse(stdout) as OnlineJson).collections.find(({ name }) => name === 'ledger');
    expect(ledger).toMatchObject({ deleted: 0, skip: { reason: 'pickle-missing' } });
  });

  it.each([['--skip-index-check'], ['--allow-network-fs'], ['--recover-journal'], ['--backup', 'repo']])(
    'does not go with %s',
    async (...options) => {
      const dir = await unpacked('0.5.5');
      const before = bytesOf(dir);
      const { exitCode, stderr } = await run(['prune', dir, ...ONLINE, ...options]);
      expect(exitCode).toBe(2);
      expect(stderr).toContain('does not go with --while-running');
      expect(bytesOf(dir)).toEqual(before);
    },
  );

  it.each([[['--batch-rows', '5']], [['--pause', '1s']]])('is what %s goes with', async (options) => {
    const { exitCode, stderr } = await run(['prune', await unpacked('0.5.5'), '--yes', ...options]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('goes with --while-running');
  });

  it('that is killed at any moment has deleted a beginning of every topic, and nothing else', async () => {
    const whole = await still('0.5.5');
    const [before, rows] = [topicsOf(whole), rowsOf(whole, ['embeddings_queue'])];
    for (let ms = 150; ms < 900; ms += 125) {
      const dir = await still('0.5.5');
      await killedAfter(['prune', dir, '--while-running', '--yes', '--batch-rows', '10'], ms);
      expectPrefixesGone(before, dir);
      expect(rowsOf(dir, ['embeddings_queue'])).toEqual(rows);
      expect(seqIdsOf(dir).at(-1)).toBe([...before.values()].flat().reduce((a, b) => (a > b ? a : b)));
      expect(withDatabase(dir, (db) => db.pragma('integrity_check', { simple: true }))).toBe('ok');
    }
  });
});

/** Without the collection whose row is the last of the queue. */
function withoutLastWriter(db: Database.Database): void {
  const topic = db.prepare<[], string>('SELECT topic FROM embeddings_queue ORDER BY seq_id DESC LIMIT 1').pluck().get();
  const id = topic?.split('/').at(-1);
  db.prepare('DELETE FROM embeddings_queue WHERE topic = ?').run(topic);
  db.prepare('DELETE FROM segments WHERE collection = ?').run(id);
  db.prepare('DELETE FROM collections WHERE id = ?').run(id);
}

/** Written to, with the same content in the end. */
function withTouched(path: string): void {
  appendFileSync(path, '.');
  truncateSync(path, statSync(path).size - 1);
}
