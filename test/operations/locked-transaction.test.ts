/**
 * What may happen between the plan that was shown and the lock, and what holds while the lock is held.
 */
import { spawn } from 'node:child_process';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { realHost } from '../../src/host/real-host.ts';
import { pruneUnderLock } from '../../src/operations/locked-prune.ts';
import { agreed, on, SILENT } from '../support/agreed.ts';
import { databaseOf, emptyPickle, pickleOf, walMode } from '../support/damage.ts';
import { unpacked } from '../support/fixtures.ts';
import { IDLE_CHROMA, NOBODY } from '../support/holders.ts';
import { inTransaction } from '../support/process.ts';
import { bytesOf, rowsOf, seqIdsOf, withDatabase } from '../support/state.ts';

describe('a plan that was agreed to', () => {
  it('is refused where another process has the directory open by now', async () => {
    const dir = await unpacked('0.5.5');
    const plan = await agreed(dir);
    const before = bytesOf(dir);
    const host = { ...realHost, holdersOf: () => IDLE_CHROMA };
    await expect(pruneUnderLock(plan, on(host), SILENT)).rejects.toMatchObject({ code: 'IN_USE' });
    expect(bytesOf(dir)).toEqual(before);
  });

  it('is refused where the database went into WAL mode since', async () => {
    const dir = await unpacked('0.5.5');
    const plan = await agreed(dir);
    walMode(dir, 'header');
    const before = bytesOf(dir);
    await expect(pruneUnderLock(plan, on(realHost), SILENT)).rejects.toMatchObject({ code: 'HOT_JOURNAL' });
    expect(bytesOf(dir)).toEqual(before);
  });

  it('is compared with the index as it is after the last look that needs no lock', async () => {
    const dir = await unpacked('0.5.5');
    const plan = await agreed(dir);
    const rows = rowsOf(dir);
    let looks = 0;
    const host = {
      ...realHost,
      holdersOf() {
        looks += 1;
        emptyPickle(dir, 'ledger');
        return NOBODY;
      },
    };
    await expect(pruneUnderLock(plan, on(host), SILENT)).rejects.toMatchObject({ code: 'PLAN_STALE' });
    expect(looks).toBe(1);
    expect(rowsOf(dir)).toEqual(rows);
  });

  it('is compared with the index that a writer leaves who was still at work', async () => {
    const dir = await unpacked('0.5.5');
    const plan = await agreed(dir);
    const rows = rowsOf(dir);
    const { pid } = await inTransaction(databaseOf(dir), 'BEGIN IMMEDIATE');
    // Stays at work for a moment after the look at the processes, so that the lock has to be waited for.
    const end = 'sleep 0.3; : > "$1"; kill -9 "$2"';
    const host = {
      ...realHost,
      holdersOf() {
        spawn('sh', ['-c', end, 'sh', pickleOf(dir, 'ledger'), String(pid)], { stdio: 'ignore' });
        return NOBODY;
      },
    };
    const patient = { ...plan, request: { ...plan.request, target: { ...plan.request.target, waitMs: 30_000 } } };
    await expect(pruneUnderLock(patient, on(host), SILENT)).rejects.toMatchObject({ code: 'PLAN_STALE' });
    expect(rowsOf(dir)).toEqual(rows);
  });
});

describe('the transaction that deletes', () => {
  it('lets nobody else read before it has ended', async () => {
    const dir = await unpacked('0.5.5');
    const before = seqIdsOf(dir);
    let looks = 0;
    const host = {
      ...realHost,
      sync(path: string) {
        const other = new Database(databaseOf(dir), { readonly: true, timeout: 0 });
        expect(() => other.prepare('SELECT COUNT(*) FROM embeddings_queue').get()).toThrow('locked');
        other.close();
        looks += 1;
        realHost.sync(path);
      },
    };
    await pruneUnderLock(await agreed(dir), on(host), SILENT);
    expect(looks).toBeGreaterThan(0);
    expect(seqIdsOf(dir).length).toBeLessThan(before.length);
  });

  it.each([
    [
      'fewer rows went than were planned',
      `BEFORE DELETE ON embeddings_queue WHEN OLD.seq_id = (SELECT MIN(seq_id) FROM embeddings_queue)
       BEGIN SELECT RAISE(IGNORE); END`,
    ],
    [
      'the newest row is another one afterwards',
      `AFTER DELETE ON embeddings_queue WHEN NOT EXISTS (SELECT 1 FROM embeddings_queue WHERE topic = 'late')
       BEGIN INSERT INTO embeddings_queue (operation, topic, id) VALUES (0, 'late', 'late'); END`,
    ],
  ])('is rolled back where %s', async (_, trigger) => {
    const dir = await unpacked('0.5.5');
    withDatabase(dir, (db) => db.exec(`CREATE TRIGGER meddling ${trigger}`));
    const rows = rowsOf(dir);
    const pruned = pruneUnderLock(await agreed(dir), on(realHost), SILENT);
    await expect(pruned).rejects.toThrow('rolled back');
    expect(rowsOf(dir)).toEqual(rows);
  });
});
