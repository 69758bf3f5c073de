/** What is told of where pieces of texts were found. */
import { describe, expect, it } from 'vitest';
import type { Sought } from '../../../src/operations/scrub/sought.ts';
import { traceBook, type Place } from '../../../src/operations/scrub/traces.ts';
import { collectWindows } from '../../../src/operations/scrub/windows.ts';

/** Two pieces of each of four texts, of which the first two are phrases. Window 2n and 2n + 1 are of text n. */
function sought(): Sought {
  const collector = collectWindows();
  for (let window = 0; window < 8; window += 1) {
    collector.add(Buffer.from(`piece number ${window}..`), Math.floor(window / 2));
  }
  return { windows: collector.finish(), phrases: 2, counts: { texts: 2, tooShort: 0, rowsBeyond: 0 } };
}

const FILE: Place = { kind: 'file', root: null, path: 'file' };
const LIVE: Place = { kind: 'live' };
const LEFT: Place = { kind: 'left-behind' };

describe('a file', () => {
  it('has as many deleted texts as it has pieces of, and phrases by their numbers in order', () => {
    const book = traceBook(sought());
    for (const window of [6, 2, 7, 0, 4, 6]) book.note(FILE, window);
    expect(book.result().traces).toEqual([{ place: FILE, texts: 2, phrases: [1, 2] }]);
  });

  it('is not named for a piece that lives, whenever that turns out, but for another of the same text', () => {
    const book = traceBook(sought());
    book.note(FILE, 4);
    book.note(LIVE, 4);
    expect(book.result()).toEqual({ traces: [], indistinct: 0 });
    book.note(FILE, 5);
    expect(book.result().traces).toEqual([{ place: FILE, texts: 1, phrases: [] }]);
  });
});

describe('texts that cannot be told from what lives', () => {
  it('are those of which every piece lives; a phrase is none of them, and named where it is', () => {
    const book = traceBook(sought());
    for (const window of [0, 1, 4, 5, 6]) book.note(LIVE, window);
    expect(book.result()).toEqual({ traces: [{ place: LIVE, texts: 0, phrases: [1] }], indistinct: 1 });
  });
});

describe('the database file', () => {
  it('has in its free space what stands in no row', () => {
    const book = traceBook(sought());
    book.noteRow(LEFT);
    book.note(LEFT, 4);
    book.note(LIVE, 2);
    for (const window of [2, 4, 6, 7]) book.noteInDatabase(window);
    expect(book.result().traces).toEqual([
      { place: LEFT, texts: 1, phrases: [] },
      { place: LIVE, texts: 0, phrases: [2] },
      { place: { kind: 'free-space' }, texts: 1, phrases: [] },
    ]);
  });
});
