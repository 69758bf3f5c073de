/**
 * The persist directory as the file system shows it, before SQLite opens anything.
 */
import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  readdirSync,
  realpathSync,
  statSync,
  type BigIntStats,
} from 'node:fs';
import { join } from 'node:path';
import { MaintError, systemErrorCode } from '../errors.ts';
import {
  readHeader,
  readJournalState,
  walFilesBeside,
  type DatabaseHeader,
  type JournalState,
} from '../sqlite/header.ts';
import { recoveringFrom } from '../sqlite/recovering.ts';
import { shellWord } from '../shell-word.ts';

export const DATABASE_NAME = 'chroma.sqlite3';

/** Chroma before 0.4 kept DuckDB with Parquet files, or ClickHouse, and no SQLite. */
const FILES_BEFORE_0_4: readonly string[] = ['chroma-collections.parquet', 'chroma-embeddings.parquet'];

/** How a persist directory is often called inside the directory that was named instead. */
const USUAL_NAMES: readonly string[] = ['persist', 'chroma', 'chroma_data', 'data'];

export interface PersistDir {
  /** As the operator wrote it, for messages. */
  readonly given: string;
  /** With every symbolic link resolved. */
  readonly path: string;
  readonly databasePath: string;
  readonly database: DatabaseFile;
  readonly journal: JournalState;
  /** True where SQLite's own write-ahead mode is in play: reading would leave files behind. */
  readonly walMode: boolean;
  /** Names of `-wal` and `-shm` files beside the database. */
  readonly walFiles: readonly string[];
}

export interface DatabaseFile {
  readonly bytes: number;
  readonly mtimeMs: number;
  readonly owner: number;
  readonly group: number;
  readonly links: number;
  readonly isSymlink: boolean;
  readonly changeCounter: number;
}

/**
 * Finds the persist directory at `given`. Opens, creates and changes nothing but reads a few header bytes. Throws
 * NOT_A_PERSIST_DIR where there is no Chroma directory, CORRUPT where the database file is cut short.
 */
export function locatePersistDir(given: string): PersistDir {
  const path = realDirectory(given);
  const linkPath = join(path, DATABASE_NAME);
  const link = lstatSync(linkPath, { bigint: true, throwIfNoEntry: false });
  if (link === undefined) throw noDatabase(given, path);
  const databasePath = realDatabasePath(given, linkPath);
  if (!statSync(databasePath).isFile()) throw notPersistDir(`${linkPath} is not a file`, [], namePersistDir());
  return readable(given, () => ({
    given,
    path,
    databasePath,
    ...readDatabaseFile(databasePath, link.isSymbolicLink()),
    walFiles: walFilesBeside(databasePath),
  }));
}

function readDatabaseFile(path: string, isSymlink: boolean): Pick<PersistDir, 'database' | 'walMode' | 'journal'> {
  const header = readHeader(path);
  const file = statSync(path, { bigint: true });
  const journal = readJournalState(path);
  if (header.kind === 'empty') throw notPersistDir(`the database is empty (0 bytes): ${path}`, [], restoreBackup());
  if (header.kind === 'not-a-database')
    throw notPersistDir(`this file is not a SQLite database: ${path}`, [], restoreBackup());
  const expected = (header.pageCount ?? 0) * header.pageSize;
  // A commit writes the header first and the pages that it promises last. Until then its journal is hot.
  if (journal !== 'hot' && Number(file.size) < expected) {
    if (isSettled(path, header, file)) throw cutShort(path, Number(file.size), expected);
    return readDatabaseFile(path, isSymlink);
  }
  const database: DatabaseFile = {
    bytes: Number(file.size),
    mtimeMs: Number(file.mtimeMs),
    owner: Number(file.uid),
    group: Number(file.gid),
    links: Number(file.nlink),
    isSymlink,
    changeCounter: header.changeCounter,
  };
  return { database, walMode: header.walMode, journal };
}

/** True where nobody has gone on writing since `header` and `file` were read. */
function isSettled(path: string, header: DatabaseHeader, { size }: BigIntStats): boolean {
  const again = readHeader(path);
  const isSame =
    again.kind === 'database' && header.kind === 'database' && again.changeCounter === header.changeCounter;
  return isSame && statSync(path, { bigint: true }).size === size && readJournalState(path) !== 'hot';
}

function realDirectory(given: string): string {
  try {
    const path = readable(given, () => realpathSync(given));
    if (statSync(path).isDirectory()) {
      readable(given, () => accessSync(path, constants.R_OK | constants.X_OK));
      return path;
    }
  } catch (cause) {
    if (cause instanceof MaintError) throw cause;
    const code = systemErrorCode(cause);
    const fact =
      code === 'ENOENT' || code === 'ENOTDIR' ? 'there is no such directory' : `it cannot be reached (${code})`;
    throw notPersistDir(`${fact}: ${given}`, [], namePersistDir());
  }
  throw notPersistDir(`this is a file, not a directory: ${given}`, [], 'name the directory that holds chroma.sqlite3');
}

function realDatabasePath(given: string, linkPath: string): string {
  try {
    return readable(given, () => realpathSync(linkPath));
  } catch (cause) {
    if (cause instanceof MaintError) throw cause;
    throw notPersistDir(`${linkPath} is a symbolic link that leads nowhere`, [], namePersistDir());
  }
}

function noDatabase(given: string, path: string): MaintError {
  const entries = readable(given, () => readdirSync(path));
  const old = FILES_BEFORE_0_4.find((name) => entries.includes(name));
  if (old !== undefined) {
    return notPersistDir(
      `this directory was written by Chroma before 0.4: ${given}`,
      [`it holds ${old} and no ${DATABASE_NAME}`],
      'bring it to 0.4 or later with chroma-migrate first',
    );
  }
  const detail = entries.length === 0 ? 'it is empty' : `it holds no ${DATABASE_NAME}`;
  const meant = USUAL_NAMES.map((name) => join(given, name)).find((each) => existsSync(join(each, DATABASE_NAME)));
  const hint = meant === undefined ? namePersistDir() : `did you mean ${shellWord(meant)}?`;
  return notPersistDir(`this is not a Chroma persist directory: ${given}`, [detail], hint);
}

/** Runs `read`; a missing permission becomes the operator's error, everything else passes. */
function readable<T>(given: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const code = systemErrorCode(cause);
    throw code === 'EACCES' || code === 'EPERM' ? notReadable(given, cause) : cause;
  }
}

function cutShort(path: string, bytes: number, expected: number): MaintError {
  return new MaintError('CORRUPT', {
    message: `the database file is cut short: ${path}`,
    details: [`it has ${bytes} bytes, its header promises ${expected}`],
    hint: recoveringFrom(path),
  });
}

function notReadable(given: string, cause: unknown): MaintError {
  return new MaintError('FAILED', {
    message: `this user may not read the directory: ${given}`,
    hint: 'run this as the user that owns the directory',
    cause,
  });
}

function notPersistDir(message: string, details: readonly string[], hint: string): MaintError {
  return new MaintError('NOT_A_PERSIST_DIR', { message, details, hint });
}

function namePersistDir(): string {
  return 'name the persist directory of a Chroma server: the one it was given with --path, or PERSIST_DIRECTORY';
}

function restoreBackup(): string {
  return 'if a Chroma database should be here, restore it from a backup';
}
