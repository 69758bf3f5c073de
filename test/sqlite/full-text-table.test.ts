import { describe, expect, it } from 'vitest';
import { checkFullText } from '../../src/sqlite/full-text-check.ts';
import {
  dropFullTextTable,
  flushFullTextTable,
  optimizeFullTextTable,
  ownTablesOf,
} from '../../src/sqlite/full-text-table.ts';
import { inExclusiveTransaction, withWritable, type Database } from '../../src/sqlite/open.ts';
import { damagedAmong } from '../../src/sqlite/quick-check.ts';
import { damagedPage, databaseOf } from '../support/damage.ts';
import { unpacked } from '../support/fixtures.ts';
import { rowsOf } from '../support/state.ts';

const TABLE = 'embedding_fulltext_search';
const FIXTURE = '0.6.3-purge-off';
const NAMES =
  "SELECT name FROM sqlite_schema WHERE name LIKE 'embedding_fulltext%' OR tbl_name LIKE 'embedding_fulltext%'";
const CREATE = `CREATE VIRTUAL TABLE ${TABLE} USING fts5(string_value, tokenize='trigram')`;
const FILL = `INSERT INTO ${TABLE} (rowid, string_value)
  SELECT id, string_value FROM embedding_metadata WHERE key = 'chroma:document' ORDER BY id`;

function on<T>(dir: string, work: (db: Database) => T): T {
  return withWritable(databaseOf(dir), 0, work);
}

/** Drops the table whatever state it is in, makes it anew, and returns what stood in the schema in between. */
function madeAnew(dir: string): readonly string[] {
  return on(dir, (db) => {
    const damaged = damagedAmong(db, ownTablesOf(TABLE));
    return inExclusiveTransaction(db, () => {
      dropFullTextTable(db, TABLE, damaged);
      const names = db.prepare<[], string>(NAMES).pluck().all();
      db.exec(`${CREATE}; ${FILL}`);
      return names;
    });
  });
}

describe('a full-text table that is dropped', () => {
  const states: readonly (readonly [string, (dir: string) => void])[] = [
    ['is whole', () => undefined],
    ['is gone', (dir) => on(dir, (db) => void db.exec(`DROP TABLE ${TABLE}`))],
    ...ownTablesOf(TABLE).flatMap((own): readonly (readonly [string, (dir: string) => void])[] => [
      [`has a damaged page in ${own}`, (dir) => damagedPage(dir, own)],
      [`has damaged cells in ${own}`, (dir) => damagedPage(dir, own, 'cells')],
      [`has lost ${own}`, (dir) => on(dir, (db) => void db.unsafeMode().exec(`DROP TABLE ${own}`))],
    ]),
    [
      'is only what FTS5 keeps behind it',
      (dir) =>
        on(dir, (db) => {
          db.unsafeMode().pragma('writable_schema = ON');
          db.prepare('DELETE FROM sqlite_schema WHERE name = ?').run(TABLE);
        }),
    ],
    [
      'has a version that FTS5 does not know',
      (dir) => on(dir, (db) => void db.unsafeMode().exec(`UPDATE ${TABLE}_config SET v = 99 WHERE k = 'version'`)),
    ],
  ];

  it.each(states)('leaves nothing behind in the schema, and can be made anew, where it %s', async (_, bring) => {
    const dir = await unpacked(FIXTURE);
    const others = rowsOf(dir, [TABLE, ...ownTablesOf(TABLE)]);
    bring(dir);
    expect(madeAnew(dir)).toEqual([]);
    expect(on(dir, checkFullText)).toEqual([]);
    expect(rowsOf(dir, [TABLE, ...ownTablesOf(TABLE)])).toEqual(others);
    expect(on(dir, (db) => damagedAmong(db, ownTablesOf(TABLE)))).toEqual([]);
  });

  it('gives damaged pages up, until a VACUUM', async () => {
    const dir = await unpacked(FIXTURE);
    damagedPage(dir, `${TABLE}_data`);
    madeAnew(dir);
    const integrity = (): unknown => on(dir, (db) => db.pragma('integrity_check', { simple: true }));
    expect(integrity()).toContain('never used');
    on(dir, (db) => void db.exec('VACUUM'));
    expect(integrity()).toBe('ok');
  });

  it('is there again where the transaction is rolled back', async () => {
    const dir = await unpacked(FIXTURE);
    damagedPage(dir, `${TABLE}_idx`);
    const names = (): readonly string[] => on(dir, (db) => db.prepare<[], string>(NAMES).pluck().all());
    const before = names();
    expect(() =>
      on(dir, (db) =>
        inExclusiveTransaction(db, () => {
          dropFullTextTable(db, TABLE, [`${TABLE}_idx`]);
          throw new Error('changed my mind');
        }),
      ),
    ).toThrow('changed my mind');
    expect(names()).toEqual(before);
  });
});

describe('FTS5', () => {
  const dataPages = `SELECT ncell FROM dbstat WHERE name = '${TABLE}_data' AND aggregate = TRUE`;

  it('writes what it holds in memory when it is told to', async () => {
    const dir = await unpacked(FIXTURE);
    const [held, written, committed] = on(dir, (db) => {
      const rows = db.prepare<[], bigint>(dataPages).pluck();
      const within = inExclusiveTransaction(db, () => {
        db.exec(`DROP TABLE ${TABLE}; ${CREATE}; ${FILL}`);
        const before = rows.get();
        flushFullTextTable(db, TABLE);
        return [before, rows.get()];
      });
      return [...within, rows.get()];
    });
    expect(written).toBeGreaterThan(Number(held));
    expect(written).toBe(committed);
  });

  it('merges an index of several pieces, and says when there is nothing to merge', async () => {
    const dir = await unpacked(FIXTURE);
    const merge = (): boolean => on(dir, (db) => inExclusiveTransaction(db, () => optimizeFullTextTable(db, TABLE)));
    expect([merge(), merge()]).toEqual([true, false]);
    expect(on(dir, checkFullText)).toEqual([]);
  });
});
