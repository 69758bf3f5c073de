import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { differenceFromCopy, fillCopy, withCopyAttached } from '../../src/sqlite/copy.ts';
import { inExclusiveTransaction, keepLock, withWritable } from '../../src/sqlite/open.ts';
import { databaseOf } from '../support/damage.ts';
import { temporaryDirectory, unpacked } from '../support/fixtures.ts';

const WHERE = 'embeddings_queue.seq_id > (SELECT AVG(seq_id) FROM main.embeddings_queue)';

/** Copies half of the queue, changes the copy, and returns what is found to be different. */
async function differenceAfter(change: string, isFull = false): Promise<string | null> {
  const path = databaseOf(await unpacked('1.5.9-purge-off'));
  const target = join(temporaryDirectory(), 'copy.sqlite3');
  writeFileSync(target, '');
  return withWritable(path, 0, (db) => {
    inExclusiveTransaction(db, () => keepLock(db));
    return withCopyAttached(db, target, 'none', () => {
      const rows = Number(db.prepare(`SELECT COUNT(*) FROM embeddings_queue WHERE ${WHERE}`).pluck().get());
      const half = { table: 'embeddings_queue', where: WHERE, rows };
      inExclusiveTransaction(db, () => fillCopy(db, half));
      db.exec(change);
      return differenceFromCopy(db, half, isFull);
    });
  });
}

describe('a copy', () => {
  it.each([false, true])('that was not changed is found to be equal (in full: %s)', async (isFull) => {
    expect(await differenceAfter('', isFull)).toBeNull();
  });

  it.each([
    [
      'a row of the queue less',
      'DELETE FROM rebuilt.embeddings_queue WHERE seq_id = (SELECT MAX(seq_id) - 3 FROM rebuilt.embeddings_queue)',
      /^embeddings_queue has \d+ rows/,
    ],
    [
      'a row too many',
      "INSERT INTO rebuilt.embeddings_queue (operation, topic, id) VALUES (0, 't', 'x')",
      /^embeddings_queue has/,
    ],
    [
      'a row that was to go instead of one that stays',
      `UPDATE rebuilt.embeddings_queue SET (seq_id, created_at, operation, topic, id, vector, encoding, metadata) =
         (SELECT * FROM main.embeddings_queue ORDER BY seq_id LIMIT 1)
       WHERE seq_id = (SELECT MIN(seq_id) FROM rebuilt.embeddings_queue)`,
      /^1 rows of embeddings_queue are different$/,
    ],
    [
      'another byte in a vector of the queue',
      'UPDATE rebuilt.embeddings_queue SET vector = zeroblob(octet_length(vector)) WHERE vector IS NOT NULL',
      /rows of embeddings_queue are different$/,
    ],
    [
      'another type of the same value',
      'UPDATE rebuilt.max_seq_id SET seq_id = CAST(seq_id AS BLOB)',
      /rows of max_seq_id are different$/,
    ],
    ['NULL for a value', 'UPDATE rebuilt.collections SET name = name || 1', /rows of collections are different$/],
    [
      'a row under another number',
      'UPDATE rebuilt.embedding_metadata SET rowid = rowid + 1000000 WHERE rowid = (SELECT MAX(rowid) FROM rebuilt.embedding_metadata)',
      /^embedding_metadata has \d+ rows, \d+ to \d+, not/,
    ],
    [
      'an index less',
      'DROP INDEX rebuilt.embedding_metadata_string_value',
      /^the schema of embedding_metadata_string_value is different$/,
    ],
    ['a table more', 'CREATE TABLE rebuilt.mine (a)', /^the schema of mine is different$/],
    [
      'a full-text table less',
      "PRAGMA writable_schema = ON; DELETE FROM rebuilt.sqlite_schema WHERE name = 'embedding_fulltext_search'",
      /^the schema of embedding_fulltext_search is different$/,
    ],
  ])('with %s is found to be different', async (_, change, difference) => {
    expect(await differenceAfter(change)).toMatch(difference);
  });
});
