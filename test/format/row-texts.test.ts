/** Which texts of the queue a record still has, or will have: decided from a queue and the tables of a few records. */
import Sqlite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { eachRow, OPERATIONS } from '../../src/chroma/queue-rows.ts';
import { rowTexts, textsIn } from '../../src/chroma/row-texts.ts';

const TABLES = `
  CREATE TABLE embeddings_queue (seq_id INTEGER PRIMARY KEY, created_at TIMESTAMP, operation INTEGER, topic TEXT,
    id TEXT, vector BLOB, encoding TEXT, metadata TEXT);
  CREATE TABLE embeddings (id INTEGER PRIMARY KEY, segment_id TEXT, embedding_id TEXT);
  CREATE TABLE embedding_metadata (id INTEGER, key TEXT, string_value TEXT, PRIMARY KEY (id, key))`;

type Row = readonly [seqId: number, operation: string, id: string, document?: string | undefined, topic?: string];

/** The metadata segment of topic `t` stands at 5; `t2` has another, and nothing is known of the others. */
const POSITION = 5n;

/** Documents of rows that are told to be live, in the order of the rows. */
function livingIn(rows: readonly Row[], stored: Readonly<Record<string, string>>): readonly string[] {
  const db = new Sqlite(':memory:');
  db.defaultSafeIntegers(true);
  db.exec(TABLES);
  const insert = db.prepare("INSERT INTO embeddings_queue VALUES (?, '', ?, ?, ?, NULL, NULL, ?)");
  for (const [seqId, operation, id, document, topic = 't'] of rows) {
    const metadata = document === undefined ? null : JSON.stringify({ 'chroma:document': document });
    insert.run(seqId, OPERATIONS.indexOf(operation), topic, id, metadata);
  }
  for (const [id, text] of Object.entries(stored)) {
    const { lastInsertRowid } = db.prepare("INSERT INTO embeddings VALUES (NULL, 's-t', ?)").run(id);
    db.prepare("INSERT INTO embedding_metadata VALUES (?, 'chroma:document', ?)").run(lastInsertRowid, text);
  }
  const textsOf = rowTexts(db, (topic) =>
    topic === 't' || topic === 't2' ? { metadataSegment: `s-${topic}`, position: POSITION } : null,
  );
  const living = [...eachRow(db, 'oldest-first')].flatMap((row) =>
    textsOf(row).flatMap(({ text, isLive }) => (isLive ? [text] : [])),
  );
  db.close();
  return living;
}

describe('a row up to the position of the metadata segment', () => {
  it('has a document that lives where the record has that one, the last row included', () => {
    expect(
      livingIn(
        [
          [2, 'add', 'a', 'old'],
          [4, 'update', 'a', 'now'],
        ],
        { a: 'now' },
      ),
    ).toEqual(['now']);
    expect(livingIn([[5, 'add', 'a', 'ignored']], { a: 'now' })).toEqual([]);
    expect(livingIn([[5, 'add', 'a', 'now']], { a: 'now' })).toEqual(['now']);
  });

  it('has none where the record is gone, is one of another collection, or the collection is gone', () => {
    expect(
      livingIn(
        [
          [1, 'add', 'a', 'text'],
          [2, 'delete', 'a'],
        ],
        {},
      ),
    ).toEqual([]);
    expect(
      livingIn(
        [
          [1, 'add', 'a', 'text', 't2'],
          [2, 'add', 'a', 'text', 'gone'],
        ],
        { a: 'text' },
      ),
    ).toEqual([]);
  });

  it('has one that lives until a row that Chroma has not read yet deletes the record', () => {
    const rows: readonly Row[] = [
      [4, 'add', 'a', 'text'],
      [6, 'delete', 'a'],
    ];
    expect(livingIn(rows, { a: 'text' })).toEqual([]);
    expect(livingIn([...rows, [7, 'add', 'a', 'again']], { a: 'text' })).toEqual(['again']);
  });

  it('is not touched by the deletion of another record, or of that of another collection', () => {
    const rows: readonly Row[] = [
      [4, 'add', 'a', 'text'],
      [6, 'delete', 'b'],
      [7, 'delete', 'a', undefined, 't2'],
    ];
    expect(livingIn(rows, { a: 'text' })).toEqual(['text']);
  });
});

describe('a row above the position', () => {
  it('has a document that lives, whatever the record has now', () => {
    expect(
      livingIn(
        [
          [6, 'add', 'a', 'text'],
          [7, 'update', 'a', 'later'],
        ],
        { a: 'now' },
      ),
    ).toEqual(['text', 'later']);
  });

  it('has none once a later row deletes the record', () => {
    const rows: readonly Row[] = [
      [6, 'add', 'a', 'first'],
      [7, 'delete', 'a'],
      [8, 'upsert', 'a', 'second'],
    ];
    expect(livingIn(rows, {})).toEqual(['second']);
    expect(livingIn([...rows, [9, 'delete', 'a']], {})).toEqual([]);
  });
});

function keysAndTexts(metadata: string | null): readonly (readonly [string, string])[] {
  return textsIn(metadata).map(({ key, text }) => [key, text]);
}

describe('the texts of a row', () => {
  it('are all strings of its metadata, those in lists too, and nothing else', () => {
    const metadata = '{"title":"a","n":1,"tags":["b","c"],"sizes":[0,1],"x":NaN,"none":null,"chroma:document":"d"}';
    expect(keysAndTexts(metadata)).toEqual([
      ['title', 'a'],
      ['tags', 'b'],
      ['tags', 'c'],
      ['chroma:document', 'd'],
    ]);
  });

  it('are none where there is no metadata, no JSON, or no text', () => {
    for (const metadata of [
      null,
      '{}',
      '{"chroma:document": null}',
      '{"chroma:document": 1}',
      '{"chroma:document": "',
    ]) {
      expect(keysAndTexts(metadata)).toEqual([]);
    }
  });
});

describe('a value that is no document', () => {
  it('lives where the record has it under the same key, in a list too', () => {
    const db = new Sqlite(':memory:');
    db.defaultSafeIntegers(true);
    db.exec(TABLES);
    db.exec(`
      CREATE TABLE embedding_metadata_array (id INTEGER, key TEXT, string_value TEXT);
      INSERT INTO embeddings VALUES (1, 's', 'a');
      INSERT INTO embedding_metadata VALUES (1, 'email', 'new@example.org'), (1, 'copy', 'old@example.org');
      INSERT INTO embedding_metadata_array VALUES (1, 'tags', 'kept');
      INSERT INTO embeddings_queue (seq_id, operation, topic, id, metadata)
      VALUES (1, 0, 't', 'a', '{"email": "old@example.org", "tags": ["kept", "dropped"]}'),
        (2, 1, 't', 'a', '{"email": "new@example.org"}')`);
    const textsOfRow = rowTexts(db, () => ({ metadataSegment: 's', position: POSITION }));
    const told = [...eachRow(db, 'oldest-first')].flatMap((row) =>
      textsOfRow(row).map(({ text, isLive }) => [text, isLive]),
    );
    db.close();
    expect(told).toEqual([
      ['old@example.org', false],
      ['kept', true],
      ['dropped', false],
      ['new@example.org', true],
    ]);
  });
});
