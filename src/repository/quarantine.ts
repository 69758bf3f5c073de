/**
 * Directories put aside inside the directory they came from: a rename in, a rename back. Nothing in a quarantine is
 * changed: before it is purged it loses its name, so that whatever has the name of one is whole.
 */
import { lstatSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MaintError, systemErrorCode } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { asFailure } from './failures.ts';
import { readTree } from './tree.ts';

/** What is ours in a directory of somebody else's. */
export const OWN = '.chroma-maint';
const PLACE = 'quarantine';
export const MANIFEST = 'manifest.json';

/** Also keeps an id that was typed from leading anywhere else. */
export const QUARANTINE_ID = /^\d{8}T\d{6}Z(-\d{1,3})?$/;

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

/** Where the quarantines of `root` are. */
export function placeIn(root: string): string {
  return join(root, OWN, PLACE);
}

/** True for the path, relative to the root, of what a quarantine keeps. */
export function isQuarantine(path: string): boolean {
  return path === OWN || path.startsWith(`${OWN}/`);
}

/** Ids of the quarantines in `root`, the oldest first. */
export function quarantineIds(root: string): readonly string[] {
  return namesIn(root).filter((name) => QUARANTINE_ID.test(name));
}

/** Names of the directories, and of nothing else, in the place for quarantines, sorted. */
export function namesIn(root: string): readonly string[] {
  const place = placeIn(root);
  // No link is followed, not even one of these two.
  if (!isDirectory(join(root, OWN)) || !isDirectory(place)) return [];
  return readdirSync(place, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .toSorted();
}

/** Lists the quarantines in `root`, the oldest first. Changes nothing. */
export function listQuarantines(root: string): readonly Quarantine[] {
  return quarantineIds(root).map((id) => readQuarantine(join(placeIn(root), id), id));
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

/**
 * Puts the directories of a quarantine back, all or none. Throws TARGET_EXISTS, before anything is moved, where one's
 * place is taken.
 */
export function putBack(root: string, { id, path, directories }: Quarantine, host: Host): void {
  const names = directories.map(({ name }) => name);
  const taken = names.find((name) => lstatSync(join(root, name), { throwIfNoEntry: false }) !== undefined);
  if (taken !== undefined) {
    throw new MaintError('TARGET_EXISTS', {
      message: `there is something of the same name already: ${join(root, taken)}`,
      hint: 'look at both; move the one away that is not wanted',
    });
  }
  const moved: string[] = [];
  try {
    for (const name of names) {
      renameSync(join(path, name), join(root, name));
      moved.push(name);
    }
  } catch (error) {
    stating(`some directories are back, the others are in quarantine ${id}`, path, () => moveAll(moved, root, path));
    throw error;
  }
  stating('all directories are back in their places', root, () => {
    host.sync(root);
    removeEmptied(root, path);
    host.sync(root);
  });
}

/** Moves each of `names`, whatever becomes of the others; throws the first failure afterwards. */
export function moveAll(names: readonly string[], from: string, to: string): void {
  const failures = names.flatMap((name) => {
    try {
      renameSync(join(from, name), join(to, name));
      return [];
    } catch (error) {
      return [error as Error];
    }
  });
  if (failures[0] !== undefined) throw failures[0];
}

/** Removes a quarantine from which nothing can be taken back: it was made and never filled, or emptied. */
export function removeIfEmpty(root: string, { path, directories }: Quarantine): void {
  if (directories.length === 0) removeEmptied(root, path);
}

/** Runs `work`; what the operating system refuses in it leaves `state`. */
export function stating(state: string, path: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    const failure = asFailure(path, error);
    throw failure instanceof MaintError ? failure.withState(state) : failure;
  }
}

/** Removes the quarantine at `path`, whose directories are gone, and what is empty above it. */
export function removeEmptied(root: string, path: string): void {
  rmSync(join(path, MANIFEST), { force: true });
  removeIfEmptied(path);
  removeEmptyPlace(root);
}

export function removeEmptyPlace(root: string): void {
  for (const directory of [placeIn(root), join(root, OWN)]) removeIfEmptied(directory);
}

function removeIfEmptied(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    // Not empty: somebody else's, or another quarantine's.
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(systemErrorCode(error) ?? '')) throw error;
  }
}

export function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
