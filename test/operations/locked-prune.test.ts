import { join } from 'node:path';
import { existsSync, readdirSync, statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { realHost } from '../../src/host/real-host.ts';
import type { Observer } from '../../src/operations/observer.ts';
import { pruneUnderLock } from '../../src/operations/locked-prune.ts';
import { vacuumUnderLock } from '../../src/operations/locked-vacuum.ts';
import { vacuumInPlace } from '../../src/operations/vacuum-in-place.ts';
import type { PrunePlan } from '../../src/chroma/prune-plan.ts';
import { seqId } from '../../src/chroma/seq-id.ts';
import { agreed, on, SILENT, vacuumOf } from '../support/agreed.ts';
import { unpacked } from '../support/fixtures.ts';
import { multiply } from '../support/multiply.ts';
import { otherFilesOf, rowsOf, seqIdsOf, withDatabase } from '../support/state.ts';

describe('the transaction that deletes', () => {
  it('makes every index file and its directory durable before the rows are gone', async () => {
    const dir = await unpacked('0.5.5');
    const before = seqIdsOf(dir);
    const synced: string[] = [];
    const host = {
      ...realHost,
      sync(path: string) {
        // Nobody else can read under the exclusive lock, so an uncommitted DELETE would show as a journal on disk.
        expect(existsSync(join(dir, 'chroma.sqlite3-journal'))).toBe(false);
        synced.push(path);
        realHost.sync(path);
      },
    };
    const plan = await agreed(dir);
    await pruneUnderLock(plan, on(host), SILENT);
    expect(seqIdsOf(dir).length).toBeLessThan(before.length);

    const prunedCollections = plan.agreed.prune.steps.map(({ collectionId }) => collectionId);
    const directories = withDatabase(dir, (db) =>
      prunedCollections.map((id) =>
        db
          .prepare<[string], string>("SELECT id FROM segments WHERE collection = ? AND scope = 'VECTOR'")
          .pluck()
          .get(id),
      ),
    );
    expect(directories.length).toBeGreaterThan(0);
    for (const directory of directories) {
      const path = join(dir, directory ?? 'missing');
      for (const name of readdirSync(path)) expect(synced).toContain(join(path, name));
      expect(synced).toContain(path);
    }
  });

  it.each([true, false])(
    'syncs the file system instead of hundreds of index files, and those where that fails (it works: %s)',
    async (works) => {
      const dir = await unpacked('0.6.3-purge-off');
      multiply(dir, 'ledger', 120);
      // The copies' rows stand behind the positions that were copied with them.
      withDatabase(dir, (db) => db.exec('UPDATE max_seq_id SET seq_id = (SELECT MAX(seq_id) FROM embeddings_queue)'));
      const before = seqIdsOf(dir);
      const { request } = await agreed(dir);
      const job = {
        kind: 'prune',
        request: { ...request, target: { ...request.target, skipIndexCheck: true } },
        agreed: null,
      } as const;
      const synced: string[] = [];
      const systems: string[] = [];
      const host = {
        ...realHost,
        sync: (path: string) => void synced.push(path),
        syncFileSystem(path: string) {
          expect(readByOthers(dir)).toBe('locked');
          systems.push(path);
          return works;
        },
      };
      await pruneUnderLock(job, on(host), SILENT);
      expect(seqIdsOf(dir).length).toBeLessThan(before.length);
      expect(systems).toEqual([dir]);
      expect(synced.filter((path) => path.endsWith('index_metadata.pickle')).length > 100).toBe(!works);
    },
  );

  it('keeps every row where an index file cannot be made durable', async () => {
    const dir = await unpacked('0.5.5');
    const [rows, files] = [rowsOf(dir), otherFilesOf(dir)];
    const host = {
      ...realHost,
      sync() {
        throw new Error('EIO');
      },
    };
    await expect(pruneUnderLock(await agreed(dir), on(host), SILENT)).rejects.toThrow('EIO');
    expect(rowsOf(dir)).toEqual(rows);
    expect(otherFilesOf(dir)).toEqual(files);
  });

  it('refuses a plan that the directory no longer bears out, and keeps every row', async () => {
    const dir = await unpacked('0.5.5');
    const plan = await agreed(dir);
    withDatabase(dir, (db) =>
      db.prepare('DELETE FROM embeddings_queue WHERE seq_id = (SELECT MIN(seq_id) FROM embeddings_queue)').run(),
    );
    const rows = rowsOf(dir);
    await expect(pruneUnderLock(plan, on(realHost), SILENT)).rejects.toMatchObject({
      code: 'PLAN_STALE',
      exitCode: 16,
    });
    expect(rowsOf(dir)).toEqual(rows);
  });

  it('refuses a plan that reaches further than what it reads under the lock', async () => {
    const dir = await unpacked('0.5.5');
    const plan = await agreed(dir);
    const { prune } = plan.agreed;
    const greedy: PrunePlan = {
      ...prune,
      steps: prune.steps.map((step) => ({ ...step, below: seqId(step.below + 1n) })),
    };
    const rows = rowsOf(dir);
    await expect(
      pruneUnderLock({ ...plan, agreed: { ...plan.agreed, prune: greedy } }, on(realHost), SILENT),
    ).rejects.toMatchObject({
      code: 'PLAN_STALE',
    });
    expect(rowsOf(dir)).toEqual(rows);
  });

  it('goes on where Chroma has only appended rows since the plan was shown', async () => {
    const dir = await unpacked('0.5.5');
    const plan = await agreed(dir);
    withDatabase(dir, (db) => {
      const copy =
        'SELECT operation, topic, id, vector, encoding, metadata FROM embeddings_queue ORDER BY seq_id DESC LIMIT 1';
      db.prepare(`INSERT INTO embeddings_queue (operation, topic, id, vector, encoding, metadata) ${copy}`).run();
    });
    const last = seqIdsOf(dir).at(-1);
    await pruneUnderLock(plan, on(realHost), SILENT);
    expect(seqIdsOf(dir).at(-1)).toBe(last);
  });

  it('names the lock and keeps every row where another connection writes', async () => {
    const dir = await unpacked('0.5.5');
    const plan = await agreed(dir);
    const rows = rowsOf(dir);
    const other = new Database(join(dir, 'chroma.sqlite3'));
    other.exec('BEGIN IMMEDIATE');
    await expect(pruneUnderLock(plan, on(realHost), SILENT)).rejects.toMatchObject({
      code: 'IN_USE',
      exitCode: 11,
    });
    other.exec('ROLLBACK');
    other.close();
    expect(rowsOf(dir)).toEqual(rows);
  });

  it('refuses a database with a damaged page before it writes anything', async () => {
    const dir = await unpacked('0.5.5');
    const plan = await agreed(dir);
    const rows = seqIdsOf(dir);
    withDatabase(dir, (db) => {
      db.unsafeMode(true);
      db.pragma('writable_schema = ON');
      // Two tables that claim the same pages: what a torn write leaves behind, and only a check of the pages sees.
      db.exec(
        "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'embeddings') WHERE name = 'embedding_metadata'",
      );
    });
    const size = statSync(join(dir, 'chroma.sqlite3')).size;
    await expect(pruneUnderLock(plan, on(realHost), SILENT)).rejects.toMatchObject({
      code: 'CORRUPT',
      exitCode: 14,
    });
    expect(seqIdsOf(dir)).toEqual(rows);
    expect(statSync(join(dir, 'chroma.sqlite3')).size).toBe(size);
  });

  it('says that the rows are gone where the vacuum after them fails', async () => {
    const dir = await unpacked('0.5.5');
    const failing: Observer = {
      ...SILENT,
      onStage(stage) {
        if (stage !== 'vacuuming') return;
        throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
      },
    };
    const failure = vacuumUnderLock(vacuumOf(dir, 'in-place'), on(realHost), failing);
    await expect(failure).rejects.toMatchObject({
      code: 'NO_SPACE',
      changed: true,
      state: expect.stringContaining('deleted, which is safe'),
    });
  });
});

/** What another connection is told that reads while the deletion is being prepared. */
function readByOthers(dir: string): string {
  const other = new Database(join(dir, 'chroma.sqlite3'), { readonly: true, timeout: 0 });
  try {
    return String(other.prepare('SELECT COUNT(*) FROM embeddings_queue').pluck().get());
  } catch {
    return 'locked';
  } finally {
    other.close();
  }
}

describe('VACUUM in place', () => {
  it('leaves the trace in maintenance_log that Chroma leaves, where the table exists', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    withDatabase(dir, (db) => {
      const before = db.prepare<[], bigint>('SELECT COUNT(*) FROM maintenance_log').pluck().get() ?? 0n;
      vacuumInPlace(db, null);
      expect(db.prepare('SELECT COUNT(*) FROM maintenance_log').pluck().get()).toBe(before + 1n);
      const row = db.prepare('SELECT id, timestamp, operation FROM maintenance_log ORDER BY rowid DESC').get();
      expect(row).toMatchObject({
        id: null,
        operation: 'vacuum',
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
      });
    });
  });

  it('works where that table does not exist', async () => {
    const dir = await unpacked('0.4.14');
    withDatabase(dir, (db) => vacuumInPlace(db, null));
    expect(seqIdsOf(dir).length).toBeGreaterThan(0);
  });
});
