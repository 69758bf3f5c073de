/**
 * fts optimize, inside the transaction: FTS5 merges its index.
 */
import { isDeepStrictEqual } from 'node:util';
import { askFullText } from '../../chroma/full-text-queries.ts';
import { systemErrorCode } from '../../errors.ts';
import { checkFullText } from '../../sqlite/full-text-check.ts';
import { optimizeFullTextTable } from '../../sqlite/full-text-table.ts';
import type { Database } from '../../sqlite/open.ts';
import type { Observer } from '../observer.ts';
import { indexDamaged, type IndexWork } from './plan.ts';
import { hitsOf, samplePhrases, type Sample } from './sample.ts';

/** Merges the index and verifies it; null where it is in one piece. Throws CORRUPT where it is damaged. */
export function optimizeIndex(db: Database, { index, dir }: IndexWork, { onStage }: Observer): Sample | null {
  const { declaration } = index;
  try {
    onStage('asking');
    const phrases = samplePhrases(db);
    const before = askFullText(db, declaration, phrases);
    onStage('merging');
    const isChanged = optimizeFullTextTable(db, declaration.table);
    onStage('asking');
    const [fault] = checkFullText(db);
    if (fault !== undefined) throw indexDamaged(dir, fault);
    if (!isChanged) return null;
    if (!isDeepStrictEqual(askFullText(db, declaration, phrases), before)) {
      throw indexDamaged(dir, 'it answers otherwise once it is merged');
    }
    const hits = hitsOf(before);
    return { queries: phrases.length, hits: hits.found, before: hits };
  } catch (error) {
    // A fault in what FTS5 has written into its pages; SQLite itself can read them.
    if (systemErrorCode(error) !== 'SQLITE_CORRUPT_VTAB') throw error;
    throw indexDamaged(dir, error instanceof Error ? error.message : '', error);
  }
}
