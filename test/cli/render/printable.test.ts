import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable } from '../../../src/cli/render/printable.ts';

describe('text for a terminal', () => {
  it.each([
    ['an escape sequence', '\u001b[2J\u001b[31mnotes', '\\u{1b}[2J\\u{1b}[31mnotes'],
    ['an 8-bit control sequence', '\u009b2Jnotes', '\\u{9b}2Jnotes'],
    ['a title that is set', '\u001b]0;x\u0007', '\\u{1b}]0;x\\u{7}'],
    ['a carriage return and a line feed', 'a\r\nb', 'a\\u{d}\\u{a}b'],
    ['a tab, a backspace, a NUL', 'a\tb\bc\0', 'a\\u{9}b\\u{8}c\\u{0}'],
    ['text turned around', 'a\u202Eb\u2066c', 'a\\u{202e}b\\u{2066}c'],
    ['invisible characters', 'a\u200Bb\uFEFFc\u00ADd', 'a\\u{200b}b\\u{feff}c\\u{ad}d'],
    ['line and paragraph separators', 'a\u2028b\u2029', 'a\\u{2028}b\\u{2029}'],
    ['a lone high surrogate', 'a\uD800b', 'a\\u{d800}b'],
    ['a lone low surrogate', '\uDC00', '\\u{dc00}'],
    ['a tag character above the first plane', 'a\u{E0041}', 'a\\u{e0041}'],
  ])('shows %s as what it is', (_, text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  it.each(['notes', 'größe', '日本語', '𐍈', '🚀', 'a b', '__proto__', 'persistent://default/default/x', ''])(
    'leaves %j as it is',
    (text) => {
      expect(printable(text)).toBe(text);
    },
  );

  it('holds nothing that a terminal obeys, is well formed, and does not change any more', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
        (text) => {
          const shown = printable(text);
          expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
          expect(printable(shown)).toBe(shown);
          expect(Buffer.from(shown).toString()).toBe(shown);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
