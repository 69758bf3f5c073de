/**
 * Who has the directory open. An idle Chroma holds no SQLite lock in any version, so this is the only thing that tells.
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync, type Dirent, type Stats } from 'node:fs';
import { join } from 'node:path';
import { MaintError, messageOf, systemErrorCode } from '../errors.ts';
import type { FileIdentity, Holder, HolderScan } from './host.ts';

const DATABASE_NAME = 'chroma.sqlite3';
const JOURNAL_NAME = `${DATABASE_NAME}-journal`;
const PID = /^\d+$/;

/** PROC_PID_INIT_INO (linux/proc_ns.h): the namespace from which every process is seen. */
const INITIAL_PID_NAMESPACE = 'pid:[4026531836]';

/** Where a `chroma run` without `--path` keeps its data: 0.4–0.6 and 1.x (rust/cli/src/commands/run.rs). */
const DEFAULT_SERVER_PATHS: readonly string[] = ['./chroma_data', './chroma'];

/**
 * Scans every process. A file counts by device and inode, never by the text of the link, which another mount namespace
 * shows under another path. Directory handles and working directories do not count.
 */
export function holdersOf(directory: string, except: readonly number[]): HolderScan {
  return scan(regularFilesBelow(directory), identity(directory), except);
}

/** The same for one file, by its identity. */
export function holdersOfFile({ device, inode }: FileIdentity, except: readonly number[]): HolderScan {
  return scan(new Map([[`${device}:${inode}`, DATABASE_NAME]]), undefined, except);
}

function scan(files: ReadonlyMap<string, string>, served: string | undefined, except: readonly number[]): HolderScan {
  if (process.platform !== 'linux') return { holders: [], unreadable: 0, isSupported: false, isWholeMachine: false };
  const holders: Holder[] = [];
  let unreadable = 0;
  for (const name of readdirSync('/proc')) {
    if (!PID.test(name) || except.includes(Number(name))) continue;
    const open = openFilesOf(name);
    if (open === 'unreadable') unreadable += 1;
    if (open === 'gone') continue;
    const held = open === 'unreadable' ? [] : open.filter((file) => files.has(file));
    if (held.length === 0 && !isServerOf(name, served)) continue;
    holders.push({
      pid: Number(name),
      user: userOf(name),
      command: commandLine(name).join(' ') || '(unknown command)',
      openFiles: new Set(held).size,
      hasDatabaseOpen: held.some((file) => files.get(file) === DATABASE_NAME),
    });
  }
  return { holders, unreadable, isSupported: true, isWholeMachine: isInitialNamespace() };
}

/** Bytes of the files that `pid` has open and that have no name any more, or null where it cannot be looked into. */
export function unnamedFileBytes(pid: number): number | null {
  try {
    const open = readdirSync(`/proc/${pid}/fd`).map((descriptor) => statOf(`/proc/${pid}/fd/${descriptor}`));
    return open.reduce((sum, stat) => (stat?.isFile() && stat.nlink === 0 ? sum + stat.size : sum), 0);
  } catch {
    return null;
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function isInitialNamespace(): boolean {
  try {
    return readlinkSync('/proc/self/ns/pid') === INITIAL_PID_NAMESPACE;
  } catch {
    return false;
  }
}

/**
 * Identity of each regular file below `directory`, to its name. Links are not followed. Throws FAILED where this user may
 * not look at all of them: who has the others open could not be told.
 */
function regularFilesBelow(directory: string): ReadonlyMap<string, string> {
  try {
    return filesBelow(directory);
  } catch (cause) {
    if (systemErrorCode(cause) !== 'EACCES') throw cause;
    throw new MaintError('FAILED', {
      message: `this user may not read everything in the directory: ${directory}`,
      details: [messageOf(cause)],
      hint: 'run this as the user that owns the directory',
      cause,
    });
  }
}

function filesBelow(directory: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  const visit = (entries: readonly Dirent[]): void => {
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isDirectory()) visit(entriesIn(path));
      // Whoever has the journal open has the database open; once it is deleted another file gets its inode.
      if (!entry.isFile() || entry.name === JOURNAL_NAME) continue;
      const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
      if (stat) files.set(`${stat.dev}:${stat.ino}`, entry.name);
    }
  };
  visit(readdirSync(directory, { withFileTypes: true }));
  return files;
}

/** None where the directory is gone: a server removes that of a collection which it deletes. */
function entriesIn(path: string): readonly Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) return [];
    throw error;
  }
}

function openFilesOf(pid: string): readonly string[] | 'unreadable' | 'gone' {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => identity(`/proc/${pid}/fd/${descriptor}`) ?? []);
  } catch (error) {
    // A process that ended in between, or a kernel thread, holds nothing.
    return error instanceof Error && 'code' in error && error.code === 'EACCES' ? 'unreadable' : 'gone';
  }
}

/** True where the command line is a Chroma server's and names `target`: its files may be closed for the moment (a Rust server closes its SQLite handles after ten idle minutes). */
function isServerOf(pid: string, target: string | undefined): boolean {
  const paths = servedPaths(commandLine(pid), pid);
  return target !== undefined && paths.some((path) => identity(throughProcess(pid, path)) === target);
}

function servedPaths(argv: readonly string[], pid: string): readonly string[] {
  const words = argv.map((word) => word.slice(word.lastIndexOf('/') + 1));
  if (words.includes('chroma') && words.includes('run')) {
    const given = optionValue(argv, '--path');
    return given === undefined ? DEFAULT_SERVER_PATHS : [given];
  }
  if (words.includes('uvicorn') && argv.some((word) => word.startsWith('chromadb'))) {
    return [environmentOf(pid).get('PERSIST_DIRECTORY') ?? './chroma'];
  }
  return [];
}

function optionValue(argv: readonly string[], option: string): string | undefined {
  const joined = argv.find((word) => word.startsWith(`${option}=`));
  if (joined !== undefined) return joined.slice(option.length + 1);
  const at = argv.indexOf(option);
  return at === -1 ? undefined : argv[at + 1];
}

/** A path as process `pid` sees it: in its own root and working directory. */
function throughProcess(pid: string, path: string): string {
  return path.startsWith('/') ? join(`/proc/${pid}/root`, path) : `/proc/${pid}/cwd/${path}`;
}

function identity(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

function commandLine(pid: string): readonly string[] {
  return nullSeparated(`/proc/${pid}/cmdline`);
}

function environmentOf(pid: string): ReadonlyMap<string, string> {
  return new Map(
    nullSeparated(`/proc/${pid}/environ`).map((entry) => {
      const at = entry.indexOf('=');
      return [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}

function nullSeparated(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\0')
      .filter((word) => word !== '');
  } catch {
    return [];
  }
}

function userOf(pid: string): string {
  try {
    const uid = statSync(`/proc/${pid}`).uid;
    const line = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((each) => each.split(':')[2] === String(uid));
    return line?.split(':')[0] ?? String(uid);
  } catch {
    return 'unknown';
  }
}
