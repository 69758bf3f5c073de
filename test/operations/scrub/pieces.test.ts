import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endOf, isSearchable, PIECE_BYTES, piecesOf } from '../../../src/operations/scrub/pieces.ts';

/** Bytes of which any sixteen in a row say something. */
const telling = fc
  .array(fc.integer({ min: 0, max: 239 }), { minLength: PIECE_BYTES, maxLength: 400 })
  .map((values) => Buffer.from(values.map((value, at) => (at % 8 < 6 ? 240 + (at % 8) : value))));

describe('the pieces of a text', () => {
  it('are pieces of it, of which one is whole in any part that is long enough', () => {
    const part = fc.nat(400);
    fc.assert(
      fc.property(telling, part, (form, at) => {
        const pieces = piecesOf(form).map(({ bytes }) => bytes);
        for (const piece of pieces) expect([piece.length, form.includes(piece)]).toEqual([PIECE_BYTES, true]);
        const from = Math.min(at, Math.max(form.length - (2 * PIECE_BYTES - 1), 0));
        const some = form.subarray(from, from + 2 * PIECE_BYTES - 1);
        expect(pieces.some((piece) => some.includes(piece))).toBe(true);
        expect(form.subarray(-PIECE_BYTES).equals(pieces.at(-1) ?? Buffer.alloc(0))).toBe(true);
      }),
    );
  });

  it('can be left out every second one, again and again, but for the first and the last', () => {
    const form = Buffer.from(Array.from({ length: 500 }, (_, at) => `word${at} `).join(''));
    const ranks = piecesOf(form).map(({ rank }) => rank);
    expect(ranks.slice(0, 9)).toEqual([31, 0, 1, 0, 2, 0, 1, 0, 3]);
    expect(ranks.at(-1)).toBe(31);
  });

  it('are none where a text says too little', () => {
    expect(['', 'short', ' '.repeat(500), 'ababababababababab'].filter(isSearchable)).toEqual([]);
    expect(isSearchable('the quick brown fox')).toBe(true);
  });

  it('pass over what says nothing', () => {
    const pieces = piecesOf(Buffer.from(`${'-'.repeat(30)}the quick brown fox`));
    expect(pieces.map(({ bytes }) => bytes.toString())).toEqual(['e quick brown fo', ' quick brown fox']);
    // The first one that says something is kept as the first of all is.
    expect(pieces.map(({ rank }) => rank)).toEqual([31, 31]);
  });
});

describe('the end of a form', () => {
  it('is its last piece, or none where it is too short', () => {
    expect(endOf(Buffer.from('"title": "a short one"')).map(({ bytes }) => bytes.toString())).toEqual([
      '": "a short one"',
    ]);
    expect(endOf(Buffer.from('"a": "b"'))).toEqual([]);
  });
});
