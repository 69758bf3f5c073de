/**
 * Does the full-text index find what it should? A sample of phrases that stand in the documents, asked of the index in
 * the very words in which Chroma asks, and counted in the documents themselves.
 *
 * Chroma asks with LIKE, case-sensitively (PRAGMA case_sensitive_like of its every connection): up to 0.4.5 with ESCAPE
 * (0.4.3 chromadb/segment/impl/metadata/sqlite.py:442-456), which reads every row; from 0.4.6 on without (0.6.3
 * …/sqlite.py:574-585), which FTS5 answers from its trigrams; Rust with ESCAPE again (1.5.9
 * rust/segment/src/sqlite_metadata.rs `DocumentExpression`). A phrase without `%`, `_` and `\` means the same to all.
 * MATCH asks the trigrams of the first version as well, of whose index LIKE says nothing.
 */
import { quoted } from '../sqlite/copy.ts';
import type { Database } from '../sqlite/open.ts';
import type { FullTextDeclaration } from './full-text.ts';

/** Answers to one phrase. */
export interface Answer {
  /** Records that the index names. */
  readonly found: number;
  /** Those of them that exist and in whose document the phrase stands. */
  readonly correct: number;
  /** The same, where the trigrams are asked directly; null where there are none. */
  readonly byTrigrams: number | null;
}

/** Trigrams answer for three characters at least; the longer a phrase is, the fewer documents have it. */
const LENGTHS: readonly number[] = [12, 16, 8, 24];
const LEAST_LENGTH = 3;
/** Where to look for a phrase in a text: everywhere, but never at the same place twice in a row. */
const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2;
/** UTF-16 units that are looked at for one phrase. */
const WINDOW = 200;

const DOCUMENTS_OF = `
  LEFT JOIN embeddings AS e ON e.id = hit.record
  LEFT JOIN embedding_metadata AS d ON d.id = e.id AND d.key = 'chroma:document'`;

/** One phrase of each text, where it has one: without what LIKE takes for something else, and without controls. */
export function choosePhrases(texts: readonly string[]): readonly string[] {
  return texts.map(phraseIn).filter((phrase) => phrase !== null);
}

function phraseIn(text: string, at: number): string | null {
  const length = LENGTHS[at % LENGTHS.length] ?? LEAST_LENGTH;
  // Beyond a NUL character LIKE does not look.
  const visible = upToNul(text);
  const start = Math.floor(Math.max(visible.length - length, 0) * ((at * GOLDEN_RATIO) % 1));
  // Half of a character at the edge of the window is a surrogate, which \p{C} leaves out.
  const plain = new RegExp(`[^%_\\\\\\p{C}\\uFFFD]{${LEAST_LENGTH},${length}}`, 'u');
  return (plain.exec(visible.slice(start, start + WINDOW)) ?? plain.exec(visible.slice(0, WINDOW)))?.[0] ?? null;
}

function upToNul(text: string): string {
  const end = text.indexOf('\0');
  return end === -1 ? text : text.slice(0, end);
}

/** In how many of the `texts` each phrase stands, as LIKE sees it. One pass. */
export function countPhrases(texts: Iterable<string>, phrases: readonly string[]): readonly number[] {
  const counts = phrases.map(() => 0);
  for (const text of texts) {
    const visible = upToNul(text);
    for (const [at, phrase] of phrases.entries()) if (visible.includes(phrase)) counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts;
}

/**
 * Asks the index for each phrase: with LIKE as Chroma does, and where it consists of trigrams with MATCH as well. Fails
 * where FTS5 cannot read its index.
 */
export function askFullText(
  db: Database,
  { table, record, hasTrigrams }: FullTextDeclaration,
  phrases: readonly string[],
): readonly Answer[] {
  const hits = `SELECT DISTINCT ${record} AS record FROM ${quoted(table)} WHERE`;
  const escaped = record === 'id' ? "ESCAPE '\\'" : '';
  return withCaseSensitiveLike(db, () => {
    const byLike = asking(db, `${hits} string_value LIKE @pattern ${escaped}`);
    const byMatch = hasTrigrams ? asking(db, `${hits} string_value MATCH @match`) : null;
    return phrases.map((phrase) => {
      const { found, correct } = byLike(phrase);
      return { found, correct, byTrigrams: byMatch?.(phrase).correct ?? null };
    });
  });
}

/**
 * What is wrong with the answers, in words; null where the index names exactly the documents that have the phrase, and
 * with that every right one that it named before. `present` says in how many documents each phrase stands.
 */
export function wrongAnswer(present: readonly number[], answers: readonly Answer[]): string | null {
  const at = answers.findIndex(({ found, correct, byTrigrams }, each) => {
    // As many right ones as there are, and no others: so it is those.
    return found !== correct || correct !== present[each] || (byTrigrams ?? correct) !== correct;
  });
  const answer = answers[at];
  if (answers.length === present.length && answer === undefined) return null;
  const { found = 0, correct = 0, byTrigrams = null } = answer ?? {};
  const trigrams = byTrigrams === null ? '' : `, ${byTrigrams} by its trigrams`;
  return `query ${at + 1} of ${present.length} finds ${found} documents, ${correct} of them right${trigrams}, and ${present[at] ?? 0} have its phrase`;
}

/** Asks for a phrase. MATCH does not tell small letters from capital ones, so each answer is compared with its document. */
function asking(db: Database, hits: string): (phrase: string) => { readonly found: number; readonly correct: number } {
  const count = db.prepare<[object], { found: bigint; correct: bigint }>(
    `SELECT COUNT(*) AS found, COUNT(*) FILTER (WHERE d.string_value LIKE @pattern ESCAPE '\\') AS correct
     FROM (${hits}) AS hit ${DOCUMENTS_OF}`,
  );
  return (phrase) => {
    const match = `"${phrase.replaceAll('"', '""')}"`;
    const row = count.get(hits.includes('@match') ? { pattern: `%${phrase}%`, match } : { pattern: `%${phrase}%` });
    return { found: Number(row?.found ?? 0n), correct: Number(row?.correct ?? 0n) };
  };
}

/** Chroma's own setting of its every connection (0.4.0 chromadb/db/impl/sqlite.py). */
function withCaseSensitiveLike<T>(db: Database, work: () => T): T {
  db.pragma('case_sensitive_like = ON');
  try {
    return work();
  } finally {
    db.pragma('case_sensitive_like = OFF');
  }
}
