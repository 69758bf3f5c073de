/**
 * The sample of queries that a full-text index is asked before and after it is worked on.
 */
import { readDocuments, sampleDocuments } from '../../chroma/documents.ts';
import { choosePhrases, type Answer } from '../../chroma/full-text-queries.ts';
import type { Database } from '../../sqlite/open.ts';

export interface Sample {
  readonly queries: number;
  /** Hits of all queries together, now. Each of them is right, and none is missing. */
  readonly hits: number;
  /** The same before; null where the old index could not answer. */
  readonly before: Hits | null;
}

export interface Hits {
  readonly found: number;
  /** Those whose record exists and has the phrase in its document. */
  readonly correct: number;
}

const QUERIES = 50;

/** Phrases that stand in the documents, evenly spread over the collections; the same from the same directory. */
export function samplePhrases(db: Database): readonly string[] {
  return choosePhrases(readDocuments(db, sampleDocuments(db, QUERIES)));
}

export function hitsOf(answers: readonly Answer[]): Hits {
  const sum = (measure: (answer: Answer) => number): number =>
    answers.reduce((total, answer) => total + measure(answer), 0);
  return { found: sum(({ found }) => found), correct: sum(({ correct }) => correct) };
}
