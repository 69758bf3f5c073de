/**
 * wal show: one row, what is beside it, and why it is in the state that it is in.
 */
import { describe, expect, it } from 'vitest';
import { change, missingPickle, orphanTopic } from '../../support/damage.ts';
import { unpacked } from '../../support/fixtures.ts';
import { run, runJson } from '../../support/run.ts';
import { bytesOf } from '../../support/state.ts';
import { appendRows, listedIn, topicOf, type ListedRow } from '../../support/wal.ts';

interface ShownJson extends ListedRow {
  readonly vectorStart: readonly number[] | null;
  readonly document: string | null;
  readonly positions: readonly object[];
  readonly doubt: string | null;
  readonly previous: { readonly seqId: string; readonly op: string } | null;
  readonly next: { readonly seqId: string; readonly op: string } | null;
}

function shown(dir: string, seqId: bigint | string): Promise<ShownJson> {
  return runJson<ShownJson>(['wal', 'show', dir, String(seqId)]);
}

describe('the rows before and after it', () => {
  it('are the nearest ones of the same record of the same collection', async () => {
    const dir = await unpacked('0.5.5');
    const notes = topicOf(dir, 'notes');
    const [add = 0n, , , update = 0n, , remove = 0n] = appendRows(dir, [
      { id: 'one' },
      { id: 'two' },
      { id: 'one', topic: notes },
      { id: 'one', operation: 1n },
      { id: 'one', topic: notes },
      { id: 'one', operation: 3n },
      { id: 'two' },
    ]);
    const [first, middle, last] = [await shown(dir, add), await shown(dir, update), await shown(dir, remove)];
    expect([first.previous, first.next?.seqId, first.next?.op]).toEqual([null, String(update), 'update']);
    expect([middle.previous?.seqId, middle.next?.seqId, middle.next?.op]).toEqual([
      String(add),
      String(remove),
      'delete',
    ]);
    expect([last.previous?.seqId, last.next]).toEqual([String(update), null]);
    const { stdout } = await run(['wal', 'show', dir, String(update)]);
    expect(stdout).toContain(`before      ${add}, add, 2026-11-22 12:00:00`);
    expect(stdout).toContain(`after       ${remove}, delete, 2026-11-22 12:00:00`);
    expect(stdout).toContain(`The same record: chroma-maint wal show ${dir} ${add}`);
  });
});

describe('the row', () => {
  it('is told as in a list, with its document, its first numbers and every position', async () => {
    const dir = await unpacked('0.5.5');
    const before = bytesOf(dir);
    const rows = listedIn((await run(['wal', 'list', dir, '--json'])).stdout);
    for (const listed of rows.filter((_, at) => at % 150 === 0)) {
      const { schema: _, ...same } = listed as ListedRow & { readonly schema: string };
      const row = await shown(dir, listed.seqId);
      expect(row).toMatchObject(same);
      const metadata = JSON.parse(listed.metadata ?? '{}') as Record<string, unknown>;
      expect(row.document).toBe(metadata['chroma:document'] ?? null);
      expect(row.vectorStart?.length ?? null).toBe(listed.dimension === null ? null : Math.min(listed.dimension, 8));
      expect(row.positions).toHaveLength(2);
    }
    expect(bytesOf(dir)).toEqual(before);
  });

  it('of a collection whose pickle is gone says so, and a row of no collection has no positions', async () => {
    const dir = await unpacked('1.5.9-purge-off');
    missingPickle(dir, 'ledger');
    const rows = listedIn((await run(['wal', 'list', dir, '--json', '--collection', 'ledger'])).stdout);
    const row = await shown(dir, rows.at(-1)?.seqId ?? '');
    expect(row).toMatchObject({ state: 'unknown', doubt: expect.stringContaining('is missing'), prunable: false });
    expect(row.positions).toContainEqual({
      segment: 'vector',
      position: null,
      source: null,
      problem: expect.stringContaining('is missing'),
    });
    orphanTopic(dir, 'ledger');
    const orphan = await shown(dir, rows.at(-1)?.seqId ?? '');
    expect(orphan).toMatchObject({ state: 'orphan', collection: null, positions: [], doubt: null });
  });
});

describe('a topic that two collections claim', () => {
  it('makes its rows of nobody, and nothing of them known', async () => {
    const dir = await unpacked('0.4.24');
    const drafts = topicOf(dir, 'drafts');
    const rows = listedIn((await run(['wal', 'list', dir, '--json', '--collection', 'drafts'])).stdout);
    change(dir, "UPDATE collections SET topic = ? WHERE name = 'ledger'", drafts);
    const all = listedIn((await run(['wal', 'list', dir, '--json'])).stdout);
    const claimed = all.filter(({ topic }) => topic === drafts);
    expect(claimed.map(({ seqId }) => seqId)).toEqual(rows.map(({ seqId }) => seqId));
    expect(new Set(claimed.map(({ state, collection, prunable }) => `${state} ${collection} ${prunable}`))).toEqual(
      new Set(['unknown null false']),
    );
    expect(await shown(dir, rows[0]?.seqId ?? '')).toMatchObject({
      doubt: expect.stringContaining('several collections claim its topic'),
      positions: [],
    });
  });
});

describe('a row that is not there', () => {
  it('is told with the rows beside its place', async () => {
    const dir = await unpacked('0.5.5');
    change(dir, 'DELETE FROM embeddings_queue WHERE seq_id BETWEEN 500 AND 510');
    const { exitCode, stderr } = await run(['wal', 'show', dir, '505']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('next to the place of 505: 499 and 511');
  });
});

describe('a document that is named twice', () => {
  it('is the last one, as every reader of JSON has it', async () => {
    const dir = await unpacked('0.5.5');
    const metadata = '{"chroma:document": "first", "a": 1, "chroma:document": "last"}';
    const [row = 0n] = appendRows(dir, [{ id: 'twice', metadata }]);
    expect((await shown(dir, row)).document).toBe('last');
  });
});
