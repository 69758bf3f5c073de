/**
 * SQLite's own VACUUM, and the trace that Chroma leaves of one.
 */
import { readAutoVacuum, setAutoVacuum, type AutoVacuum } from '../sqlite/auto-vacuum.ts';
import type { Database } from '../sqlite/open.ts';

const VACUUM = 'VACUUM';

/**
 * Rewrites the database without its free pages, and as one that gives pages back as `autoVacuum` says; null leaves that
 * as it is. Atomic: SQLite copies into a temporary file and back under a rollback journal, so a kill at any moment
 * leaves the old content.
 */
export function vacuumInPlace(db: Database, autoVacuum: AutoVacuum | null): void {
  // On this very connection, which keeps it in mind until the VACUUM.
  if (autoVacuum !== null) setAutoVacuum(db, autoVacuum);
  db.exec(VACUUM);
  const setting = readAutoVacuum(db);
  if (autoVacuum !== null && setting !== autoVacuum)
    throw new Error(`the auto-vacuum of the database is ${setting} after the VACUUM, not ${autoVacuum}`);
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
