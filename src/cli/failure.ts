/**
 * How a command that fails says so: fact, where, state of the data, remedy, and the exit code.
 */
import { EXIT_BUG, EXIT_CODE, MaintError, messageOf, NOTHING_CHANGED } from '../errors.ts';
import { Interrupted, type Io } from './io.ts';
import { printable } from './render/printable.ts';
import { unbroken, wrapped } from './render/table.ts';

/** Prints `thrown` to stderr and returns the exit code. */
export function reportFailure(thrown: unknown, io: Io, isJson: boolean): number {
  const error = thrown instanceof Interrupted ? interruptedAtPrompt() : thrown;
  if (!(error instanceof MaintError)) {
    io.stderr.write(isJson ? `${bugJson(error)}\n` : bugText(error));
    return EXIT_BUG;
  }
  io.stderr.write(
    isJson ? `${failureJson(error)}\n` : failureText(error, io.stderr.isTerminal ? io.stderr.columns : undefined),
  );
  return error.exitCode;
}

function failureText({ message, details, state, hint }: MaintError, width: number | undefined): string {
  const lines = [`error: ${message}`, ...[...details, state].map((line) => `  ${line}`), `hint: ${hint}`].map(
    printable,
  );
  return `${(width === undefined ? lines : lines.flatMap((line) => wrappedFailure(line, width))).join('\n')}\n`;
}

/** A command that is to be pasted, to the end of its clause. */
const COMMAND = /\b(?:chroma-maint|sqlite3|cp|npm) [^;]*/g;

/** Wraps between words, but not inside a command. */
function wrappedFailure(line: string, width: number): readonly string[] {
  const [indent = ''] = /^ */.exec(line) ?? [];
  const text = line.trimStart().replaceAll(COMMAND, (command) => unbroken([command]));
  return wrapped(text, width - 2, indent).map((each, at) => (at === 0 ? each : `  ${each}`));
}

function failureJson({ code, exitCode, message, details, state, hint, changed }: MaintError): string {
  return JSON.stringify({ type: 'error', code, exitCode, message, details, state, hint, changed });
}

function bugText(thrown: unknown): string {
  const stack = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return [
    `error: chroma-maint has a bug: ${printable(messageOf(thrown))}`,
    '  SQLite rolls back what was not finished; no half-made change stays',
    `  Node.js ${process.version}, ${process.platform} ${process.arch}`,
    ...stack.split('\n').slice(1).map(printable),
    'hint: please report this with the lines above; chroma-maint inspect --redact shows the directory without names',
    '',
  ].join('\n');
}

function bugJson(thrown: unknown): string {
  const stack = thrown instanceof Error ? (thrown.stack ?? '') : '';
  return JSON.stringify({ type: 'error', code: 'BUG', exitCode: EXIT_BUG, message: messageOf(thrown), stack });
}

function interruptedAtPrompt(): MaintError {
  return new MaintError('INTERRUPTED', {
    message: 'interrupted',
    state: NOTHING_CHANGED,
    hint: 'run the same command again when it suits',
  });
}

/** Exit codes in words, for `--help` and for the README. */
export const EXIT_CODE_MEANING: Readonly<Record<number, string>> = {
  0: 'done, nothing to do, or answered no',
  3: 'done, and something needs a person: a damaged collection or snapshot',
  [EXIT_CODE.FAILED]: 'failed, or ended by --timeout; the message says what state is left',
  [EXIT_CODE.USAGE]: 'wrong arguments, or no terminal to ask and no --yes',
  [EXIT_CODE.NOT_A_PERSIST_DIR]: 'not a Chroma persist directory, or not a backup repository',
  [EXIT_CODE.IN_USE]: 'in use by another process, or locked for too long',
  [EXIT_CODE.HOT_JOURNAL]: "a hot journal, or SQLite's WAL mode",
  [EXIT_CODE.UNSUPPORTED_SCHEMA]: 'unknown schema or newer version, or an upgrade that was cut off',
  [EXIT_CODE.CORRUPT]: 'damaged: the database, a snapshot, or a position ahead of the WAL',
  [EXIT_CODE.NO_SPACE]: 'not enough free space',
  [EXIT_CODE.PLAN_STALE]: 'the directory changed after the plan was shown',
  [EXIT_CODE.TARGET_EXISTS]: 'the target exists and is not empty',
  [EXIT_CODE.NATIVE_BINDING]: 'the compiled part of better-sqlite3 is missing',
  [EXIT_CODE.NOT_WRITABLE]: 'no permission to write, or a read-only file system',
  [EXIT_CODE.UNSAFE_PLACE]: 'unsafe place: network file system, linked file, backup inside its source',
  [EXIT_BUG]: 'a bug: please report it',
  [EXIT_CODE.INTERRUPTED]: 'Ctrl-C or SIGTERM',
};
