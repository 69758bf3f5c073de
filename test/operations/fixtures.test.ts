/**
 * The main job on every directory that real Chroma wrote: what is deleted is what an independent reference
 * (fixtures/reference.py) says, and nothing else in the directory changes.
 */
import { join } from 'node:path';
import { statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { customTopicPrefix } from '../support/damage.ts';
import { FIXTURES, seqIdsIn, temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { run, runJson } from '../support/run.ts';
import { bytesOf, otherFilesOf, rowsOf, seqIdsOf } from '../support/state.ts';

interface CollectionJson {
  readonly id: string;
  readonly rows: number;
  readonly walRows: number;
  readonly prunable: number;
  readonly prunableRows: number;
  readonly deleted: number;
  readonly watermark: string | null;
  readonly heldBackBy: string | null;
  readonly skip: { readonly reason: string; readonly needsAttention: boolean } | null;
}

interface PruneJson {
  readonly changed: boolean;
  readonly collections: readonly CollectionJson[];
  readonly totals: { readonly rows: number; readonly prunable: number; readonly deleted: number };
}

interface VacuumJson {
  readonly after: { readonly databaseBytes: number };
  readonly reclaimedBytes: number;
  readonly prune: PruneJson;
}

function byId<T extends { readonly id: string }>(collections: readonly T[]): readonly T[] {
  return collections.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

describe.each(FIXTURES.map((each) => [each.name, each] as const))('the directory %s', (name, { expected }) => {
  const deletedSeqIds = expected.exitCode === 14 ? [] : seqIdsIn(expected.deletedSeqIds);

  it('is inspected without changing a byte', async () => {
    const dir = await unpacked(name);
    const before = bytesOf(dir);
    const inspection = await runJson<{ collections: readonly CollectionJson[] }>(['inspect', dir]);
    expect(bytesOf(dir)).toEqual(before);
    expect(byId(inspection.collections)).toMatchObject(
      byId(expected.collections).map(({ id, walRows, prunable, watermark, heldBackBy }) => {
        return { id, walRows, prunableRows: prunable, watermark, heldBackBy };
      }),
    );
  });

  it('is planned as the reference plans it, without changing a byte', async () => {
    const dir = await unpacked(name);
    const before = bytesOf(dir);
    const { stdout, exitCode } = await run(['prune', dir, '--dry-run', '--json']);
    expect(exitCode).toBe(expected.exitCode);
    const plan = JSON.parse(stdout) as PruneJson;
    expect(bytesOf(dir)).toEqual(before);
    expect(
      byId(plan.collections).map((each) => [each.id, each.rows, each.prunable, each.skip?.reason ?? null]),
    ).toEqual(byId(expected.collections).map(({ id, walRows, prunable, skip }) => [id, walRows, prunable, skip]));
  });

  it('is planned alike where the server ran with other tenant and topic settings', async () => {
    const dir = await unpacked(name);
    customTopicPrefix(dir);
    const { stdout } = await run(['prune', dir, '--dry-run', '--json']);
    const plan = JSON.parse(stdout) as PruneJson;
    expect(byId(plan.collections).map((each) => [each.id, each.prunable])).toEqual(
      byId(expected.collections).map(({ id, prunable }) => [id, prunable]),
    );
  });

  it('loses exactly the rows of the reference to prune, and nothing to a second prune', async () => {
    const dir = await unpacked(name);
    const [ids, files, tables] = [seqIdsOf(dir), otherFilesOf(dir), rowsOf(dir, ['embeddings_queue'])];

    const first = await run(['prune', dir, '--yes', '--json']);
    expect(first.exitCode).toBe(expected.exitCode);
    const gone = new Set(deletedSeqIds);
    const kept = ids.filter((id) => !gone.has(id));
    expect(seqIdsOf(dir)).toEqual(kept);
    expect(kept.at(-1)).toBe(ids.at(-1));
    expect(ids.at(-1) ?? 0n).toBe(BigInt(expected.lastSeqId));
    expect(rowsOf(dir, ['embeddings_queue'])).toEqual(tables);
    expect(otherFilesOf(dir)).toEqual(files);

    const afterFirst = bytesOf(dir);
    const second = await runJson<PruneJson>(['prune', dir, '--yes']);
    expect(second).toMatchObject({ changed: false, totals: { deleted: 0, prunable: 0 } });
    expect(bytesOf(dir)).toEqual(afterFirst);
  });

  it('is no larger after vacuum than VACUUM INTO makes the pruned file', async () => {
    const pruned = await unpacked(name);
    await run(['prune', pruned, '--yes']);
    const target = join(temporaryDirectory(), 'into.sqlite3');
    const db = new Database(join(pruned, 'chroma.sqlite3'), { readonly: true });
    db.prepare('VACUUM INTO ?').run(target);
    db.close();

    const dir = await unpacked(name);
    const [files, tables] = [otherFilesOf(dir), rowsOf(dir, ['embeddings_queue', 'maintenance_log'])];
    const report = await runJson<VacuumJson>(['vacuum', dir, '--yes', '--min-reclaim', '0']);
    expect(statSync(join(dir, 'chroma.sqlite3')).size).toBeLessThanOrEqual(statSync(target).size * 1.02);
    expect(report.after.databaseBytes).toBe(statSync(join(dir, 'chroma.sqlite3')).size);
    expect(report.prune.totals.deleted).toBe(deletedSeqIds.length);
    expect(seqIdsOf(dir)).toEqual(seqIdsOf(pruned));
    expect(rowsOf(dir, ['embeddings_queue', 'maintenance_log'])).toEqual(tables);
    expect(otherFilesOf(dir)).toEqual(files);
  });
});
