import { describe, expect, it } from 'vitest';
import { readSaveIntervals } from '../../src/chroma/sync-threshold.ts';
import { withReadOnly } from '../../src/sqlite/open.ts';
import { collectionIdOf, databaseOf, vectorSegmentOf } from '../support/damage.ts';
import { unpacked } from '../support/fixtures.ts';
import { withDatabase } from '../support/state.ts';

/** After how many writes the index of `collection` is saved. */
function intervalOf(dir: string, collection: string): number {
  const id = collectionIdOf(dir, collection);
  return withReadOnly(databaseOf(dir), 0, (db) => readSaveIntervals(db)(id));
}

function set(dir: string, table: string, id: string, key: string, value: bigint | string | null): void {
  const owner = table === 'segment_metadata' ? 'segment_id' : 'collection_id';
  const column = typeof value === 'string' ? 'str_value' : 'int_value';
  const sql = `INSERT OR REPLACE INTO ${table} (${owner}, key, ${column}) VALUES (?, ?, ?)`;
  withDatabase(dir, (db) => db.prepare(sql).run(id, key, value));
}

describe('after how many writes an index is saved', () => {
  it.each([
    ['0.4.0', 'notes', 50],
    ['0.4.24', 'notes', 50],
    // From 0.5.4 to 0.6.3 a second place says 1,000, whatever the collection was made with.
    ['0.5.5', 'notes', 1000],
    ['0.6.3-purge-off', 'notes', 1000],
    // 1.0 stores no batch, so it is the default one.
    ['1.0.12-purge-off', 'notes', 100],
    ['1.5.9-purge-off', 'notes', 50],
    ['0.4.24', 'drafts', 1000],
    ['1.5.9-purge-off', 'drafts', 1000],
  ])('is told by %s for %s: %i', async (fixture, collection, expected) => {
    expect(intervalOf(await unpacked(fixture), collection)).toBe(expected);
  });

  it('is a whole batch where the batch is larger than the threshold, as Chroma looks only then', async () => {
    const dir = await unpacked('0.4.24');
    const id = collectionIdOf(dir, 'drafts');
    set(dir, 'collection_metadata', id, 'hnsw:sync_threshold', 10n);
    expect(intervalOf(dir, 'drafts')).toBe(100);
    set(dir, 'collection_metadata', id, 'hnsw:batch_size', 500n);
    expect(intervalOf(dir, 'drafts')).toBe(500);
    set(dir, 'collection_metadata', id, 'hnsw:sync_threshold', 2000n);
    expect(intervalOf(dir, 'drafts')).toBe(2000);
  });

  it('is the default threshold where only a batch is told', async () => {
    const dir = await unpacked('0.4.24');
    set(dir, 'collection_metadata', collectionIdOf(dir, 'drafts'), 'hnsw:batch_size', 20n);
    expect(intervalOf(dir, 'drafts')).toBe(1000);
  });

  it("is told by the segment where the collection's metadata was replaced", async () => {
    const dir = await unpacked('0.4.24');
    set(dir, 'segment_metadata', vectorSegmentOf(dir, 'drafts'), 'hnsw:sync_threshold', 5000n);
    expect(intervalOf(dir, 'drafts')).toBe(5000);
  });

  it.each([0n, -1n, null, 'many'])('is the default where %s is stored', async (value) => {
    const dir = await unpacked('0.4.24');
    for (const key of ['hnsw:sync_threshold', 'hnsw:batch_size'])
      set(dir, 'collection_metadata', collectionIdOf(dir, 'drafts'), key, value);
    expect(intervalOf(dir, 'drafts')).toBe(1000);
  });

  it.each(['', 'no JSON', '[]', 'null', '7', '{"hnsw": {"sync_threshold": "1"}}', '{"sync_threshold": null}'])(
    'is the default where the configuration is %s',
    async (text) => {
      const dir = await unpacked('1.5.9-purge-off');
      withDatabase(dir, (db) =>
        db.prepare('UPDATE collections SET config_json_str = ?, schema_str = ?').run(text, text),
      );
      expect(intervalOf(dir, 'drafts')).toBe(1000);
    },
  );
});
