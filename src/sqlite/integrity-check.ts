import { messageOf } from '../errors.ts';
import { isDamage } from './errors.ts';
import { quickCheck } from './quick-check.ts';
import type { Database } from './open.ts';

const WHOLE = 'SELECT integrity_check AS problem FROM pragma_integrity_check';
const OF_TABLE = 'SELECT integrity_check AS problem FROM pragma_integrity_check(?)';
const STORED = "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0";
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
  const whole = answers(() => db.prepare<[], string>(WHOLE).pluck().all());
  if (whole.problems.length === 0) return { database: [], fullText: [] };
  // Which of them are FTS5's is asked of SQLite, and not read from their words.
  const fullText = tables(db, FULL_TEXT).flatMap((table) => ofTable(db, table).problems);
  const database = whole.problems.filter((problem) => !fullText.includes(problem));
  if (!whole.isGivenUp) return { database, fullText };
  const each = tables(db, STORED).flatMap((table) =>
    ofTable(db, table).problems.map((problem) => `${table}: ${problem}`),
  );
  return { database: each.length > 0 ? each : database, fullText };
}

/** The same without indexes and full text: in a tenth of the time. */
export function quickIntegrityCheck(db: Database): IntegrityProblems {
  return { database: answers(() => quickCheck(db)).problems, fullText: [] };
}

interface Answers {
  /** Nothing where all is sound. */
  readonly problems: readonly string[];
  /** True where SQLite threw instead of answering: a page is damaged beyond its header, a table cannot be opened. */
  readonly isGivenUp: boolean;
}

function ofTable(db: Database, table: string): Answers {
  return answers(() => db.prepare<[string], string>(OF_TABLE).pluck().all(table));
}

function tables(db: Database, names: string): readonly string[] {
  try {
    return db.prepare<[], string>(names).pluck().all();
  } catch (error) {
    if (!isDamage(error)) throw error;
    return [];
  }
}

function answers(ask: () => readonly string[]): Answers {
  try {
    return { problems: ask().filter((answer) => answer !== SOUND), isGivenUp: false };
  } catch (error) {
    if (!isDamage(error)) throw error;
    return { problems: [messageOf(error)], isGivenUp: true };
  }
}
