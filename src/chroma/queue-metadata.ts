/**
 * The metadata of a queue row: one JSON object, as Python or Rust wrote it. Python's has `NaN` and `Infinity` in it, which
 * JSON.parse refuses, and whole numbers beyond 2^53, which it rounds; so the members are told apart here, and each value
 * is left as the text that it is.
 */

/** A member of the object, its value unparsed. */
export interface StoredMember {
  readonly key: string;
  readonly value: string;
}

/** The key that the document is stored under, in every version. */
export const DOCUMENT_KEY = 'chroma:document';

/** The members in the order in which they were written; null where `text` is not one JSON object. */
export function membersOf(text: string): readonly StoredMember[] | null {
  const members: StoredMember[] = [];
  let at = skipSpace(text, 0);
  if (text[at] !== '{') return null;
  at = skipSpace(text, at + 1);
  if (text[at] === '}') return isEnd(text, at + 1) ? members : null;
  for (;;) {
    const keyEnd = stringEnd(text, at);
    const key = keyEnd === null ? null : stringOf(text.slice(at, keyEnd));
    if (keyEnd === null || key === null) return null;
    const colon = skipSpace(text, keyEnd);
    if (text[colon] !== ':') return null;
    const from = skipSpace(text, colon + 1);
    const to = valueEnd(text, from);
    if (to === null) return null;
    members.push({ key, value: text.slice(from, to) });
    at = skipSpace(text, to);
    if (text[at] === '}') return isEnd(text, at + 1) ? members : null;
    if (text[at] !== ',') return null;
    at = skipSpace(text, at + 1);
  }
}

/** The string that a JSON text is; null where it is anything else. */
export function stringOf(value: string): string | null {
  try {
    const parsed: unknown = JSON.parse(value);
    return typeof parsed === 'string' ? parsed : null;
  } catch {
    return null;
  }
}

function isEnd(text: string, at: number): boolean {
  return skipSpace(text, at) === text.length;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (' \t\n\r'.includes(text[at] ?? '-')) at += 1;
  return at;
}

/** Behind the closing quote of the string at `from`. Sought by its quotes: a document may have megabytes. */
function stringEnd(text: string, from: number): number | null {
  if (text[from] !== '"') return null;
  for (let quote = text.indexOf('"', from + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text[quote - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return quote + 1;
  }
  return null;
}

const SCALAR = /(?:-?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|Infinity)|NaN|true|false|null)(?=[\s,}\]]|$)/y;

/** Behind the value at `from`; null where none begins there, or where it does not end. */
function valueEnd(text: string, from: number): number | null {
  const first = text[from];
  if (first === '"') return stringEnd(text, from);
  if (first === '{' || first === '[') return bracketEnd(text, from);
  SCALAR.lastIndex = from;
  return SCALAR.test(text) ? SCALAR.lastIndex : null;
}

/** Behind the bracket that closes the one at `from`. What is between the two is only looked at for brackets and strings. */
function bracketEnd(text: string, from: number): number | null {
  const open: string[] = [];
  for (let at = from; at < text.length; at += 1) {
    const character = text[at] ?? '';
    if (character === '"') {
      const end = stringEnd(text, at);
      if (end === null) return null;
      at = end - 1;
    } else if (character === '{' || character === '[') {
      open.push(character === '{' ? '}' : ']');
    } else if (character === '}' || character === ']') {
      if (open.pop() !== character) return null;
      if (open.length === 0) return at + 1;
    }
  }
  return null;
}
