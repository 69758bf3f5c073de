/** Every table that holds a text, and whose it is. */
import { describe, expect, it } from 'vitest';
import { liveSegments, readCatalog } from '../../src/chroma/catalog.ts';
import { locatePersistDir } from '../../src/chroma/persist-dir.ts';
import { readSchema } from '../../src/chroma/schema.ts';
import { eachStoredText, type TextHolder } from '../../src/chroma/stored-texts.ts';
import { unpacked } from '../support/fixtures.ts';
import { fullTextTableOf } from '../support/full-text-damage.ts';
import { withDatabase } from '../support/state.ts';

/** The holders of `text`, one for each time that it stands in a table. */
function holdersOf(dir: string, text: string): readonly TextHolder[] {
  const { databasePath } = locatePersistDir(dir);
  return withDatabase(dir, (db) => {
    const live = liveSegments(readCatalog(db, readSchema(db, databasePath)));
    return [...eachStoredText(db, live)].filter((each) => each.text === text).map(({ holder }) => holder);
  });
}

const LIVE_RECORD = '(SELECT id FROM embeddings WHERE segment_id IN (SELECT id FROM segments) LIMIT 1)';
const LIVE_SEGMENT = '(SELECT id FROM segments LIMIT 1)';
const LIVE_COLLECTION = '(SELECT id FROM collections LIMIT 1)';

describe('a text in the table', () => {
  const cases: readonly (readonly [
    table: string,
    columns: string,
    live: string,
    gone: string,
    goneIs: readonly TextHolder[],
  ])[] = [
    ['embedding_metadata', "(key, id, string_value) SELECT 'note', ", LIVE_RECORD, '999999', ['left-behind']],
    ['embedding_metadata_array', "(key, id, string_value) SELECT 'tags', ", LIVE_RECORD, '999999', ['left-behind']],
    ['embeddings', '(seq_id, segment_id, embedding_id) SELECT 1, ', LIVE_SEGMENT, "'gone'", ['left-behind']],
    ['segment_metadata', "(key, segment_id, str_value) SELECT 'note', ", LIVE_SEGMENT, "'gone'", ['left-behind']],
    [
      'collection_metadata',
      "(key, collection_id, str_value) SELECT 'note', ",
      LIVE_COLLECTION,
      "'gone'",
      ['left-behind'],
    ],
  ];

  it.each(cases)('%s is that of what lives, or left behind', async (table, columns, live, gone, goneIs) => {
    const dir = await unpacked('1.5.9-purge-off');
    withDatabase(dir, (db) => {
      db.prepare(`INSERT INTO ${table} ${columns} ${live}, ?`).run('a text of a living owner');
      db.prepare(`INSERT INTO ${table} ${columns} ${gone}, ?`).run('a text of nobody');
    });
    expect(holdersOf(dir, 'a text of a living owner')).toEqual(['live']);
    expect(holdersOf(dir, 'a text of nobody')).toEqual(goneIs);
  });
});

describe('a text in a column that no record is in', () => {
  it.each([
    ['collections', 'UPDATE collections SET name = ? WHERE id = (SELECT id FROM collections LIMIT 1)'],
    ['embedding_metadata', "UPDATE embedding_metadata SET key = ? WHERE key = 'title'"],
    ['notes of somebody else', 'INSERT INTO "notes of somebody else" VALUES (?)'],
  ])('of the table %s is told once, with its table', async (table, sql) => {
    const dir = await unpacked('1.5.9-purge-off');
    const { databasePath } = locatePersistDir(dir);
    withDatabase(dir, (db) => {
      db.exec('CREATE TABLE "notes of somebody else" ("a text" TEXT)');
      db.prepare(sql).run('a name that says much');
      const live = liveSegments(readCatalog(db, readSchema(db, databasePath)));
      const found = [...eachStoredText(db, live)].filter(({ text }) => text === 'a name that says much');
      expect(found).toEqual([{ text: 'a name that says much', key: null, holder: 'live', table }]);
    });
  });
});

describe.each(['0.4.3', '0.6.3-purge-off', '1.5.9-purge-off'])('a row of the full-text table of %s', (name) => {
  it('lives where it repeats a document, and else is of the full-text table alone', async () => {
    const dir = await unpacked(name);
    const table = fullTextTableOf(dir);
    const [id, document] = withDatabase(dir, (db) => {
      const row = db
        .prepare<[], { id: bigint; string_value: string }>(
          `SELECT id, string_value FROM embedding_metadata
           WHERE key = 'chroma:document' AND id IN ${LIVE_RECORD} ORDER BY id LIMIT 1`,
        )
        .get();
      return [row?.id, row?.string_value ?? ''] as const;
    });
    expect(holdersOf(dir, document)).toEqual(['live', 'live']);
    const key = table === 'embedding_fulltext' ? 'id' : 'rowid';
    const change = (text: string, of: bigint | undefined): void =>
      withDatabase(dir, (db) => void db.prepare(`UPDATE ${table} SET string_value = ? WHERE ${key} = ?`).run(text, of));
    change('not the document of its record', id);
    expect(holdersOf(dir, 'not the document of its record')).toEqual(['full-text']);
    expect(holdersOf(dir, document)).toEqual(['live']);
  });

  it('that ends where a NUL character stands in the document repeats it as well', async () => {
    if (name === '0.4.3') return;
    const dir = await unpacked(name);
    withDatabase(dir, (db) => {
      const where = `WHERE id = ${LIVE_RECORD} AND key = 'chroma:document'`;
      db.prepare(`UPDATE embedding_metadata SET string_value = ? ${where}`).run('before it\0behind it');
      db.prepare(`UPDATE embedding_fulltext_search SET string_value = ? WHERE rowid = ${LIVE_RECORD}`).run('before it');
    });
    expect(holdersOf(dir, 'before it')).toEqual(['live']);
  });
});
