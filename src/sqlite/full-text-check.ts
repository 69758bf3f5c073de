import { messageOf, systemErrorCode } from '../errors.ts';
import { quoted } from './copy.ts';
import type { Database } from './open.ts';

const FULL_TEXT_TABLES =
  "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage = 0 AND sql LIKE '%USING fts5%' ORDER BY name";

/**
 * Has FTS5 compare the index of each full-text table with its content, and returns what it complains about, nothing
 * where all is sound. Needs a connection that may write, and writes nothing (sqlite.org/fts5.html §6.4).
 */
export function checkFullText(db: Database): readonly string[] {
  return db
    .prepare<[], string>(FULL_TEXT_TABLES)
    .pluck()
    .all()
    .flatMap((table) => {
      try {
        const name = quoted(table);
        db.prepare(`INSERT INTO ${name} (${name}) VALUES ('integrity-check')`).run();
        return [];
      } catch (error) {
        if (systemErrorCode(error)?.startsWith('SQLITE_') !== true) throw error;
        return [`${table}: ${messageOf(error)}`];
      }
    });
}
