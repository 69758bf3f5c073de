/**
 * Puts a restored directory where it is to be: put together beside that place or, where a rename cannot lead there,
 * inside it, and in sight only when it is whole.
 */
import { readdirSync, realpathSync, renameSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MaintError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { besidePath, namedPlace } from './beside.ts';
import { withLockFile } from './lock-file.ts';
import { mayWrite } from './permission.ts';

/** Names of what a restore needs until it is done begin with this, in the directory itself or beside it. */
const OWN = '.chroma-maint-restore';

/** What is at a place. */
export type Occupation = 'nothing' | 'empty directory' | 'mount point' | 'directory' | 'file';

/** A place for a directory, its parent with every symbolic link resolved. */
export interface Place {
  readonly given: string;
  readonly path: string;
  readonly occupation: Occupation;
}

/** Looks at the place `given`. Throws USAGE where there is no parent directory: a path that is wrong, or not mounted. */
export function lookAt(given: string): Place {
  const named = namedPlace(given);
  // Resolved whole where it is there: a link to a directory stands for the directory.
  const exists = statSync(named, { throwIfNoEntry: false }) !== undefined;
  const path = exists ? realpathSync(named) : named;
  return { given, path, occupation: occupationOf(path) };
}

function occupationOf(path: string): Occupation {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 'nothing';
  if (!stat.isDirectory()) return 'file';
  if (!readdirSync(path).every(isRestoreFile)) return 'directory';
  return stat.dev === statSync(dirname(path)).dev && mayWrite(dirname(path)) ? 'empty directory' : 'mount point';
}

/** The directory in which the place is written to: its parent or, where a rename cannot lead there, itself. */
export function writtenDirectory({ path, occupation }: Pick<Place, 'path' | 'occupation'>): string {
  return occupation === 'mount point' ? path : dirname(path);
}

/** True for the name of a file or directory that a restore puts inside a directory, and takes away when it is done. */
export function isRestoreFile(name: string): boolean {
  return name.startsWith(OWN);
}

/** Where the directory is put together that is to be at `place`. */
export function incomingPath({ path, occupation }: Pick<Place, 'path' | 'occupation'>): string {
  return occupation === 'mount point' ? join(path, OWN) : besidePath(path, 'restore');
}

/** Runs `work` while no other run puts anything at the place. */
export async function placing<T>(
  { given, path }: Pick<Place, 'given' | 'path'>,
  waitMs: number,
  work: () => Promise<T>,
): Promise<T> {
  const lock = mayWrite(dirname(path)) ? besidePath(path, 'restore.lock') : join(path, `${OWN}.lock`);
  const refusal = (): MaintError =>
    new MaintError('IN_USE', {
      message: `another run is putting a directory in place: ${given}`,
      hint: 'wait for it with --wait 10m',
    });
  return withLockFile(lock, { lock: 'exclusive', waitMs, refusal }, async () => {
    try {
      return await work();
    } finally {
      rmSync(lock, { force: true });
    }
  });
}

/** Removes what a run that was cut off has left of a directory in the making. Only within {@link placing}. */
export function removeIncoming(place: Pick<Place, 'path' | 'occupation'>): void {
  rmSync(incomingPath(place), { recursive: true, force: true });
}

/**
 * Puts the directory at {@link incomingPath} at the place, where nothing is or an empty directory. Into a mount point it
 * goes name by name, `last` as the last: until then it is not taken for what it is to be.
 */
export function moveIn({ path, occupation }: Place, last: string, host: Host): void {
  const incoming = incomingPath({ path, occupation });
  if (occupation === 'mount point') {
    const names = readdirSync(incoming).filter((name) => name !== last);
    for (const name of names) renameSync(join(incoming, name), join(path, name));
    host.sync(path);
    renameSync(join(incoming, last), join(path, last));
    rmdirSync(incoming);
    host.sync(path);
  } else {
    renameSync(incoming, path);
    host.sync(dirname(path));
  }
}
