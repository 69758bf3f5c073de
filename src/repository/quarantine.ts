/**
 * Directories put aside inside the directory they came from: a rename in, a rename back. Nothing in a quarantine is
 * changed until it is purged.
 */
import { lstatSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MaintError, systemErrorCode } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { compactTime } from '../units.ts';
import { readTree } from './tree.ts';

/** What is ours in a directory of somebody else's. */
const OWN = '.chroma-maint';
const PLACE = 'quarantine';
const MANIFEST = 'manifest.json';
const MANIFEST_SCHEMA = 'chroma-maint/quarantine@1';

/** Also keeps an id that was typed from leading anywhere else. */
const ID = /^\d{8}T\d{6}Z(-\d{1,3})?$/;

/** A directory that is to be put aside, and why. */
export interface Doomed {
  readonly name: string;
  readonly because: string;
}

export interface Quarantine {
  readonly id: string;
  readonly path: string;
  /** When it was made, ISO 8601. */
  readonly time: string;
  /** The directories that are in it now. */
  readonly directories: readonly QuarantinedDirectory[];
  readonly bytes: number;
}

interface QuarantinedDirectory {
  readonly name: string;
  /** Bytes allocated on disk. */
  readonly bytes: number;
}

/** True for the path, relative to the root, of what a quarantine keeps. */
export function isQuarantine(path: string): boolean {
  return path === OWN || path.startsWith(`${OWN}/`);
}

/** Ids of the quarantines in `root`, the oldest first. */
export function quarantineIds(root: string): readonly string[] {
  const place = join(root, OWN, PLACE);
  if (!isDirectory(join(root, OWN)) || !isDirectory(place)) return [];
  const entries = readdirSync(place, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && ID.test(entry.name))
    .map(({ name }) => name)
    .toSorted();
}

/** Lists the quarantines in `root`, the oldest first. Changes nothing. */
export function listQuarantines(root: string): readonly Quarantine[] {
  return quarantineIds(root).map((id) => readQuarantine(join(root, OWN, PLACE, id), id));
}

function readQuarantine(path: string, id: string): Quarantine {
  const directories = readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({ name, bytes: bytesBelow(join(path, name)) }));
  const bytes = directories.reduce((sum, each) => sum + each.bytes, 0);
  return { id, path, time: timeOf(id), directories, bytes };
}

function bytesBelow(path: string): number {
  return readTree(path, () => false).files.reduce((sum, { allocated }) => sum + allocated, 0);
}

/** The time in a quarantine's id, ISO 8601. */
function timeOf(id: string): string {
  return id.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z.*$/, '$1-$2-$3T$4:$5:$6.000Z');
}

/** Directories on their way into a quarantine, which can still be put back. */
export interface Moved {
  readonly quarantine: string;
  readonly undo: () => void;
}

/**
 * Moves the directories `doomed` of `root` into a new quarantine, the list of them first, and has all of it on the disk
 * before it returns. Where it throws, everything is where it was.
 */
export function moveAside(root: string, doomed: readonly Doomed[], host: Host): Moved {
  const time = host.now().toISOString();
  const { id, path } = newPlace(root, compactTime(time));
  const moved: string[] = [];
  const undo = (): void => {
    for (const name of moved.splice(0)) renameSync(join(path, name), join(root, name));
    host.sync(root);
    removeEmptied(root, path);
  };
  try {
    const manifest = join(path, MANIFEST);
    // For people: what is in a quarantine is told by its directories, and when it was made by its name.
    const content = { schema: MANIFEST_SCHEMA, time, directories: doomed };
    writeFileSync(manifest, `${JSON.stringify(content, null, 2)}\n`, { flag: 'wx' });
    host.sync(manifest);
    for (const { name } of doomed) {
      renameSync(join(root, name), join(path, name));
      moved.push(name);
    }
    for (const directory of [path, join(root, OWN, PLACE), join(root, OWN), root]) host.sync(directory);
  } catch (error) {
    undo();
    throw error;
  }
  return { quarantine: id, undo };
}

/** A directory of its own, for its owner alone: what is in it was deleted by somebody. */
function newPlace(root: string, base: string): { readonly id: string; readonly path: string } {
  verifyOwn(root);
  const place = join(root, OWN, PLACE);
  mkdirSync(place, { recursive: true, mode: 0o700 });
  for (let attempt = 1; ; attempt += 1) {
    const id = attempt === 1 ? base : `${base}-${attempt}`;
    try {
      mkdirSync(join(place, id), { mode: 0o700 });
      return { id, path: join(place, id) };
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error;
    }
  }
}

/** Throws UNSAFE_PLACE where our name in `root` is a link: it could lead to another file system, or into live data. */
function verifyOwn(root: string): void {
  for (const path of [join(root, OWN), join(root, OWN, PLACE)]) {
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined || isDirectory(path)) continue;
    throw new MaintError('UNSAFE_PLACE', {
      message: `this is not a directory: ${path}`,
      hint: 'move it away: directories of deleted collections are put aside there',
    });
  }
}

/** Puts the directories of a quarantine back. Throws TARGET_EXISTS, before anything is moved, where one's place is taken. */
export function putBack(root: string, { path, directories }: Quarantine, host: Host): void {
  const taken = directories.find(({ name }) => lstatSync(join(root, name), { throwIfNoEntry: false }) !== undefined);
  if (taken !== undefined) {
    throw new MaintError('TARGET_EXISTS', {
      message: `there is a directory of the same name already: ${join(root, taken.name)}`,
      hint: 'look at both; move the one away that is not wanted',
    });
  }
  for (const { name } of directories) renameSync(join(path, name), join(root, name));
  host.sync(root);
  removeEmptied(root, path);
  host.sync(root);
}

/** Deletes a quarantine with everything in it. */
export function purge(root: string, { path }: Quarantine): void {
  rmSync(path, { recursive: true, force: true });
  removeEmptied(root, path);
}

/** Removes the quarantine at `path`, whose directories are gone, and what is empty above it. */
function removeEmptied(root: string, path: string): void {
  rmSync(join(path, MANIFEST), { force: true });
  for (const directory of [path, join(root, OWN, PLACE), join(root, OWN)]) {
    try {
      rmdirSync(directory);
    } catch (error) {
      // Not empty: somebody else's, or another quarantine's.
      if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(systemErrorCode(error) ?? '')) throw error;
    }
  }
}

function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
