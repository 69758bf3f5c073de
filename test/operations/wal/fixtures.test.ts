/**
 * Every directory that real Chroma wrote: its rows are listed and exported as an independent decoding of them
 * (fixtures/queue_rows.py) has them, and what is told of each is what a prune does.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { DELETIONS, fixture, FIXTURES, seqIdsIn, unpacked, unpackedDeletions } from '../../support/fixtures.ts';
import { run } from '../../support/run.ts';
import { bytesOf, seqIdsOf, withDatabase } from '../../support/state.ts';
import { exportedIn, linesOf, listedIn, type ListedRow } from '../../support/wal.ts';

const REFERENCE = fileURLToPath(new URL('../../../fixtures/queue_rows.py', import.meta.url));

function reference(dir: string): readonly ListedRow[] {
  return listedIn(execFileSync('python3', [REFERENCE, dir], { encoding: 'utf8', maxBuffer: 2 ** 28 }));
}

const DIRECTORIES = [
  ...FIXTURES.map(({ name }) => [name, () => unpacked(name)] as const),
  ...DELETIONS.map((each) => [each.name, () => unpackedDeletions(each)] as const),
];

describe.each(DIRECTORIES)('the rows of %s', (_, make) => {
  it('are listed as the reference decodes them, and no byte changes', async () => {
    const dir = await make();
    const expected = reference(dir);
    const before = bytesOf(dir);
    const { exitCode, stdout } = await run(['wal', 'list', dir, '--json']);
    expect(exitCode).toBe(0);
    expect(linesOf(stdout)).toEqual(expected);
    expect(expected.map(({ seqId }) => BigInt(seqId)).toReversed()).toEqual(seqIdsOf(dir));
    expect(bytesOf(dir)).toEqual(before);
  });

  it('are exported in the order of their seq_ids, every field as it is stored, and no byte changes', async () => {
    const dir = await make();
    const listed = new Map(reference(dir).map((row) => [row.seqId, row]));
    const before = bytesOf(dir);
    const { exitCode, stdout } = await run(['wal', 'export', dir]);
    expect(exitCode).toBe(0);
    expect(bytesOf(dir)).toEqual(before);
    const stored = withDatabase(dir, (db) =>
      db.prepare<[], Record<string, unknown>>('SELECT * FROM embeddings_queue ORDER BY seq_id').all(),
    );
    expect(exportedIn(stdout)).toEqual(
      stored.map((row) => ({
        seq_id: String(row['seq_id']),
        created_at: row['created_at'],
        op: listed.get(String(row['seq_id']))?.op,
        topic: row['topic'],
        collection: listed.get(String(row['seq_id']))?.collection,
        collection_name: listed.get(String(row['seq_id']))?.collectionName,
        id: row['id'],
        encoding: row['encoding'],
        vector: (row['vector'] as Buffer | null)?.toString('base64') ?? null,
        metadata: row['metadata'],
      })),
    );
  });
});

describe('what is told of a row', () => {
  // There the index lacks what a prune would drop, which is not asked for a list.
  const healthy = FIXTURES.filter(({ name }) => name !== '0.5.0-readd');

  it.each(healthy.map(({ name }) => [name]))('of %s is prunable exactly where a prune deletes it', async (name) => {
    const { stdout } = await run(['wal', 'list', await unpacked(name), '--json']);
    const prunable = listedIn(stdout).filter((row) => row.prunable);
    const { deletedSeqIds, exitCode } = fixture(name).expected;
    expect(prunable.map(({ seqId }) => BigInt(seqId)).toReversed()).toEqual(
      exitCode === 14 ? [] : seqIdsIn(deletedSeqIds),
    );
    expect(new Set(prunable.map(({ state }) => state)).size).toBeLessThanOrEqual(1);
  });

  it('keeps the order of keys, and has them all', async () => {
    const { stdout } = await run(['wal', 'export', await unpacked('0.5.5'), '--limit', '1']);
    expect(Object.keys(exportedIn(stdout)[0] ?? {})).toEqual(
      'seq_id created_at op topic collection collection_name id encoding vector metadata'.split(' '),
    );
  });
});
