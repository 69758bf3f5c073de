/**
 * A repository: a directory that holds snapshots and nothing else. Recognised by its marker; kept to one writer at a
 * time by SQLite's lock on a file that holds nothing, which ends with the process.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import * as v from 'valibot';
import { MaintError, systemErrorCode } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { withLockFile } from './lock-file.ts';
import { mayWrite } from './permission.ts';
import { shellWord } from '../shell-word.ts';

const MARKER = 'chroma-maint-repository.json';
const LOCK = 'lock.sqlite3';
const REPOSITORY_SCHEMA = 'chroma-maint/repository@1';

/** What stands before the name of anything that is not whole yet, or is about to go. */
const UNFINISHED = '.unfinished-';

const Marker = v.object({ schema: v.string() });

export interface Repository {
  /** As the operator wrote it, for messages. */
  readonly given: string;
  /** With every symbolic link resolved. */
  readonly path: string;
}

/** How a repository is come by. */
export interface Access {
  readonly host: Host;
  /** How long to wait for another run, in milliseconds. */
  readonly waitMs: number;
}

/** Finds the repository at `given`. Throws NOT_A_REPOSITORY, or UNSUPPORTED_SCHEMA where a newer chroma-maint made it. */
export function openRepository(given: string): Repository {
  const path = realDirectory(given);
  const schema = path === null ? null : readMarker(path);
  if (path === null || schema === null) {
    throw new MaintError('NOT_A_REPOSITORY', {
      message: `this is not a backup repository: ${given}`,
      details: [path === null ? 'there is no such directory' : `it holds no ${MARKER}`],
      hint: 'name the directory that snapshots were made in; the first chroma-maint backup create makes one',
    });
  }
  if (schema === REPOSITORY_SCHEMA) return { given, path };
  throw new MaintError('UNSUPPORTED_SCHEMA', {
    message: `this repository was made by a newer chroma-maint: ${given}`,
    details: [`its marker is of the kind ${schema}`],
    hint: 'use that version or a later one, or name another directory',
  });
}

/** The same, or null where a repository could be made: there is nothing, or an empty directory. Throws for any other. */
export function findRepository(given: string): Repository | null {
  const path = realDirectory(given);
  if (path === null || readdirSync(path).every((name) => name.startsWith(UNFINISHED))) return null;
  if (readMarker(path) !== null) return openRepository(given);
  throw new MaintError('TARGET_EXISTS', {
    message: `this directory is not empty and not a backup repository: ${given}`,
    hint: 'name a directory that is empty or that does not exist yet',
  });
}

/** Makes an empty repository at `given`, whose parents are made as well. Its lock is made by who first needs it. */
export function createRepository(given: string, host: Host): Repository {
  mkdirSync(given, { recursive: true, mode: 0o700 });
  const path = realpathSync(given);
  const marker = join(path, `${UNFINISHED}${MARKER}`);
  writeFileSync(marker, `${JSON.stringify({ schema: REPOSITORY_SCHEMA, created: host.now().toISOString() })}\n`);
  host.sync(marker);
  renameSync(marker, join(path, MARKER));
  host.sync(path);
  host.sync(dirname(path));
  return { given, path };
}

/** Where `given` is, or would be: its nearest parent that exists with every symbolic link resolved. */
export function realPlace(given: string): string {
  const path = resolve(given);
  if (existsSync(path)) return realpathSync(path);
  return dirname(path) === path ? path : join(realPlace(dirname(path)), basename(path));
}

/** The nearest directory above `given` that exists, itself included: its file system is the one that is written to. */
export function nearestDirectory(given: string): string {
  const path = resolve(given);
  return existsSync(path) || dirname(path) === path ? path : nearestDirectory(dirname(path));
}

/** Runs `work` while nobody else changes the repository. What a run that was cut off has left is removed first. */
export function changing<T>(repository: Repository, access: Access, work: () => Promise<T>): Promise<T> {
  if (!mayWrite(repository.path)) throw notWritable(repository);
  return locked(repository, 'exclusive', access, () => {
    removeUnfinished(repository);
    return work();
  });
}

/** Runs `work` while nobody removes anything from the repository. */
export function reading<T>(repository: Repository, access: Access, work: () => Promise<T>): Promise<T> {
  return locked(repository, 'shared', access, work);
}

/** A new directory for what is in the making. */
export function beginUnfinished(directory: Pick<Repository, 'path'>, name: string): string {
  const unfinished = unfinishedPath(directory, name);
  mkdirSync(unfinished, { mode: 0o700 });
  return unfinished;
}

/** Where {@link beginUnfinished} makes a directory of this name. */
export function unfinishedPath({ path }: Pick<Repository, 'path'>, name: string): string {
  return join(path, UNFINISHED + name);
}

/** Removes what was begun and cannot be finished. */
export function discard(unfinished: string): void {
  rmSync(unfinished, { recursive: true, force: true });
}

/** Gives what was begun its final name, on the disk too. */
export function finish({ path }: Repository, unfinished: string, name: string, host: Host): void {
  renameSync(unfinished, join(path, name));
  host.sync(path);
}

/** Removes a directory of the repository: gone from sight at once, and for ever when this returns. */
export function remove(repository: Repository, name: string, host: Host): void {
  const { path } = repository;
  const unfinished = unfinishedPath(repository, name);
  renameSync(join(path, name), unfinished);
  host.sync(path);
  discard(unfinished);
}

/** Removes what a run has left at `given` that did not come to make a repository of it. */
export function removeUnbegun(given: string): void {
  const path = realDirectory(given);
  if (path !== null && findRepository(given) === null) removeUnfinished({ path });
}

/** Removes everything that is unfinished. Only under the exclusive lock, under which such things are made. */
function removeUnfinished({ path }: Pick<Repository, 'path'>): void {
  for (const name of readdirSync(path)) {
    if (name.startsWith(UNFINISHED)) discard(join(path, name));
  }
}

async function locked<T>(
  { given, path }: Repository,
  lock: 'shared' | 'exclusive',
  { host, waitMs }: Access,
  work: () => Promise<T>,
): Promise<T> {
  const lockPath = join(path, LOCK);
  // A copy of a repository on a read-only medium: nobody can remove anything there either.
  if (lock === 'shared' && !existsSync(lockPath) && !mayWrite(path)) return work();
  return withLockFile(lockPath, { lock, waitMs, refusal: () => atWork(given, lockPath, host) }, work);
}

function notWritable({ given }: Repository): MaintError {
  return new MaintError('NOT_WRITABLE', {
    message: `this user may not write to the repository: ${given}`,
    hint: 'run this as the user that owns it, on a file system that is mounted read-write',
  });
}

function atWork(given: string, lockPath: string, host: Host): MaintError {
  const { dev, ino } = statSync(lockPath, { bigint: true });
  const { holders } = host.holdersOfFile({ device: dev, inode: ino }, [process.pid]);
  return new MaintError('IN_USE', {
    message: `another run is at work in ${given}`,
    details: holders.map(({ pid, user, command }) => `pid ${pid}  ${command}  (user ${user})`),
    hint: `wait for it with --wait 10m; chroma-maint backup list ${shellWord(given)} needs no waiting`,
  });
}

function realDirectory(given: string): string | null {
  try {
    return realpathSync(given);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}

function readMarker(path: string): string | null {
  try {
    const parsed = v.safeParse(Marker, JSON.parse(readFileSync(join(path, MARKER), 'utf8')));
    return parsed.success ? parsed.output.schema : 'unknown';
  } catch (error) {
    if (error instanceof SyntaxError) return 'unknown';
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}
