import { describe, expect, it } from 'vitest';
import { eachDocument, readDocuments, sampleDocuments } from '../../src/chroma/documents.ts';
import { askFullText, choosePhrases, countPhrases, wrongAnswer } from '../../src/chroma/full-text-queries.ts';
import { readFullTextDeclaration } from '../../src/chroma/full-text.ts';
import { readSchema } from '../../src/chroma/schema.ts';
import { withReadOnly } from '../../src/sqlite/open.ts';
import { damagedFullText, databaseOf } from '../support/damage.ts';
import { unpacked } from '../support/fixtures.ts';
import {
  missingFullTextRows,
  otherTokenizer,
  surplusFullTextRows,
  wrongFullTextRows,
} from '../support/full-text-damage.ts';
import { withDatabase } from '../support/state.ts';

/** What is wrong with the answers of the index to a sample of `phrases`, or to one of the documents. */
function problemIn(dir: string, phrases?: readonly string[]): string | null {
  return withReadOnly(databaseOf(dir), 0, (db) => {
    const declaration = readFullTextDeclaration(db, readSchema(db, databaseOf(dir)));
    const asked = phrases ?? choosePhrases(readDocuments(db, sampleDocuments(db, 50)));
    expect(asked.length).toBeGreaterThan(0);
    return wrongAnswer(countPhrases(eachDocument(db), asked), askFullText(db, declaration, asked));
  });
}

describe('a phrase of a document', () => {
  it.each([
    ['has no character that LIKE takes for something else', 'ab%cd_ef\\gh the rest of it', 'gh the rest '],
    ['ends where NUL does', 'abc\0defghijklmnop', 'abc'],
    ['is left out where there is none', 'a%b_c\\d\ne', undefined],
    ['is left out where the document is too short', 'ab', undefined],
    ['is whole characters', '😀'.repeat(20), '😀'.repeat(12)],
    ['is not what could not be read', `\uFFFDab\uFFFDabcdef`, 'abcdef'],
  ])('%s', (_, text, expected) => {
    expect(choosePhrases([text])[0]).toBe(expected);
  });

  it('is looked for at different places of different documents', () => {
    const text = Array.from({ length: 500 }, (_, at) => `word${at}`).join(' ');
    const phrases = choosePhrases(Array.from({ length: 40 }, () => text));
    expect(new Set(phrases.map((phrase) => text.indexOf(phrase))).size).toBeGreaterThan(30);
    for (const phrase of phrases) expect(phrase.length).toBeGreaterThanOrEqual(8);
  });

  it('stands in a document in its own letters, up to NUL', () => {
    const texts = ['a meadow', 'a Meadow', 'nothing', 'nothing\0but a meadow', 'meadow meadow'];
    expect(countPhrases(texts, ['meadow', 'Meadow', 'river'])).toEqual([2, 1, 0]);
  });
});

describe.each(['0.4.0', '0.4.3', '0.4.14', '0.6.3-purge-off', '1.5.9-purge-off'])('the index of %s', (name) => {
  async function withoutOrphans(): Promise<string> {
    const dir = await unpacked(name);
    withDatabase(dir, (db) => {
      const old = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'embedding_fulltext'").get() !== undefined;
      const [table, record] = old ? ['embedding_fulltext', 'id'] : ['embedding_fulltext_search', 'rowid'];
      db.exec(`DELETE FROM ${table} WHERE ${record} NOT IN (SELECT id FROM embeddings)`);
    });
    return dir;
  }

  it('names exactly the documents that have a phrase', async () => {
    expect(problemIn(await withoutOrphans())).toBe(null);
  });

  it('is told where it names a document less', async () => {
    const dir = await withoutOrphans();
    missingFullTextRows(dir, 1);
    expect(problemIn(dir, ['Document '])).toMatch(
      /^query 1 of 1 finds (\d+) documents, \1 of them right.*, and \d+ have/,
    );
  });

  it('is told where it names a document that has the phrase no more', async () => {
    const dir = await withoutOrphans();
    wrongFullTextRows(dir, 2);
    expect(problemIn(dir, ['long ago'])).toMatch(/^query 1 of 1 finds 2 documents, 0 of them right.*, and 0 have its/);
  });

  it('is told where it names a record that has no document', async () => {
    const dir = await withoutOrphans();
    surplusFullTextRows(dir, 1);
    expect(problemIn(dir, ['Document '])).not.toBe(null);
  });

  it('is told where its content has lost a document', async () => {
    const dir = await withoutOrphans();
    damagedFullText(dir);
    // FTS5 itself may say that it is damaged, where it looks for what the index names.
    let problem: unknown;
    try {
      problem = problemIn(dir, ['Document ']);
    } catch (error) {
      problem = error;
    }
    expect(problem).not.toBe(null);
  });

  it.runIf(['0.4.0', '0.6.3-purge-off'].includes(name))(
    'is told where LIKE finds everything and its trigrams do not',
    async () => {
      const dir = await withoutOrphans();
      otherTokenizer(dir, null);
      expect(problemIn(dir, ['ocument '])).toMatch(/\d+ of them right, 0 by its trigrams/);
    },
  );
});
