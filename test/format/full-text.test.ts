import { describe, expect, it } from 'vitest';
import { fullTextDifferences, readFullText, type FullTextReading } from '../../src/chroma/full-text.ts';
import { readSchema } from '../../src/chroma/schema.ts';
import { withReadOnly } from '../../src/sqlite/open.ts';
import { damagedFullText, databaseOf } from '../support/damage.ts';
import { FIXTURES, unpacked } from '../support/fixtures.ts';
import {
  droppedFullText,
  fullTextTableOf,
  missingFullTextRows,
  otherTokenizer,
  surplusFullTextRows,
  wrongFullTextRows,
} from '../support/full-text-damage.ts';
import { bytesOf, withDatabase } from '../support/state.ts';

function readingOf(dir: string): FullTextReading {
  return withReadOnly(databaseOf(dir), 0, (db) => readFullText(db, readSchema(db, databaseOf(dir))));
}

function differencesOf(dir: string): object {
  return withReadOnly(databaseOf(dir), 0, (db) => fullTextDifferences(db, readSchema(db, databaseOf(dir))));
}

const NONE = { missing: 0, differing: 0, surplus: 0 };

/** Each generation of the table, with and without its tokenizer, and both of its writers. */
const DIRECTORIES = [
  ['0.4.0', 'embedding_fulltext', 'fts5(id, string_value, tokenize="trigram")'],
  ['0.4.3', 'embedding_fulltext', 'fts5(id, string_value)'],
  ['0.4.14', 'embedding_fulltext_search', "fts5(string_value, tokenize='trigram')"],
  ['0.6.3-purge-off', 'embedding_fulltext_search', "fts5(string_value, tokenize='trigram')"],
  ['1.5.9-purge-off', 'embedding_fulltext_search', "fts5(string_value, tokenize='trigram')"],
] as const;

describe('the full-text table of a directory that real Chroma wrote', () => {
  it.each(FIXTURES.map(({ name }) => name))('is sound and has every document: %s', async (name) => {
    const dir = await unpacked(name);
    const before = bytesOf(dir);
    expect(readingOf(dir)).toEqual({ kind: 'sound', table: fullTextTableOf(dir) });
    expect(differencesOf(dir)).toEqual(NONE);
    expect(bytesOf(dir)).toEqual(before);
  });
});

describe.each(DIRECTORIES)('the full-text table of %s', (name, table, expected) => {
  it('is missed where it was dropped, with every document', async () => {
    const dir = await unpacked(name);
    const documents = withDatabase(dir, (db) =>
      db
        .prepare(`SELECT COUNT(*) FROM embedding_metadata
      JOIN embeddings USING (id) WHERE key = 'chroma:document'`)
        .pluck()
        .get(),
    );
    droppedFullText(dir);
    expect(readingOf(dir)).toEqual({ kind: 'missing', table });
    expect(differencesOf(dir)).toEqual({ ...NONE, missing: Number(documents) });
  });

  it("is missed where one of FTS5's own tables is gone", async () => {
    const dir = await unpacked(name);
    withDatabase(dir, (db) => db.unsafeMode().exec(`DROP TABLE ${table}_idx`));
    expect(readingOf(dir)).toEqual({ kind: 'missing', table: `${table}_idx` });
    expect(differencesOf(dir)).toEqual(NONE);
  });

  it('is told with another tokenizer, which changes no text', async () => {
    const dir = await unpacked(name);
    otherTokenizer(dir, 'porter unicode61');
    const columns = expected.replace(/(, tokenize=.*)?\)$/, '');
    expect(readingOf(dir)).toEqual({
      kind: 'wrong-tokenizer',
      table,
      expected,
      found: `${columns}, tokenize='porter unicode61')`,
    });
    expect(differencesOf(dir)).toEqual(NONE);
  });

  it('is told without its tokenizer, where it has one', async () => {
    const dir = await unpacked(name);
    otherTokenizer(dir, null);
    expect(readingOf(dir).kind).toBe(name === '0.4.3' ? 'sound' : 'wrong-tokenizer');
  });

  it('misses documents that were taken out of it', async () => {
    const dir = await unpacked(name);
    missingFullTextRows(dir, 3);
    expect(differencesOf(dir)).toEqual({ ...NONE, missing: 3 });
  });

  it('misses a document that its content alone has lost', async () => {
    const dir = await unpacked(name);
    damagedFullText(dir);
    expect(differencesOf(dir)).toEqual({ ...NONE, missing: 1 });
  });

  it('has another text than the documents', async () => {
    const dir = await unpacked(name);
    wrongFullTextRows(dir, 4);
    expect(differencesOf(dir)).toEqual({ ...NONE, differing: 4 });
  });

  it('has texts of records that have no document any more', async () => {
    const dir = await unpacked(name);
    surplusFullTextRows(dir, 5);
    expect(differencesOf(dir)).toEqual({ ...NONE, surplus: 5 });
  });

  it('does not differ by rows of no record', async () => {
    const dir = await unpacked(name);
    withDatabase(dir, (db) => db.exec('DELETE FROM embeddings WHERE id = (SELECT MAX(id) FROM embeddings)'));
    expect(differencesOf(dir)).toEqual(NONE);
  });

  it('does not differ by a row with NULL, as Chroma writes one for a document that was taken away', async () => {
    const dir = await unpacked(name);
    surplusFullTextRows(dir, 1);
    withDatabase(dir, (db) => {
      const record = table === 'embedding_fulltext' ? 'id' : 'rowid';
      const last = `SELECT MAX(id) FROM embeddings`;
      db.exec(`UPDATE ${table} SET string_value = NULL WHERE ${record} = (${last})`);
    });
    expect(differencesOf(dir)).toEqual(NONE);
  });

  it.skipIf(name === '0.4.3')('is sound however its declaration is quoted and spaced', async () => {
    const dir = await unpacked(name);
    withDatabase(dir, (db) => {
      const columns = table === 'embedding_fulltext' ? 'id,string_value' : 'string_value';
      db.exec(`DROP TABLE ${table}; CREATE VIRTUAL TABLE "${table}" using FTS5 ( ${columns} , tokenize = trigram )`);
    });
    expect(readingOf(dir)).toEqual({ kind: 'sound', table });
  });
});

it('counts a record once that has two rows, up to 0.4.5', async () => {
  const dir = await unpacked('0.4.3');
  const twice = (text: string): unknown =>
    withDatabase(dir, (db) =>
      db.exec(`INSERT INTO embedding_fulltext (id, string_value)
        SELECT id, ${text} FROM embedding_metadata WHERE key = 'chroma:document' ORDER BY id LIMIT 2`),
    );
  twice('string_value');
  expect(differencesOf(dir)).toEqual(NONE);
  twice("'another text'");
  expect(differencesOf(dir)).toEqual({ ...NONE, differing: 2 });
});

it('has everything missing where somebody declared it with other columns', async () => {
  const dir = await unpacked('0.4.3');
  withDatabase(dir, (db) =>
    db.exec('DROP TABLE embedding_fulltext; CREATE VIRTUAL TABLE embedding_fulltext USING fts5(string_value)'),
  );
  expect(readingOf(dir)).toMatchObject({ kind: 'wrong-tokenizer', found: 'fts5(string_value)' });
  expect(differencesOf(dir)).toEqual({ ...NONE, missing: 386 });
});
