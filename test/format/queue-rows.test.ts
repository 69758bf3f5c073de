/** The pages that rows are read in, the members of their metadata, and the numbers of their vectors. */
import Sqlite from 'better-sqlite3';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { membersOf } from '../../src/chroma/queue-metadata.ts';
import { eachPage, EVERY_ROW, type RowQuestion } from '../../src/chroma/queue-rows.ts';
import { BEFORE_ALL, LARGEST } from '../../src/chroma/seq-id.ts';
import { dimensionOf, normOf, numbersOf } from '../../src/chroma/queue-vector.ts';
import type { Database } from '../../src/sqlite/open.ts';

const TABLE = `
  CREATE TABLE embeddings_queue (seq_id INTEGER PRIMARY KEY, created_at TIMESTAMP, operation INTEGER, topic TEXT,
    id TEXT, vector BLOB, encoding TEXT, metadata TEXT)`;

interface Row {
  readonly seqId: bigint;
  readonly bytes: number;
  readonly operation: number;
}

function queueOf(rows: readonly Row[]): Database {
  const db = new Sqlite(':memory:');
  db.defaultSafeIntegers(true);
  db.exec(TABLE);
  const insert = db.prepare(
    "INSERT INTO embeddings_queue VALUES (?, '2026-11-22 12:00:00', ?, 't', 'id', NULL, NULL, ?)",
  );
  for (const { seqId, bytes, operation } of rows) insert.run(seqId, BigInt(operation), 'x'.repeat(bytes));
  return db;
}

const queues = fc.uniqueArray(
  fc.record({
    seqId: fc.oneof(fc.bigInt(1n, 40n), fc.bigInt(-5n, 2n ** 40n), fc.constant(LARGEST)),
    bytes: fc.integer({ min: 0, max: 30 }),
    operation: fc.integer({ min: 0, max: 1 }),
  }),
  { selector: ({ seqId }) => seqId, maxLength: 40 },
);

const bounds = fc.oneof(fc.bigInt(-6n, 45n), fc.constant(LARGEST), fc.constant(BEFORE_ALL));

describe('pages', () => {
  it('have every row that was asked for once and in order, however large they are', () => {
    fc.assert(
      fc.property(
        queues,
        fc.record({ rows: fc.integer({ min: 1, max: 7 }), bytes: fc.integer({ min: 1, max: 60 }) }),
        fc.record({ after: bounds, upTo: bounds, isForward: fc.boolean(), isFiltered: fc.boolean() }),
        (rows, size, { after, upTo, isForward, isFiltered }) => {
          const db = queueOf(rows);
          const filter = { ...EVERY_ROW, operation: isFiltered ? 1 : null };
          const order = isForward ? 'oldest-first' : 'newest-first';
          const question: RowQuestion = { order, after, upTo, filter, withVectors: true };
          const pages = [...eachPage(db, question, size)];
          const expected = rows
            .filter(({ seqId, operation }) => seqId > after && seqId <= upTo && (!isFiltered || operation === 1))
            .map(({ seqId }) => seqId)
            .toSorted((a, b) => (a < b === isForward ? -1 : 1));
          expect(pages.flat().map(({ seqId }) => seqId)).toEqual(expected);
          expect(pages.every((page) => page.length > 0 && page.length <= size.rows)).toBe(true);
          for (const page of pages) {
            const before = page.slice(0, -1).reduce((sum, { metadata }) => sum + (metadata?.length ?? 0), 0);
            expect(before).toBeLessThan(size.bytes);
          }
          db.close();
        },
      ),
      { numRuns: 500 },
    );
  });

  it('hold nothing open at a yield', () => {
    const db = queueOf([1n, 2n, 3n].map((seqId) => ({ seqId, bytes: 1, operation: 0 })));
    const question = { order: 'newest-first', after: BEFORE_ALL, upTo: LARGEST, withVectors: false } as const;
    const seen: bigint[] = [];
    for (const page of eachPage(db, { ...question, filter: EVERY_ROW }, { rows: 1, bytes: 100 })) {
      seen.push(...page.map(({ seqId }) => seqId));
      // Refused by better-sqlite3 while a statement is being iterated over.
      db.exec('DELETE FROM embeddings_queue WHERE seq_id = 2');
    }
    expect(seen).toEqual([3n, 1n]);
    db.close();
  });
});

const json = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 2 }));

describe('the members of metadata', () => {
  it('are the keys in their order, and the text of each value', () => {
    fc.assert(
      fc.property(json, fc.constantFrom(undefined, 1, '\t'), (object, indent) => {
        const members = membersOf(JSON.stringify(object, null, indent));
        expect(members?.map(({ key }) => key)).toEqual(Object.keys(object));
        expect(members?.map(({ value }) => JSON.parse(value) as unknown)).toEqual(
          Object.values(JSON.parse(JSON.stringify(object)) as object),
        );
      }),
      { numRuns: 500 },
    );
  });

  it.each(['', ' ', '{', '}', '[]', '1', 'null', '"a"', '{"a"}', '{"a":}', '{"a":1', '{"a":1,}', '{"a":1}}', '{a:1}'])(
    'are not told of %j',
    (text) => expect(membersOf(text)).toBeNull(),
  );

  it.each(['{"a": 1 2}', '{"a": [}', '{"a": tru}', '{"a": 01x}', '{"a": "}', '{"a" 1}', '{"a": {"b": [1}]}', '{,}'])(
    'are not told of %j either',
    (text) => expect(membersOf(text)).toBeNull(),
  );

  it('may be what Python writes', () => {
    const text = '{"n": NaN, "i": Infinity, "j": -Infinity, "e": 1e-07, "big": 123456789012345678901, "s": "\\\\"}';
    expect(membersOf(text)?.map(({ value }) => value)).toEqual([
      'NaN',
      'Infinity',
      '-Infinity',
      '1e-07',
      '123456789012345678901',
      '"\\\\"',
    ]);
  });
});

/** Little endian, and not aligned, as what SQLite returns need not be. */
function floats(numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4 + 1);
  numbers.forEach((number, at) => bytes.writeFloatLE(number, at * 4 + 1));
  return bytes.subarray(1);
}

function row(vector: Buffer, encoding: string | null): Parameters<typeof normOf>[0] {
  return { vector, vectorBytes: vector.length, encoding };
}

describe('a vector', () => {
  it('has the numbers that its encoding says', () => {
    const stored = row(floats([3, 4, 0]), 'FLOAT32');
    expect([dimensionOf(stored), normOf(stored), numbersOf(stored), numbersOf(stored, 2)]).toEqual([
      3,
      5,
      [3, 4, 0],
      [3, 4],
    ]);
    const whole = row(Buffer.from([0xff, 0xff, 0xff, 0xff]), 'INT32');
    expect([dimensionOf(whole), normOf(whole), numbersOf(whole)]).toEqual([1, 1, [-1]]);
  });

  it('of bytes that do not fit, or of another encoding, has none', () => {
    for (const stored of [
      row(Buffer.alloc(6), 'FLOAT32'),
      row(Buffer.alloc(8), 'float32'),
      row(Buffer.alloc(8), null),
    ]) {
      expect([dimensionOf(stored), normOf(stored), numbersOf(stored)]).toEqual([null, null, null]);
    }
    const absent = { vector: null, vectorBytes: null, encoding: 'FLOAT32' };
    expect([dimensionOf(absent), normOf(absent), numbersOf(absent)]).toEqual([null, null, null]);
  });

  it('that is not finite has no length', () => {
    expect(normOf(row(floats([Number.NaN]), 'FLOAT32'))).toBeNull();
    expect(normOf(row(floats([Infinity, 1]), 'FLOAT32'))).toBeNull();
  });
});
