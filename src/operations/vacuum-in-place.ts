/**
 * SQLite's own VACUUM, and the trace that Chroma leaves of one.
 */
import type { Database } from '../sqlite/open.ts';

const VACUUM = 'VACUUM';
const HAS_LOG = "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = 'maintenance_log'";
// As Chroma writes it, after a VACUUM only: the id stays NULL (0.6.3 chromadb/cli/cli.py, 1.5.9 rust/cli vacuum.rs).
const LOG = "INSERT INTO maintenance_log (operation, timestamp) VALUES ('vacuum', CURRENT_TIMESTAMP)";

/**
 * Rewrites the database without its free pages. Atomic: SQLite copies into a temporary file and back under a rollback
 * journal, so a kill at any moment leaves the old content.
 */
export function vacuumInPlace(db: Database): void {
  db.exec(VACUUM);
  const tables = db.prepare<[], bigint>(HAS_LOG).pluck().get();
  if (tables === 1n) db.prepare(LOG).run();
}
