import { describe, expect, it } from 'vitest';
import {
  copyDocuments,
  countDocumentsWithNul,
  eachDocument,
  readDocuments,
  readDocumentTotals,
  sampleDocuments,
} from '../../src/chroma/documents.ts';
import { withReadOnly, withWritable, type Database } from '../../src/sqlite/open.ts';
import { databaseOf } from '../support/damage.ts';
import { FIXTURES, unpacked } from '../support/fixtures.ts';
import { withDatabase } from '../support/state.ts';

const FIXTURE = '0.6.3-purge-off';

function reading<T>(dir: string, work: (db: Database) => T): T {
  return withReadOnly(databaseOf(dir), 0, work);
}

/** Id, segment and text of every document, in the order of the ids, straightforwardly. */
function documentsOf(dir: string): readonly (readonly [bigint, string, string])[] {
  return withDatabase(dir, (db) =>
    db
      .prepare<[], [bigint, string, string]>(
        `SELECT e.id, e.segment_id, m.string_value FROM embeddings AS e JOIN embedding_metadata AS m USING (id)
         WHERE m.key = 'chroma:document' ORDER BY e.id`,
      )
      .raw()
      .all(),
  );
}

describe('the documents', () => {
  it.each(FIXTURES.map(({ name }) => name))('are counted and read one by one: %s', async (name) => {
    const dir = await unpacked(name);
    const texts = documentsOf(dir).map(([, , text]) => text);
    expect(texts.length).toBeGreaterThan(0);
    expect(reading(dir, readDocumentTotals)).toEqual({
      documents: texts.length,
      bytes: texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0),
    });
    expect(reading(dir, (db) => [...eachDocument(db)])).toEqual(texts);
  });

  it('of no record do not count, and neither do records without one', async () => {
    const dir = await unpacked(FIXTURE);
    const [first, second] = documentsOf(dir);
    withDatabase(dir, (db) => {
      db.prepare('DELETE FROM embeddings WHERE id = ?').run(first?.[0]);
      db.prepare("DELETE FROM embedding_metadata WHERE id = ? AND key = 'chroma:document'").run(second?.[0]);
    });
    const left = documentsOf(dir);
    expect(reading(dir, readDocumentTotals).documents).toBe(left.length);
    expect(reading(dir, (db) => readDocuments(db, [second?.[0] ?? 0n, left[0]?.[0] ?? 0n]))).toEqual([left[0]?.[2]]);
  });

  it('are none in a directory without any', async () => {
    const dir = await unpacked(FIXTURE);
    withDatabase(dir, (db) => db.exec('DELETE FROM embedding_metadata'));
    expect(reading(dir, readDocumentTotals)).toEqual({ documents: 0, bytes: 0 });
    expect(reading(dir, (db) => sampleDocuments(db, 50))).toEqual([]);
  });
});

describe('a sample of the documents', () => {
  it('is the same each time, and has as many of each collection', async () => {
    const dir = await unpacked(FIXTURE);
    const segmentOf = new Map(documentsOf(dir).map(([id, segment]) => [id, segment]));
    const sample = reading(dir, (db) => sampleDocuments(db, 20));
    expect(reading(dir, (db) => sampleDocuments(db, 20))).toEqual(sample);
    expect(new Set(sample).size).toBe(20);
    const shares = [...new Set(segmentOf.values())].map(
      (segment) => sample.filter((id) => segmentOf.get(id) === segment).length,
    );
    expect(Math.min(...shares)).toBeGreaterThan(0);
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
  });

  it('is spread over the whole of each collection', async () => {
    const dir = await unpacked(FIXTURE);
    const documents = documentsOf(dir);
    const sample = new Set(reading(dir, (db) => sampleDocuments(db, 50)));
    for (const segment of new Set(documents.map(([, each]) => each))) {
      const ids = documents.filter(([, each]) => each === segment).map(([id]) => id);
      const thirds = [0, 1, 2].map((at) => ids.slice((ids.length * at) / 3, (ids.length * (at + 1)) / 3));
      for (const third of thirds) expect(third.some((id) => sample.has(id))).toBe(true);
    }
  });

  it('has one document of some collections where there are more collections than it has room for', async () => {
    const dir = await unpacked(FIXTURE);
    withDatabase(dir, (db) => db.exec("UPDATE embeddings SET segment_id = 'segment-' || (id % 100)"));
    const sample = reading(dir, (db) => sampleDocuments(db, 30));
    expect(new Set(sample.map((id) => id % 100n)).size).toBe(30);
  });
});

describe('documents with a NUL character', () => {
  const texts = ['before\0after', '\0after', 'ending\0', 'whole'];

  it.each([
    [true, ['before', '', 'ending', 'whole']],
    [false, texts],
  ])('are counted, and copied up to there where the index has trigrams (%s)', async (hasTrigrams, expected) => {
    const dir = await unpacked(FIXTURE);
    withDatabase(dir, (db) => {
      db.exec("DELETE FROM embedding_metadata WHERE key = 'chroma:document' AND id > 4");
      const change = db.prepare(
        "UPDATE embedding_metadata SET string_value = ? WHERE id = ? AND key = 'chroma:document'",
      );
      for (const [at, text] of texts.entries()) change.run(text, at + 1);
      db.exec('CREATE TABLE target (id INTEGER PRIMARY KEY, string_value)');
    });
    expect(documentsOf(dir)).toHaveLength(4);
    expect(reading(dir, countDocumentsWithNul)).toBe(3);
    withWritable(databaseOf(dir), 0, (db) =>
      copyDocuments(db, { table: 'target', record: 'id', hasTrigrams }, () => undefined),
    );
    const copied = withDatabase(dir, (db) => db.prepare('SELECT string_value FROM target ORDER BY id').pluck().all());
    expect(copied).toEqual(expected);
  });
});

describe('documents that are copied', () => {
  it('are all there, under the id of their record, whatever the ids are', async () => {
    const dir = await unpacked(FIXTURE);
    withDatabase(dir, (db) => {
      for (const table of ['embeddings', 'embedding_metadata']) {
        db.exec(`UPDATE ${table} SET id = -9223372036854775807 WHERE id = 1`);
        db.exec(`UPDATE ${table} SET id = 9223372036854775807 WHERE id = (SELECT MAX(id) FROM ${table})`);
      }
      // More than one batch.
      db.exec(`
        WITH RECURSIVE n(i) AS (SELECT 1000000 UNION ALL SELECT i + 1 FROM n WHERE i < 1025000)
        INSERT INTO embeddings (id, segment_id, embedding_id, seq_id) SELECT i, 'many', i, x'00' FROM n;
        INSERT INTO embedding_metadata (id, key, string_value)
        SELECT id, 'chroma:document', 'text ' || id FROM embeddings WHERE segment_id = 'many' AND id % 3 = 0;
        CREATE TABLE target (id INTEGER PRIMARY KEY, string_value)`);
    });
    const told: number[] = [];
    withWritable(databaseOf(dir), 0, (db) =>
      copyDocuments(db, { table: 'target', record: 'id', hasTrigrams: false }, (documents) => told.push(documents)),
    );
    const copied = withDatabase(dir, (db) =>
      db.prepare<[], [bigint, string]>('SELECT id, string_value FROM target ORDER BY id').raw().all(),
    );
    expect(copied).toEqual(documentsOf(dir).map(([id, , text]) => [id, text]));
    expect(told.length).toBeGreaterThan(2);
    expect(told.at(-1)).toBe(copied.length);
  });
});
