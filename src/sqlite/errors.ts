/**
 * SQLite's failures in the operator's words: translated once, here, by code and never by message.
 */
import { MaintError, messageOf, systemErrorCode, type ErrorCode, type FailureText } from '../errors.ts';
import { recoveringFrom } from './recovering.ts';

interface Translation {
  readonly code: ErrorCode;
  readonly fact: string;
  readonly hint: string;
}

/** First match wins: extended codes stand before the code they extend. */
const TRANSLATIONS: readonly (readonly [prefix: string, translation: Translation])[] = [
  ['SQLITE_READONLY_ROLLBACK', hot()],
  ['SQLITE_READONLY_RECOVERY', hot()],
  ['SQLITE_BUSY', busy()],
  ['SQLITE_LOCKED', busy()],
  ['SQLITE_CORRUPT', corrupt('the database is damaged')],
  ['SQLITE_NOTADB', corrupt('the file is not a database, or its pages are damaged')],
  ['SQLITE_FULL', full()],
  ['SQLITE_READONLY', notWritable()],
  ['SQLITE_PERM', notWritable()],
  ['SQLITE_AUTH', notWritable()],
  [
    'SQLITE_CANTOPEN',
    failed('the database cannot be opened', 'check that this user may read the file and its directory'),
  ],
  [
    'SQLITE_IOERR',
    failed(
      'the disk reported an error',
      'look at the kernel log (dmesg); if the disk is failing, copy the directory first',
    ),
  ],
  ['SQLITE_NOMEM', failed('memory ran out', 'run this again with more free memory')],
];

const MISSING_BINDING: readonly string[] = ['MODULE_NOT_FOUND', 'ERR_DLOPEN_FAILED'];
/** What better-sqlite3 12 throws, without a code, where its install script was not run. */
const NOT_BUILT = 'Could not locate the bindings file';

/** Runs `work` and translates what SQLite throws in it. `where` names the database; other failures pass unchanged. */
export function translated<T>(where: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw translate(where, error);
  }
}

/** The operator's version of `error`, or `error` itself where it does not come from SQLite. */
export function translate(where: string, error: unknown): unknown {
  if (messageOf(error).startsWith(NOT_BUILT)) return nativeBinding(error);
  const code = systemErrorCode(error);
  if (code === undefined || error instanceof MaintError) return error;
  if (MISSING_BINDING.includes(code)) return nativeBinding(error);
  const [, translation] = TRANSLATIONS.find(([prefix]) => code.startsWith(prefix)) ?? [];
  if (translation === undefined) return error;
  const { fact } = translation;
  const hint = translation.code === 'CORRUPT' ? recoveringFrom(where) : translation.hint;
  return failure(translation.code, {
    message: `${fact}: ${where}`,
    details: [`SQLite says: ${messageOf(error)} (${code})`],
    hint,
    cause: error,
  });
}

/**
 * True for what SQLite throws where a statement that is sound cannot be carried out on this database: a page is damaged,
 * a table or a column is not there, the file has a format that it does not know. No lock, no disk, no memory.
 */
export function isDamage(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === 'SQLITE_ERROR' || ['SQLITE_CORRUPT', 'SQLITE_NOTADB'].some((each) => code?.startsWith(each) === true);
}

/** True where somebody else holds a lock. */
export function isBusy(error: unknown): boolean {
  return systemErrorCode(error)?.startsWith('SQLITE_BUSY') === true;
}

function nativeBinding(cause: unknown): MaintError {
  return failure('NATIVE_BINDING', {
    message: 'the compiled part of better-sqlite3 is missing or does not fit this Node.js',
    details: [messageOf(cause).split('\n')[0] ?? ''],
    hint: 'npm install --global --allow-scripts=better-sqlite3 chroma-maint',
    cause,
  });
}

function failure(code: ErrorCode, text: FailureText): MaintError {
  return new MaintError(code, text);
}

function busy(): Translation {
  return {
    code: 'IN_USE',
    fact: 'another process holds a lock on the database',
    hint: 'stop Chroma, then run this again; or wait for the lock with --wait 10m',
  };
}

function hot(): Translation {
  return {
    code: 'HOT_JOURNAL',
    fact: 'a transaction was cut off and its rollback journal is still to be played back',
    hint: 'start and stop Chroma once, or give a writing command --recover-journal',
  };
}

function corrupt(fact: string): Translation {
  // What to do names the database, and is said where that is known.
  return { code: 'CORRUPT', fact, hint: '' };
}

function full(): Translation {
  return { code: 'NO_SPACE', fact: 'the disk is full', hint: 'free some space, then run this again' };
}

function notWritable(): Translation {
  return {
    code: 'NOT_WRITABLE',
    fact: 'the database cannot be written',
    hint: 'run this as the user that owns the directory, on a file system that is mounted read-write',
  };
}

function failed(fact: string, hint: string): Translation {
  return { code: 'FAILED', fact, hint };
}
