/**
 * How a text stands in the files of a persist directory. In `embedding_metadata` and the full-text table it is UTF-8; in
 * the metadata of a queue row it is part of a JSON text, which Python writes in ASCII (json.dumps, up to 0.6.3) and Rust
 * in UTF-8 (serde_json, from 1.0.0 on).
 */

const NOT_ASCII = /[\u007f-\uffff]/g;

/** The different byte strings that `text` is stored as. */
export function storedForms(text: string): readonly Buffer[] {
  return different([text, byRust(text), byPython(text)]);
}

/** Characters of a text by which it is told from others, once its key stands before them. */
const BEGINNING = 16;

/**
 * The different byte strings that `text` begins with under its key: in a row of `embedding_metadata` the value follows
 * the key, and in a queue row it is a member of a JSON object. All of a text of up to 16 characters, its closing quote
 * included.
 */
export function formsUnderKey(key: string, text: string): readonly Buffer[] {
  const [beginning, quote] = text.length > BEGINNING ? [text.slice(0, BEGINNING), ''] : [text, '"'];
  return different([
    `${key}${beginning}`,
    `"${byRust(key)}":"${byRust(beginning)}${quote}`,
    `"${byPython(key)}": "${byPython(beginning)}${quote}`,
  ]);
}

function byRust(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function byPython(text: string): string {
  return byRust(text).replaceAll(NOT_ASCII, escaped);
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function different(forms: readonly string[]): readonly Buffer[] {
  return [...new Set(forms)].map((form) => Buffer.from(form, 'utf8'));
}
