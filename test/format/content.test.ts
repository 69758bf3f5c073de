import { describe, expect, it } from 'vitest';
import { contentHashOf } from '../../src/chroma/content.ts';
import { describeCopy } from '../../src/operations/backup/describe.ts';
import { collectionIdOf, metadataSegmentOf } from '../support/damage.ts';
import { FIXTURES, unpacked } from '../support/fixtures.ts';
import { withDatabase } from '../support/state.ts';

/** The hash of each collection. */
function hashesOf(dir: string): ReadonlyMap<string, string> {
  return new Map(describeCopy(dir, dir).contents.collections.map(({ id, contentSha256 }) => [id, contentSha256]));
}

/** Collections whose hash is another after the statement, which has to change something. */
function changedBy(dir: string, sql: string): readonly string[] {
  const before = hashesOf(dir);
  const { changes } = withDatabase(dir, (db) => db.prepare(sql).run());
  expect(changes).toBeGreaterThan(0);
  const after = hashesOf(dir);
  return [...before].filter(([id, hash]) => after.get(id) !== hash).map(([id]) => id);
}

const FIXTURE = '1.5.9-purge-off';
const NAME = 'ledger';

/** A change to one row of one collection, in each table that a collection lives in. */
const CHANGES: readonly (readonly [string, (collection: string, segment: string) => string])[] = [
  ['a dimension', (id) => `UPDATE collections SET dimension = dimension + 1 WHERE id = '${id}'`],
  ['a name', (id) => `UPDATE collections SET name = name || 'x' WHERE id = '${id}'`],
  [
    'metadata of the collection',
    (id) => `INSERT INTO collection_metadata (collection_id, key, int_value) VALUES ('${id}', 'added', 1)`,
  ],
  [
    'metadata of a segment',
    (_, segment) => `INSERT INTO segment_metadata (segment_id, key, int_value) VALUES ('${segment}', 'added', 1)`,
  ],
  ['a position', (_, segment) => `UPDATE max_seq_id SET seq_id = seq_id - 1 WHERE segment_id = '${segment}'`],
  [
    'an id',
    (_, segment) =>
      `UPDATE embeddings SET embedding_id = embedding_id || 'x' WHERE id = (SELECT MIN(id) FROM embeddings WHERE segment_id = '${segment}')`,
  ],
  [
    'a document',
    (_, segment) =>
      `UPDATE embedding_metadata SET string_value = string_value || 'x' WHERE key = 'chroma:document' AND id = (SELECT MIN(id) FROM embeddings WHERE segment_id = '${segment}')`,
  ],
  [
    'a record that is gone',
    (_, segment) =>
      `DELETE FROM embeddings WHERE id = (SELECT MAX(id) FROM embeddings WHERE segment_id = '${segment}')`,
  ],
  [
    'the last row of its log',
    (id) =>
      `UPDATE embeddings_queue SET metadata = 'changed' WHERE seq_id = (SELECT MAX(seq_id) FROM embeddings_queue WHERE topic LIKE '%${id}')`,
  ],
  [
    'a vector in its log by a bit',
    (id) =>
      `UPDATE embeddings_queue SET vector = CAST(X'01' || substr(vector, 2) AS BLOB) WHERE seq_id = (SELECT MAX(seq_id) FROM embeddings_queue WHERE topic LIKE '%${id}' AND vector IS NOT NULL)`,
  ],
];

describe('the hash over the rows that matter', () => {
  it.each(FIXTURES.map(({ name }) => name))('is another one for every collection of %s', async (name) => {
    const hashes = hashesOf(await unpacked(name));
    expect(new Set(hashes.values()).size).toBe(hashes.size);
    for (const hash of hashes.values()) expect(hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each(CHANGES)('tells of %s, in the collection that it is of and in no other', async (_, sql) => {
    const dir = await unpacked(FIXTURE);
    const id = collectionIdOf(dir, NAME);
    expect(changedBy(dir, sql(id, metadataSegmentOf(dir, NAME)))).toEqual([id]);
  });

  it('tells a number from the same digits as text', async () => {
    const dir = await unpacked(FIXTURE);
    const id = collectionIdOf(dir, NAME);
    const insert = `INSERT INTO collection_metadata (collection_id, key, int_value) VALUES ('${id}', 'added', 5)`;
    expect(changedBy(dir, insert)).toEqual([id]);
    const asText = `UPDATE collection_metadata SET int_value = X'35' WHERE key = 'added'`;
    expect(changedBy(dir, asText)).toEqual([id]);
  });

  it('tells two texts from the same two, cut elsewhere', async () => {
    const dir = await unpacked(FIXTURE);
    const id = collectionIdOf(dir, NAME);
    const insert = `INSERT INTO collection_metadata (collection_id, key, str_value) VALUES ('${id}', 'ab', 'c')`;
    expect(changedBy(dir, insert)).toEqual([id]);
    const cutElsewhere = `UPDATE collection_metadata SET key = 'a', str_value = 'bc' WHERE key = 'ab'`;
    expect(changedBy(dir, cutElsewhere)).toEqual([id]);
  });

  it.each([
    [
      'log rows of no collection',
      "INSERT INTO embeddings_queue (seq_id, operation, topic, id) VALUES (0, 0, 'nobody', 'x')",
    ],
    ['records of no segment', "INSERT INTO embeddings (segment_id, embedding_id, seq_id) VALUES ('nobody', 'x', 1)"],
    ['positions of no segment', "INSERT INTO max_seq_id (segment_id, seq_id) VALUES ('nobody', 1)"],
    ['maintenance', "INSERT INTO maintenance_log (timestamp, operation) VALUES (1, 'vacuum')"],
  ])('says nothing of %s', async (_, sql) => {
    expect(changedBy(await unpacked(FIXTURE), sql)).toEqual([]);
  });

  it('is one for the whole directory, whatever the order of its collections', async () => {
    const hashes = [...hashesOf(await unpacked(FIXTURE))];
    const whole = contentHashOf(new Map(hashes));
    expect(contentHashOf(new Map(hashes.toReversed()))).toBe(whole);
    expect(contentHashOf(new Map(hashes.slice(1)))).not.toBe(whole);
  });
});
