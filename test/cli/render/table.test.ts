import * as fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { bar } from '../../../src/cli/render/bar.ts';
import {
  cut,
  fittingColumns,
  labelledHard,
  tableLines,
  unbroken,
  wrapped,
  type Column,
  type RankedColumn,
} from '../../../src/cli/render/table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'collection', align: 'left', fit: 'cut' },
  { title: 'rows', align: 'right' },
  { title: 'bytes', align: 'right' },
  { title: 'why', align: 'left', fit: 'wrap' },
];
const SENTENCE = 'its index was never saved: the WAL is the only copy of its vectors, so nothing of it is deleted';
const NAMES = [
  'notes',
  '日本語のコレクション'.repeat(6),
  '🚀🎉'.repeat(20),
  'e\u0301'.repeat(50),
  'x'.repeat(200),
  'größe',
  '',
];

/** What collections are called in the world: letters, wide letters, emoji with and without selector, accents. */
const names = fc.string({
  unit: fc.constantFrom('a', 'Z', '-', '日', '한', 'が', '🚀', '❤️', 'e\u0301', 'ß'),
  maxLength: 80,
  size: 'max',
});

function rowsNamed(all: readonly string[]): readonly (readonly string[])[] {
  return all.map((name, at) => [name, String(10 ** at), `${at}.0 MiB`, at % 2 === 0 ? SENTENCE : '']);
}

/** Column at which the text ends that is aligned to the right under `title`. */
function endOf(line: string, text: string): number {
  return stringWidth(line.slice(0, line.indexOf(text) + text.length));
}

describe('a table', () => {
  it.each([80, 120])('is never wider than a terminal of %i columns, whatever the names', (width) => {
    const lines = tableLines(COLUMNS, rowsNamed(NAMES), width);
    expect(lines.filter((line) => stringWidth(line) > width)).toEqual([]);
    expect(lines.length).toBeGreaterThan(NAMES.length);
  });

  it('is never wider than its terminal at any width from 60 to 140, with random names', () => {
    fc.assert(
      fc.property(fc.array(names, { maxLength: 6 }), fc.integer({ min: 60, max: 140 }), (some, width) => {
        const lines = tableLines(COLUMNS, rowsNamed(some), width);
        expect(lines.filter((line) => stringWidth(line) > width)).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });

  it('aligns its columns under their titles, wide characters counted as two', () => {
    const rows = [
      ['notes', '1', '2.0 MiB', ''],
      ['日本語', '1,254', '776.5 MiB', ''],
      ['🚀', '12', '0 B', ''],
    ];
    const [header = '', ...lines] = tableLines(COLUMNS, rows, 80);
    for (const [at, line] of lines.entries()) {
      expect(endOf(line, rows[at]?.[2] ?? '')).toBe(endOf(header, 'bytes') + '776.5 MiB'.length - 'bytes'.length - 4);
    }
  });

  it('leaves names whole where there is room, and cuts them in the middle where there is none', () => {
    const name = `start-${'x'.repeat(60)}-end`;
    const wide = tableLines(COLUMNS, [[name, '1', '1 B', '']], 120);
    const narrow = tableLines(COLUMNS, [[name, '1', '1 B', '']], 60);
    expect(wide[1]).toContain(name);
    expect(narrow[1]).not.toContain(name);
    expect(narrow[1]).toMatch(/^ {2}start-x+…x+-end/);
    expect(stringWidth(narrow[1] ?? '')).toBeLessThanOrEqual(60);
  });

  it('wraps sentences in their own column before it cuts names, and loses no word', () => {
    const lines = tableLines(COLUMNS, [['notes', '1', '1 B', SENTENCE]], 80);
    const [header = '', ...rest] = lines;
    const column = header.indexOf('why');
    expect(rest.length).toBeGreaterThan(1);
    expect(rest.map((line) => line.slice(column)).join(' ')).toBe(SENTENCE);
    expect(rest.slice(1).every((line) => line.slice(0, column).trim() === '')).toBe(true);
  });

  it('keeps its numbers below each other where names of wide letters are cut', () => {
    fc.assert(
      fc.property(fc.array(names, { minLength: 1, maxLength: 6 }), fc.integer({ min: 40, max: 140 }), (some, width) => {
        const rows = some.map((name) => [name, '1', '1 B']);
        const widths = tableLines(COLUMNS.slice(0, 3), rows, width).map((line) => stringWidth(line));
        expect(new Set(widths).size).toBe(1);
        expect(widths[0]).toBeLessThanOrEqual(width);
      }),
      { numRuns: 1000 },
    );
  });

  it('ends no line with spaces, and has a header even without rows', () => {
    expect(tableLines(COLUMNS, [], 80)).toHaveLength(1);
    for (const line of tableLines(COLUMNS, rowsNamed(NAMES), 80)) expect(line).toBe(line.trimEnd());
  });

  it('keeps its numbers whole, even on a terminal that is too narrow for them', () => {
    const lines = tableLines(COLUMNS, [['a collection with a name', '1,234,567,890', '776.5 MiB', SENTENCE]], 20);
    expect(lines.join('\n')).toContain('1,234,567,890  776.5 MiB');
  });
});

describe('cutting', () => {
  it('keeps both ends and never exceeds the width', () => {
    expect(cut('abcdefghij', 5)).toBe('ab…ij');
    expect(cut('abcde', 5)).toBe('abcde');
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 40 }), (text, width) => {
        expect(stringWidth(cut(text, width))).toBeLessThanOrEqual(width);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('wrapping', () => {
  it('indents every line and breaks no word and no fact', () => {
    const facts = unbroken(['1,254 rows', '776.5 MiB of 1.14 GiB', 'held back by vector']);
    const lines = wrapped(facts, 40, '    ');
    expect(lines.every((line) => line.startsWith('    ') && stringWidth(line) <= 40)).toBe(true);
    expect(lines.map((line) => line.trim()).join(' ')).toBe('1,254 rows · 776.5 MiB of 1.14 GiB · held back by vector');
    expect(lines.some((line) => line.includes('776.5 MiB of 1.14 GiB'))).toBe(true);
  });

  it('does not break a path that is longer than the line, so that it can be copied', () => {
    const path = `/srv/${'directory/'.repeat(20)}chroma.sqlite3`;
    expect(wrapped(`the file is ${path} and large`, 80).join('\n')).toContain(path);
  });
});

describe('a bar', () => {
  it('has an eighth of a column for the smallest share, nothing for none, and the width for all', () => {
    expect([bar(0, 20), bar(1e-9, 20), bar(0.5, 4), bar(1, 4)]).toEqual(['', '▏', '██', '████']);
  });

  it('grows with its share, never beyond its width', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(share, share, fc.integer({ min: 1, max: 60 }), (a, b, width) => {
        const [small, large] = [bar(Math.min(a, b), width), bar(Math.max(a, b), width)];
        expect(stringWidth(large)).toBeLessThanOrEqual(width);
        expect(stringWidth(small)).toBeLessThanOrEqual(stringWidth(large));
        expect(small === '').toBe(Math.min(a, b) === 0);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('columns of which some may be left out', () => {
  const ranked: readonly RankedColumn[] = [
    { title: 'a', align: 'right', rank: 0 },
    { title: 'bb', align: 'left', fit: 'cut', rank: 3 },
    { title: 'ccc', align: 'left', rank: 1 },
    { title: 'd', align: 'left', fit: 'cut', rank: 2 },
  ];
  const rows = [['12345', 'x'.repeat(40), 'three', 'y'.repeat(8)]];

  // 2 before the first, 2 between each: 5, then 5 of rank 1, 8 of rank 2, 10 of rank 3.
  it.each([
    [38, [0, 1, 2, 3]],
    [36, [0, 1, 2, 3]],
    [35, [0, 2, 3]],
    [24, [0, 2, 3]],
    [23, [0, 2]],
    [14, [0, 2]],
    [13, [0]],
    [1, [0]],
  ])('of %i columns of the terminal keep the lowest ranks, in their order', (width, places) => {
    expect(fittingColumns(ranked, rows, width)).toEqual(places);
    const shown = rows.map((row) => places.map((at) => row[at] ?? ''));
    const lines = tableLines(
      places.flatMap((at) => ranked[at] ?? []),
      shown,
      width,
    );
    // One column has to stay, however narrow the terminal is.
    expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(Math.max(width, 7));
  });

  it('do not go on past one that does not fit to a narrower one behind it', () => {
    const columns = ranked.map((each) => (each.title === 'ccc' ? { ...each, title: 'c'.repeat(90) } : each));
    expect(fittingColumns(columns, rows, 80)).toEqual([0]);
  });
});

describe('text behind a label', () => {
  it('is broken where one word is longer than the line', () => {
    const lines = labelledHard('id', 'x'.repeat(100), 60, 14);
    expect(lines.map((line) => line.length)).toEqual([60, 60, 22]);
    expect(lines[0]).toMatch(/^ {2}id {10}x/);
    expect(lines[1]).toMatch(/^ {14}x/);
  });
});
