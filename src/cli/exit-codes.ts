/**
 * What each exit code says of the data and what to do next, for `explain` and docs/EXIT-CODES.md. A code without its
 * texts does not compile.
 */
import { EXIT_BUG, EXIT_CODE, type ErrorCode, type ExitCode } from '../errors.ts';
import { BESIDE_A_SERVER, LEAST_ROOM, PRUNE_FIRST, VACUUM_ELSEWHERE } from '../operations/findings/steps.ts';
import type { FindingKind } from '../operations/findings/kinds.ts';
import type { Step } from '../operations/findings/texts.ts';

export interface ExitCodeText {
  /** The state that the data is in. */
  readonly state: string;
  /** What to do next. `{dir}` stands for the directory in commands. */
  readonly steps: readonly Step[];
  /** Findings that say more. */
  readonly findings?: readonly FindingKind[];
}

const REFUSED = 'Nothing was changed: this is found out before anything is written.';

export const EXIT_CODE_TEXTS: Readonly<Record<ExitCode, ExitCodeText>> = {
  0: {
    state: 'What was to be done is done. Where there was nothing to do, or the answer was no, nothing was changed.',
    steps: [{ text: 'Nothing.' }],
  },
  1: {
    state:
      'The last line before the hint says it. What was not committed is rolled back; what was committed before is named there.',
    steps: [{ text: 'Read what the error names, mend it, and run the same command again.' }],
  },
  2: {
    state: 'Nothing was changed.',
    steps: [
      { text: 'See what the command takes.', command: 'chroma-maint help vacuum' },
      { text: 'In a script, give a command that writes --yes: without a terminal there is nobody to ask.' },
    ],
  },
  3: {
    state:
      'What could be done is done. What needs a person was left as it is: a collection that was skipped, a snapshot, a finding.',
    steps: [
      {
        text: 'See what it is. The code comes back with every run until that is mended.',
        command: 'chroma-maint check {dir}',
      },
      { text: 'Or, of a repository:', command: 'chroma-maint backup verify /backup --all' },
    ],
  },
  10: {
    state: REFUSED,
    steps: [{ text: 'Name the directory that holds chroma.sqlite3, or the repository that backup create has made.' }],
    findings: ['not-a-persist-dir'],
  },
  11: {
    state:
      'Nothing was changed: the directory, or a lock, is waited for before anything is written. With --while-running, what was deleted until then stays deleted, which is safe; the error says how much.',
    steps: [
      { text: 'Stop the process that the error names, and run the same command again.' },
      { text: 'Or have it wait for a process that is about to end.', command: 'chroma-maint prune {dir} --wait 10m' },
      BESIDE_A_SERVER,
    ],
    findings: ['in-use'],
  },
  12: {
    state: REFUSED,
    steps: [
      { text: 'See which of the two it is, and what to do about it.', command: 'chroma-maint explain hot-journal' },
    ],
    findings: ['hot-journal', 'write-ahead-file'],
  },
  13: {
    state: REFUSED,
    steps: [
      {
        text: 'Look for a newer chroma-maint; a repository or a snapshot may also come from one.',
        command: 'npm view chroma-maint version',
      },
      {
        text: 'Where auto-purge was to be switched: the directory has no such setting, or one that Chroma does not write.',
        command: 'chroma-maint wal config {dir}',
      },
    ],
    findings: ['unknown-migration', 'half-run-migration'],
  },
  14: {
    state: 'What is damaged was left as it is; the message says whether anything else was changed before it was found.',
    steps: [
      { text: 'See what is damaged.', command: 'chroma-maint check {dir}' },
      { text: 'Where it is a snapshot, look for a sound one.', command: 'chroma-maint backup verify /backup --all' },
    ],
    findings: ['database-damaged', 'watermark-ahead-of-queue', 'watermark-poisoned'],
  },
  15: {
    state:
      'Room is looked for before anything is written. Where the disk fills up all the same, what was not committed is rolled back, and half-written files are removed.',
    steps: [
      { text: 'Free space: the error says how much is needed, where, and what for.' },
      PRUNE_FIRST,
      LEAST_ROOM,
      VACUUM_ELSEWHERE,
    ],
    findings: ['low-space'],
  },
  16: {
    state: 'Nothing was deleted: it would no longer have been what the answer was given to.',
    steps: [{ text: 'Stop what writes to the directory, and run the same command again.' }],
    findings: ['changed-meanwhile'],
  },
  17: {
    state: 'Nothing was changed, neither there nor elsewhere.',
    steps: [
      { text: 'Name a path that does not exist yet, or an empty directory.' },
      {
        text: 'Or put a snapshot in the place of the directory, which is kept under another name.',
        command: 'chroma-maint backup restore latest --from /backup --to {dir} --swap',
      },
    ],
  },
  18: {
    state: 'Nothing was changed: no database was opened.',
    steps: [
      {
        text: 'Install it with its install script allowed, which brings the compiled part.',
        command: 'npm install --global --allow-scripts=better-sqlite3 chroma-maint',
      },
    ],
  },
  19: {
    state: REFUSED,
    steps: [{ text: 'Run it as the user that owns the directory, on a file system that is mounted read-write.' }],
    findings: ['foreign-owner'],
  },
  20: {
    state: REFUSED,
    steps: [{ text: 'Work on a copy on a local disk, and keep backups outside of the directory.' }],
    findings: ['not-one-regular-file', 'network-file-system'],
  },
  70: {
    state: 'SQLite rolls back what was not committed; no half-made change stays.',
    steps: [
      {
        text: 'Report it with all lines of the error. This shows the directory without names:',
        command: 'chroma-maint inspect {dir} --redact',
      },
    ],
  },
  130: {
    state: 'What was not committed is rolled back; the message says what was committed before.',
    steps: [{ text: 'Run the same command again when it suits.' }],
  },
};

/** The exit codes, ascending. */
export const EXIT_CODES = Object.keys(EXIT_CODE_TEXTS).map(Number) as readonly ExitCode[];

/** The names that `--json` has for `code`: none for 0 and 3, which are no errors. */
export function namesOf(code: ExitCode): readonly string[] {
  if (code === EXIT_BUG) return ['BUG'];
  return (Object.keys(EXIT_CODE) as ErrorCode[]).filter((name) => EXIT_CODE[name] === code);
}
