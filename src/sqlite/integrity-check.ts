import { messageOf, systemErrorCode } from '../errors.ts';
import { quickCheck } from './quick-check.ts';
import type { Database } from './open.ts';

const WHOLE = 'SELECT integrity_check AS problem FROM pragma_integrity_check';
const OF_TABLE = 'SELECT integrity_check AS problem FROM pragma_integrity_check(?)';
const FULL_TEXT = "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage = 0 AND sql LIKE '%USING fts5%'";
const SOUND = 'ok';

/** What SQLite says is wrong, a line each; nothing where all is sound. */
export interface IntegrityProblems {
  /** Pages, rows and indexes. */
  readonly database: readonly string[];
  /** Full-text tables whose index does not fit their content (FTS5's own check, part of SQLite's since 3.44). */
  readonly fullText: readonly string[];
}

/** Runs SQLite's integrity_check over the whole database, page by page and index entry by index entry. */
export function integrityCheck(db: Database): IntegrityProblems {
  const all = problems(() => db.prepare<[], string>(WHOLE).pluck().all());
  if (all.length === 0) return { database: [], fullText: [] };
  // Which of them are FTS5's is asked of SQLite, and not read from their words.
  const fullText = db
    .prepare<[], string>(FULL_TEXT)
    .pluck()
    .all()
    .flatMap((table) => problems(() => db.prepare<[string], string>(OF_TABLE).pluck().all(table)));
  return { database: all.filter((problem) => !fullText.includes(problem)), fullText };
}

/** The same without indexes and full text: in a tenth of the time. */
export function quickIntegrityCheck(db: Database): IntegrityProblems {
  return { database: quickCheck(db), fullText: [] };
}

function problems(ask: () => readonly string[]): readonly string[] {
  try {
    return ask().filter((answer) => answer !== SOUND);
  } catch (error) {
    // Where a page is damaged beyond its header the check gives up instead of answering.
    if (systemErrorCode(error)?.startsWith('SQLITE_CORRUPT') !== true) throw error;
    return [messageOf(error)];
  }
}
