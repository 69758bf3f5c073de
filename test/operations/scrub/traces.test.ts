/** What is told of where pieces of texts were found. */
import { describe, expect, it } from 'vitest';
import { HIGHEST_RANK } from '../../../src/operations/scrub/pieces.ts';
import type { Sought } from '../../../src/operations/scrub/sought.ts';
import { traceBook, type Place } from '../../../src/operations/scrub/traces.ts';
import { collectWindows } from '../../../src/operations/scrub/windows.ts';

/** Two pieces of each of four texts, of which the first two are phrases. Window 2n and 2n + 1 are of text n. */
function sought(): Sought {
  const collector = collectWindows();
  for (let window = 0; window < 8; window += 1) {
    collector.add({ bytes: Buffer.from(`piece number ${window}..`), rank: HIGHEST_RANK }, Math.floor(window / 2));
  }
  const phrases = ['the first phrase', 'the second phrase'];
  return {
    windows: collector.finish(),
    phrases,
    short: new Set(),
    hasKeyed: false,
    counts: { texts: 2, rowsBeyond: 0 },
  };
}

const FILE: Place = { kind: 'file', root: null, path: 'file' };
const LIVE: Place = { kind: 'live' };
const LEFT: Place = { kind: 'left-behind' };
const NONE = { indistinct: 0, indistinctPhrases: [] };

describe('a file', () => {
  it('has as many deleted texts as it has pieces of, and phrases by their numbers in order', () => {
    const book = traceBook(sought());
    for (const window of [6, 2, 7, 0, 4, 6]) book.noteInFile(FILE, window);
    expect(book.result()).toEqual({ traces: [{ place: FILE, texts: 2, phrases: [1, 2] }], ...NONE });
  });

  it('is not named for a piece that lives, but for another of the same text', () => {
    const book = traceBook(sought());
    book.noteInRow(4, true);
    book.noteInFile(FILE, 4);
    expect(book.result()).toEqual({ traces: [], ...NONE });
    book.noteInFile(FILE, 5);
    expect(book.result().traces).toEqual([{ place: FILE, texts: 1, phrases: [] }]);
  });
});

describe('texts that cannot be told from what lives', () => {
  it('are those of which every piece does', () => {
    const book = traceBook(sought());
    for (const window of [4, 5, 6]) book.noteInRow(window, true);
    expect(book.result()).toEqual({ traces: [], indistinct: 1, indistinctPhrases: [] });
  });

  it('are no phrases that a row has as a whole', () => {
    const book = traceBook(sought());
    for (const window of [0, 1, 2, 3]) book.noteInRow(window, true);
    book.notePhrase(LIVE, 0);
    expect(book.result()).toEqual({
      traces: [{ place: LIVE, texts: 0, phrases: [1] }],
      indistinct: 0,
      indistinctPhrases: [2],
    });
  });
});

describe('the database file', () => {
  it('has in its free space what stands in no row', () => {
    const book = traceBook(sought());
    book.noteRow(LEFT);
    book.noteInRow(4, false);
    book.noteInRow(2, true);
    for (const window of [2, 4, 6, 7]) book.noteInDatabase(window);
    expect(book.result().traces).toEqual([
      { place: LEFT, texts: 1, phrases: [] },
      { place: { kind: 'free-space' }, texts: 1, phrases: [] },
    ]);
  });
});

it('a row has a phrase where it has all of it', () => {
  const book = traceBook(sought());
  book.noteInRow(0, false);
  book.noteInRow(2, false);
  book.notePhrase(LEFT, 1);
  expect(book.result().traces).toEqual([{ place: LEFT, texts: 0, phrases: [2] }]);
});
