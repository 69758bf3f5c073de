/**
 * SQLite's own VACUUM, and the trace that Chroma leaves of one.
 */
import type { Database } from '../sqlite/open.ts';

const VACUUM = 'VACUUM';

/**
 * Rewrites the database without its free pages. Atomic: SQLite copies into a temporary file and back under a rollback
 * journal, so a kill at any moment leaves the old content.
 */
export function vacuumInPlace(db: Database): void {
  db.exec(VACUUM);
  logVacuum(db, 'main');
}

/** Writes the row that Chroma writes after a VACUUM only: the id stays NULL (0.6.3 chromadb/cli/cli.py, 1.5.9 rust/cli vacuum.rs). */
export function logVacuum(db: Database, schema: string): void {
  const table = db
    .prepare<[], bigint>(
      `SELECT COUNT(*) FROM ${schema}.sqlite_schema WHERE type = 'table' AND name = 'maintenance_log'`,
    )
    .pluck()
    .get();
  if (table !== 1n) return;
  db.exec(`INSERT INTO ${schema}.maintenance_log (operation, timestamp) VALUES ('vacuum', CURRENT_TIMESTAMP)`);
}
