// Controls, invisible format characters (bidirectional marks, zero-width, BOM), line separators, lone surrogates.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * Makes text from a database or a command line safe for a terminal: control characters and escapes become visible
 * `\u{1b}`. A collection named with an escape sequence must not be able to repaint the plan that a person agrees to.
 */
export function printable(text: string): string {
  return text.replaceAll(UNPRINTABLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
