import type { FindingTexts } from './kinds.ts';

export type PlaceFinding =
  | 'not-a-persist-dir'
  | 'unknown-migration'
  | 'half-run-migration'
  | 'hot-journal'
  | 'cold-journal'
  | 'write-ahead-file'
  | 'database-damaged'
  | 'not-one-regular-file'
  | 'foreign-owner'
  | 'network-file-system'
  | 'in-use'
  | 'processes-not-readable'
  | 'low-space'
  | 'changed-meanwhile';

/** The directory and its database as files: whether they can be read, written and trusted at all. */
export const PLACE_TEXTS: FindingTexts<PlaceFinding> = {
  'not-a-persist-dir': {
    severity: 'error',
    title: 'No Chroma database is here.',
    remedy: 'Name the directory that holds chroma.sqlite3: the one that Chroma got as --path or PERSIST_DIRECTORY.',
  },
  'unknown-migration': {
    severity: 'error',
    title: 'The schema is none that a known release of Chroma leaves behind.',
    remedy: 'Use a chroma-maint that knows this schema; until then leave the directory to Chroma itself.',
  },
  'half-run-migration': {
    severity: 'error',
    title: 'An upgrade of the schema was cut off.',
    remedy:
      'Restore the backup from before the upgrade, or let the newer Chroma finish: start it once on a copy first.',
  },
  'hot-journal': {
    severity: 'error',
    title: 'A transaction was cut off, and its rollback journal is still to be played back.',
    remedy: 'Start and stop Chroma once, or give a writing command --recover-journal; never delete the journal.',
  },
  'cold-journal': {
    severity: 'info',
    title: 'A finished rollback journal lies beside the database.',
    remedy: 'Nothing needs to be done: SQLite ignores the file.',
  },
  'write-ahead-file': {
    severity: 'error',
    title: "The database is in SQLite's WAL mode, or a file of that mode lies beside it.",
    remedy:
      "Stop everything that uses it, run sqlite3 chroma.sqlite3 'PRAGMA journal_mode = DELETE' there, and look again.",
  },
  'database-damaged': {
    severity: 'error',
    title: 'SQLite finds the database damaged.',
    remedy: 'Stop Chroma, keep a copy of the directory as it is, and restore the last good backup.',
  },
  'not-one-regular-file': {
    severity: 'warning',
    title: 'The database is a symbolic link, or has several names.',
    remedy: 'Name the directory of the real file, and see that the file has one name.',
  },
  'foreign-owner': {
    severity: 'warning',
    title: 'Not everything here can be read and written by one user.',
    remedy: 'Run maintenance as the user that Chroma runs as, and give that user the files that belong to another.',
  },
  'network-file-system': {
    severity: 'warning',
    title: 'The directory is on a network file system.',
    remedy: 'Copy the directory to a local disk while Chroma is stopped, work there, and copy it back.',
  },
  'in-use': {
    severity: 'info',
    title: 'A process has the directory open.',
    remedy: 'Stop Chroma before a command that writes, or let the command wait with --wait 10m.',
  },
  'processes-not-readable': {
    severity: 'info',
    title: 'Some processes could not be looked into.',
    remedy: 'Run this as root to see who has the directory open.',
  },
  'low-space': {
    severity: 'warning',
    title: 'A command that gives space back would not have the room that it needs first.',
    remedy: 'chroma-maint prune {dir}',
  },
  'changed-meanwhile': {
    severity: 'info',
    title: 'The directory was written to while it was read.',
    remedy: 'Run this again, with Chroma stopped where it comes back.',
  },
};
