/**
 * How a text stands in the files of a persist directory. In `embedding_metadata` and the full-text table it is UTF-8; in
 * the metadata of a queue row it is part of a JSON text, which Python writes in ASCII (json.dumps, up to 0.6.3) and Rust
 * in UTF-8 (serde_json, from 1.0.0 on).
 */

const NOT_ASCII = /[\u007f-\uffff]/g;

/** The different byte strings that `text` is stored as. */
export function storedForms(text: string): readonly Buffer[] {
  const byRust = JSON.stringify(text).slice(1, -1);
  const byPython = byRust.replaceAll(NOT_ASCII, escaped);
  return [...new Set([text, byRust, byPython])].map((form) => Buffer.from(form, 'utf8'));
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
