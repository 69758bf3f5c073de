/**
 * fts rebuild, inside the transaction: the table is dropped, created in the words of Chroma's own migration, and filled
 * from the documents, never from the old table.
 */
import { copyDocuments, eachDocument } from '../../chroma/documents.ts';
import { askFullText, countPhrases, wrongAnswer, type Answer } from '../../chroma/full-text-queries.ts';
import { countFullTextRows, fullTextDifferences } from '../../chroma/full-text.ts';
import type { Schema } from '../../chroma/model.ts';
import type { PersistDir } from '../../chroma/persist-dir.ts';
import { MaintError, systemErrorCode } from '../../errors.ts';
import { checkFullText } from '../../sqlite/full-text-check.ts';
import { dropFullTextTable, flushFullTextTable } from '../../sqlite/full-text-table.ts';
import type { Database } from '../../sqlite/open.ts';
import type { Observer } from '../observer.ts';
import type { FullTextState, IndexWork } from './plan.ts';
import { hitsOf, samplePhrases, type Sample } from './sample.ts';

/** What FTS5 answers from an index that it cannot read, or not open. Neither spoils the transaction. */
const CANNOT_ANSWER: readonly (string | undefined)[] = ['SQLITE_CORRUPT_VTAB', 'SQLITE_ERROR'];

/** Makes the index anew and verifies it. Throws where it is not what it should be. */
export function rebuildIndex(db: Database, { index, schema, dir }: IndexWork, { onStage, onBytes }: Observer): Sample {
  const { declaration, documents, documentBytes, damaged } = index;
  onStage('asking');
  const phrases = samplePhrases(db);
  const before = askOldIndex(db, index, phrases);
  onStage('indexing');
  dropFullTextTable(db, declaration.table, damaged);
  db.exec(declaration.sql);
  copyDocuments(db, declaration, (done) => onBytes(Math.floor((documentBytes * done) / documents), documentBytes));
  flushFullTextTable(db, declaration.table);
  onStage('asking');
  const present = countPhrases(eachDocument(db), phrases);
  const problem = problemIn(db, schema, documents) ?? wrongAnswer(present, askFullText(db, declaration, phrases));
  if (problem !== null) throw notAsItShouldBe(dir, problem);
  return {
    queries: phrases.length,
    hits: present.reduce((sum, each) => sum + each, 0),
    before: before === null ? null : hitsOf(before),
  };
}

/** What the old index answers; null where there is none, or none that FTS5 can read. */
function askOldIndex(
  db: Database,
  { declaration, reading, damaged }: FullTextState,
  phrases: readonly string[],
): readonly Answer[] | null {
  if (reading.kind === 'missing' || damaged.length > 0) return null;
  try {
    return askFullText(db, declaration, phrases);
  } catch (error) {
    if (!CANNOT_ANSWER.includes(systemErrorCode(error))) throw error;
    return null;
  }
}

/** What is wrong with the new table, in words; null where it has exactly the documents and FTS5 finds no fault in it. */
function problemIn(db: Database, schema: Schema, documents: number): string | null {
  const [fault] = checkFullText(db);
  if (fault !== undefined) return fault;
  const { rows, orphans } = countFullTextRows(db, schema);
  const { missing, differing, surplus } = fullTextDifferences(db, schema);
  if (rows === documents && orphans + missing + differing + surplus === 0) return null;
  return `it has ${rows} rows of ${documents} documents: ${missing} are missing, ${differing} differ, ${surplus + orphans} are too many`;
}

function notAsItShouldBe({ given }: PersistDir, problem: string): MaintError {
  return new MaintError('FAILED', {
    message: `the full-text index that was made anew is not what it should be: ${given}`,
    details: [problem, 'it was rolled back'],
    hint: 'please report this with the lines above; chroma-maint inspect --redact shows the directory without names',
  });
}
