import type { FindingTexts } from './texts.ts';
import {
  BESIDE_A_SERVER,
  COPY_FIRST,
  LEAST_ROOM,
  LOOK_AGAIN,
  PRUNE_FIRST,
  RESTORE,
  VACUUM_ELSEWHERE,
} from './steps.ts';

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
    means:
      "The path leads to no directory, or to one without chroma.sqlite3, or that file is empty, no SQLite database, or not Chroma's. Directories of Chroma before 0.4, which hold other files, are not read either.",
    matters:
      'Nothing can be looked at or maintained here. Chroma itself makes a new, empty database where it finds none, so that a wrong path looks like lost data.',
    remedy: 'Name the directory that holds chroma.sqlite3: the one that Chroma got as --path or PERSIST_DIRECTORY.',
    steps: [
      {
        text: 'Look for the directory where the path is not known.',
        command: "find / -name chroma.sqlite3 -not -path '/proc/*' 2>/dev/null",
      },
    ],
    sources: { format: ['Generations'] },
  },
  'unknown-migration': {
    severity: 'error',
    title: 'The schema is none that a known release of Chroma leaves behind.',
    means:
      'The table migrations names a migration that no Chroma from 0.4.0 to 1.5.9 has, or one with another text than the released one, or one is missing in between.',
    matters:
      'A new column could give old rows a new meaning, so commands that write refuse the directory (exit code 13). Chroma itself is less careful: its Python versions and Rust from 1.2.2 on accept migrations that they do not know.',
    remedy: 'Use a chroma-maint that knows this schema; until then leave the directory to Chroma itself.',
    steps: [
      { text: 'See which version is the newest.', command: 'npm view chroma-maint version' },
      { text: 'See which one this is.', command: 'chroma-maint --version' },
    ],
    sources: { format: ['Generations'] },
  },
  'half-run-migration': {
    severity: 'error',
    title: 'An upgrade of the schema was cut off.',
    means:
      'Something is here that only exists in the middle of an upgrade (collections_tmp, segments_temp, max_seq_id.int_seq_id), or the three folders of migrations stand at versions that no release combines. Python migrates folder by folder and not in one transaction, so a process that is killed meanwhile leaves this.',
    matters:
      'What the rows mean is uncertain until the upgrade is finished. Commands that write refuse (exit code 13).',
    remedy:
      'Restore the backup from before the upgrade, or let the newer Chroma finish: start it once on a copy first.',
    steps: [
      RESTORE,
      {
        text: 'Without a snapshot: let the newer Chroma try to finish, on a copy. If it starts and has all collections, let it do the same here.',
        command: 'cp -a {dir} {dir}.copy',
      },
    ],
    sources: { format: ['Generations'] },
  },
  'hot-journal': {
    severity: 'error',
    title: 'A transaction was cut off, and its rollback journal is still to be played back.',
    means:
      'The process that wrote last was ended inside a transaction, and left chroma.sqlite3-journal. Beside a server it can also be a commit that is under way just now.',
    matters:
      'Until the journal is played back, the database file alone is half-written; without the journal it would stay so. Never delete, rename or edit that file. Commands that read or write rows refuse until then (exit code 12).',
    remedy: 'Start and stop Chroma once, or give a writing command --recover-journal; never delete the journal.',
    steps: [
      COPY_FIRST,
      {
        text: 'Let SQLite play the journal back. That happens before the question: answer no, and nothing else is changed.',
        command: 'chroma-maint prune {dir} --recover-journal',
      },
      LOOK_AGAIN,
    ],
    sources: { format: ['Journals and locks'] },
  },
  'cold-journal': {
    severity: 'info',
    title: 'A finished rollback journal lies beside the database.',
    means: 'The file chroma.sqlite3-journal begins with a zero byte: there is nothing in it to be played back.',
    matters: 'SQLite ignores it, and so does every command here; none removes or renames a journal.',
    remedy: 'Nothing needs to be done: SQLite ignores the file.',
    sources: { format: ['Journals and locks'] },
  },
  'write-ahead-file': {
    severity: 'error',
    title: "The database is in SQLite's WAL mode, or a file of that mode lies beside it.",
    means:
      'Chroma never switches this mode on, in no version; another program did, or left its -wal or -shm file here.',
    matters:
      'Rows can be in the -wal file and not yet in the database, and even reading would create files. So the database is not opened at all (exit code 12).',
    remedy: `Stop everything that uses it, then run "sqlite3 {dir}/chroma.sqlite3 'PRAGMA journal_mode = DELETE'".`,
    steps: [
      COPY_FIRST,
      {
        text: 'Switch the mode back, which also brings the rows of the -wal file into the database.',
        command: "sqlite3 {dir}/chroma.sqlite3 'PRAGMA journal_mode = DELETE'",
      },
      LOOK_AGAIN,
    ],
    sources: { format: ['Journals and locks'] },
  },
  'database-damaged': {
    severity: 'error',
    title: 'SQLite finds the database damaged.',
    means:
      "SQLite's own check (quick_check, with --deep integrity_check) complains about pages, rows or indexes, or the file is shorter than its header says.",
    matters:
      'Commands that write refuse (exit code 14), and so does backup create, lest damaged snapshots push the last good one out.',
    remedy: 'Stop Chroma, keep a copy of the directory as it is, and restore the last good backup.',
    steps: [
      COPY_FIRST,
      RESTORE,
      {
        text: 'Without a snapshot: see what SQLite can still read from the copy, into a new file. Compare its counts with what you expect before Chroma gets it.',
        command: 'sqlite3 {dir}.damaged/chroma.sqlite3 .recover | sqlite3 new.sqlite3',
      },
    ],
  },
  'not-one-regular-file': {
    severity: 'warning',
    title: 'The database is a symbolic link, or has several names.',
    means: 'chroma.sqlite3 is a symbolic link, or the file has further names (hard links).',
    matters:
      "SQLite finds the journal by the database's name, so a process that opened it under the other name would not see it. Commands that write refuse (exit code 20).",
    remedy: 'Name the directory of the real file, and see that the file has one name.',
    steps: [
      { text: 'See where a link leads.', command: 'readlink -f {dir}/chroma.sqlite3' },
      { text: 'See which other names there are.', command: 'find / -samefile {dir}/chroma.sqlite3 2>/dev/null' },
    ],
  },
  'foreign-owner': {
    severity: 'warning',
    title: 'Not everything here belongs to the owner of the database.',
    means:
      'The directory, an index directory or a file in one belongs to another user than chroma.sqlite3, or its mode keeps that user from writing it. A command that was run as root, or in a container with another user, leaves that.',
    matters: 'Chroma runs as one user, and fails in the middle of its work where that user may not write.',
    remedy: 'Give everything to the user that Chroma runs as, and let that user write it.',
    steps: [
      { text: 'See what belongs to whom.', command: 'ls -lnR {dir}' },
      { text: 'Give everything to the user that Chroma runs as, here chroma.', command: 'chown -R chroma: {dir}' },
    ],
    sources: { issues: ['chroma#3635'] },
  },
  'network-file-system': {
    severity: 'warning',
    title: 'The directory is on a network file system.',
    means: 'The kernel says that the directory is on NFS, SMB, FUSE, 9p or another file system of that kind.',
    matters:
      'Locks cannot be relied on there, and who has the directory open on another machine cannot be seen. Commands that write refuse (exit code 20) unless they get --allow-network-fs.',
    remedy: 'Copy the directory to a local disk while Chroma is stopped, work there, and copy it back.',
    steps: [
      { text: 'With Chroma stopped, copy it to a local disk.', command: 'cp -a {dir} /var/tmp/persist' },
      { text: 'Work there, and copy the result back.', command: 'chroma-maint vacuum /var/tmp/persist' },
    ],
    sources: { issues: ['chroma#1916', 'chroma#1609'] },
  },
  'in-use': {
    severity: 'info',
    title: 'A process has the directory open.',
    means: 'It has a file of the directory open, or its command line says that it serves the directory.',
    matters:
      'Commands that write refuse meanwhile (exit code 11). An idle Chroma holds no lock, so waiting for a lock would not show it.',
    remedy:
      'Stop Chroma before a command that writes, or let the command wait with --wait 10m; prune --while-running works beside it.',
    steps: [
      { text: 'Stop Chroma before a command that writes, or let the command wait with --wait 10m.' },
      BESIDE_A_SERVER,
    ],
    sources: { format: ['Journals and locks'] },
  },
  'processes-not-readable': {
    severity: 'info',
    title: 'Some processes could not be looked into.',
    means:
      'What a process has open is shown to its own user and to root only, and not at all on some systems. Chroma could be one of those that were not seen.',
    matters:
      "A prune and a vacuum in place are protected by SQLite's own locks. What relies on nobody being there, a new file in the old one's place or restore --swap, is not done where it cannot be proved.",
    remedy: 'Run this as root to see who has the directory open.',
    steps: [{ text: 'Look again as root.', command: 'sudo chroma-maint check {dir}' }],
    sources: { format: ['Journals and locks'] },
  },
  'low-space': {
    severity: 'warning',
    title: 'A command that gives space back would not have the room that it needs first.',
    means:
      'A vacuum first writes what stays once more: beside the database, and where it works in place into a temporary directory as well. A prune needs room for a rollback journal: little where nearly every row of the WAL goes, up to the size of the WAL where many stay. There is less room than that for the command that is named.',
    matters:
      "The command would refuse before it writes anything (exit code 15). Chroma's own vacuum does not look before it begins.",
    remedy: 'Free space on the disk that is named, or vacuum a copy of the directory on another one.',
    steps: [
      PRUNE_FIRST,
      LEAST_ROOM,
      VACUUM_ELSEWHERE,
      {
        text: 'Where room is short only in the temporary directory, name one on another disk.',
        command: 'chroma-maint vacuum {dir} --mode in-place --temp-dir /mnt/space',
      },
    ],
    sources: { format: ['VACUUM'], issues: ['chroma#1693', 'chroma#2247'] },
  },
  'changed-meanwhile': {
    severity: 'info',
    title: 'The directory was written to while it was read.',
    means:
      'Beside a server every look at the database is a short read of its own. Somebody wrote between them, three times in a row.',
    matters:
      'What was found may be of two moments: a position from before a save beside an index from after it. A finding that comes from that is gone next time.',
    remedy: 'Run this again, with Chroma stopped where it comes back.',
  },
};
