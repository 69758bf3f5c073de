/** Which documents of the queue a record still has, or will have: decided from a queue and the tables of a few records. */
import Sqlite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { documentOf, liveDocuments } from '../../src/chroma/live-documents.ts';
import { eachPage, EVERY_ROW, OPERATIONS } from '../../src/chroma/queue-rows.ts';
import { BEFORE_ALL, LARGEST } from '../../src/chroma/seq-id.ts';

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
  const isLive = liveDocuments(db, (topic) =>
    topic === 't' || topic === 't2' ? { metadataSegment: `s-${topic}`, position: POSITION } : null,
  );
  const question = { order: 'oldest-first', after: BEFORE_ALL, upTo: LARGEST, filter: EVERY_ROW } as const;
  const read = [...eachPage(db, { ...question, withVectors: false })].flat();
  const living = read.flatMap((row) => {
    const document = documentOf(row);
    return document !== null && isLive(row, document) ? [document] : [];
  });
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

describe('the document of a row', () => {
  it('is the last one where its metadata names several, as every reader of JSON has it', () => {
    expect(documentOf({ metadata: '{"chroma:document": "first", "chroma:document": "last"}' })).toBe('last');
  });

  it('is none where there is no metadata, no JSON, or no text', () => {
    for (const metadata of [
      null,
      '{}',
      '{"chroma:document": null}',
      '{"chroma:document": 1}',
      '{"chroma:document": "',
    ]) {
      expect(documentOf({ metadata })).toBeNull();
    }
    expect(documentOf({ metadata: '{"note": "chroma:document"}' })).toBeNull();
  });
});
