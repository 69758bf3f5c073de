import { closeSync, openSync, writeSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { integrityCheck, quickIntegrityCheck, type IntegrityProblems } from '../../src/sqlite/integrity-check.ts';
import { withReadOnly } from '../../src/sqlite/open.ts';
import { damagedFullText, damagedPage, databaseOf } from '../support/damage.ts';
import { FIXTURES, unpacked } from '../support/fixtures.ts';
import { bytesOf, withDatabase } from '../support/state.ts';

const SOUND: IntegrityProblems = { database: [], fullText: [] };

function checkOf(dir: string): IntegrityProblems {
  return withReadOnly(databaseOf(dir), 0, integrityCheck);
}

function quickCheckOf(dir: string): IntegrityProblems {
  return withReadOnly(databaseOf(dir), 0, quickIntegrityCheck);
}

/** A record that the index over the records' ids does not know: deleted and put back while the index was hidden. */
function staleIndex(dir: string): void {
  const hidden = withDatabase(dir, (db) => {
    db.unsafeMode(true);
    db.pragma('writable_schema = ON');
    const sql = "SELECT * FROM sqlite_schema WHERE type = 'index' AND name = 'embedding_metadata_string_value'";
    const row = db.prepare<[], Record<string, unknown>>(sql).get();
    db.prepare("DELETE FROM sqlite_schema WHERE name = 'embedding_metadata_string_value'").run();
    return row;
  });
  withDatabase(dir, (db) =>
    db.exec("UPDATE embedding_metadata SET string_value = 'other' WHERE id = 1 AND key = 'title'"),
  );
  withDatabase(dir, (db) => {
    db.unsafeMode(true);
    db.pragma('writable_schema = ON');
    db.prepare('INSERT INTO sqlite_schema VALUES (@type, @name, @tbl_name, @rootpage, @sql)').run(hidden);
  });
}

describe('the integrity of a database', () => {
  it.each(FIXTURES.map(({ name }) => name))('is found in %s, without changing a byte', async (name) => {
    const dir = await unpacked(name);
    const before = bytesOf(dir);
    expect([checkOf(dir), quickCheckOf(dir)]).toEqual([SOUND, SOUND]);
    expect(bytesOf(dir)).toEqual(before);
  });

  it('is missed in a page that is none any more, by the table that it belongs to', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    damagedPage(dir, 'collection_metadata');
    const [whole, quick] = [checkOf(dir), quickCheckOf(dir)];
    expect(whole.fullText).toEqual([]);
    for (const { database } of [whole, quick]) expect(database).toEqual([expect.stringMatching(/collection_metadata/)]);
  });

  it('is missed in an index that lacks a row, which the quick check does not look for', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    staleIndex(dir);
    expect(quickCheckOf(dir)).toEqual(SOUND);
    expect(checkOf(dir)).toEqual({
      database: expect.arrayContaining([expect.stringContaining('embedding_metadata_string_value')]),
      fullText: [],
    });
  });

  it('is told apart from that of the full-text index', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    damagedFullText(dir);
    expect(checkOf(dir)).toEqual({ database: [], fullText: [expect.stringContaining('embedding_fulltext_search')] });
    damagedPage(dir, 'collection_metadata');
    const { database, fullText } = checkOf(dir);
    expect(database.join()).toContain('collection_metadata');
    expect(fullText).toEqual([expect.stringContaining('embedding_fulltext_search')]);
  });

  it.each(['data', 'idx', 'content', 'docsize', 'config'])(
    'is that of everything else where the full-text table lacks its own table for %s',
    async (suffix) => {
      const dir = await unpacked('0.6.3-purge-off');
      withDatabase(dir, (db) => {
        db.unsafeMode(true);
        db.exec(`DROP TABLE embedding_fulltext_search_${suffix}`);
      });
      expect(checkOf(dir)).toEqual({ database: [], fullText: [expect.any(String)] });
      damagedPage(dir, 'collection_metadata');
      expect(checkOf(dir).database.join()).toContain('collection_metadata');
    },
  );

  it('is missed in a file of a format that SQLite does not know', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const descriptor = openSync(databaseOf(dir), 'r+');
    // The schema's format, of which there are four (sqlite.org/fileformat2.html §1.3.11).
    writeSync(descriptor, Buffer.from([200]), 0, 1, 47);
    closeSync(descriptor);
    for (const { database } of [checkOf(dir), quickCheckOf(dir)]) expect(database).toEqual(['unsupported file format']);
  });
});
