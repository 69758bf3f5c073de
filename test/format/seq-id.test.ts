import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import Database from 'better-sqlite3';
import { decodeSeqId, largest, NO_ROW, poisonedFrom, seqId, smallest } from '../../src/chroma/seq-id.ts';
import { unpacked } from '../support/fixtures.ts';
import { withDatabase } from '../support/state.ts';
import { LARGEST, positions, RUNS } from './arbitraries.ts';

/** `value` as `width` bytes, the most significant first. */
function bigEndian(value: bigint, width: number): Uint8Array {
  return Uint8Array.from(Buffer.from(value.toString(16).padStart(width * 2, '0'), 'hex'));
}

describe('decoding a stored seq_id', () => {
  it('returns an INTEGER as it is', () => {
    fc.assert(
      fc.property(positions, (value) => {
        expect(decodeSeqId(value)).toEqual({ kind: 'seq-id', seqId: value, storedAs: 'integer' });
      }),
      RUNS,
    );
  });

  it.each([8, 24])('reads a BLOB of %i bytes as a big-endian number', (width) => {
    fc.assert(
      fc.property(positions, (value) => {
        expect(decodeSeqId(bigEndian(value, width))).toEqual({ kind: 'seq-id', seqId: value, storedAs: 'blob' });
      }),
      RUNS,
    );
  });

  it('reads the bytes that SQLite hands out, a Buffer that is a part of a larger one', () => {
    const whole = Buffer.from('ffff0000000000000406ffff', 'hex');
    expect(decodeSeqId(whole.subarray(2, 10))).toMatchObject({ seqId: 0x406n });
  });

  it.each([
    [0n, 'the value 0'],
    [-1n, 'the value -1'],
    [LARGEST + 1n, 'more than SQLite can count to'],
    [bigEndian(0n, 8), 'the value 0'],
    [bigEndian(2n ** 63n, 8), 'more than SQLite can count to'],
    [bigEndian(2n ** 191n, 24), 'more than SQLite can count to'],
    [new Uint8Array(0), 'a BLOB of 0 bytes'],
    [new Uint8Array(7), 'a BLOB of 7 bytes'],
    [Buffer.from('1150'), 'a BLOB of 4 bytes'],
    [null, 'NULL'],
    ['1150', 'a TEXT'],
    [1150.5, 'a REAL'],
  ])('takes %s for invalid and says what it is', (stored, detail) => {
    expect(decodeSeqId(stored)).toMatchObject({ kind: 'invalid', detail: expect.stringContaining(detail) as string });
  });

  it('never throws, and believes nothing but a positive INTEGER or a BLOB of 8 or 24 bytes', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withTypedArray: true, withNullPrototype: true }), (stored) => {
        const decoded = decodeSeqId(stored);
        const canBe = typeof stored === 'bigint' || (stored instanceof Uint8Array && [8, 24].includes(stored.length));
        expect(decoded.kind === 'seq-id' && !canBe).toBe(false);
        expect(decoded.kind === 'seq-id' ? decoded.seqId > 0n && decoded.seqId <= LARGEST : true).toBe(true);
      }),
      RUNS,
    );
  });

  it('accepts every BLOB of the right width that stands for a rowid, and no other', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), (bytes) => {
        const value = BigInt(`0x0${Buffer.from(bytes).toString('hex')}`);
        const isRowid = [8, 24].includes(bytes.length) && value > 0n && value <= LARGEST;
        expect(decodeSeqId(bytes).kind).toBe(isRowid ? 'seq-id' : 'invalid');
      }),
      RUNS,
    );
  });
});

/** What migration metadb/5 makes of `stored`, asked of the migration itself. */
async function migrated(stored: readonly bigint[]): Promise<readonly bigint[]> {
  const dir = await unpacked('1.5.9-purge-on');
  const sql = withDatabase(dir, (db) =>
    db.prepare("SELECT sql FROM migrations WHERE dir = 'metadb' AND version = 5").pluck().get(),
  ) as string;
  const db = new Database(':memory:');
  db.defaultSafeIntegers(true);
  db.exec('CREATE TABLE max_seq_id (segment_id TEXT PRIMARY KEY, seq_id BLOB NOT NULL)');
  for (const [at, each] of stored.entries()) db.prepare('INSERT INTO max_seq_id VALUES (?, ?)').run(`${at}`, each);
  db.exec(sql);
  const made = db
    .prepare<[], bigint>('SELECT seq_id FROM max_seq_id ORDER BY CAST(segment_id AS INTEGER)')
    .pluck()
    .all();
  db.close();
  return made;
}

describe('a position that the upgrade to 1.0 has spoilt', () => {
  it('is known with the number that stood there, of which no more than 8 digits are left', async () => {
    const stored = [1n, 9n, 42n, 1150n, 99_999n, 1_234_567n, 12_345_678n, 9_876_543_210n];
    const told = (await migrated(stored)).map((each) => poisonedFrom(seqId(each)));
    expect(told).toEqual(['1', '9', '42', '1150', '99999', '1234567', '12345678', '76543210']);
  });

  it('is none that a WAL can reach, not even one that begins with the same digits', () => {
    for (const each of [1n, 0x1111n, 0x11111n, 0x1111_1130n, 0x111_1111_1111_1130n, LARGEST])
      expect(poisonedFrom(seqId(each))).toBeNull();
    fc.assert(
      fc.property(fc.bigInt(1n, 2n ** 56n), (each) => {
        expect(poisonedFrom(seqId(each))).toBeNull();
      }),
      RUNS,
    );
  });
});

describe('a seq_id', () => {
  it('is refused outside the range of a rowid, as a bug', () => {
    expect(() => seqId(-1n)).toThrow(RangeError);
    expect(() => seqId(LARGEST + 1n)).toThrow(RangeError);
    expect([seqId(0n), seqId(LARGEST)]).toEqual([NO_ROW, LARGEST]);
  });

  it('is the smallest or largest of a list whatever its order, beyond 2^53 too', () => {
    fc.assert(
      fc.property(fc.array(positions, { minLength: 1 }), (list) => {
        const [first = NO_ROW, ...rest] = list;
        const sorted = list.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
        expect([smallest(first, ...rest), largest(first, ...rest)]).toEqual([sorted[0], sorted.at(-1)]);
      }),
      RUNS,
    );
    expect(smallest(seqId(2n ** 53n + 1n), seqId(2n ** 53n))).toBe(2n ** 53n);
  });
});
