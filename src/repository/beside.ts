/**
 * What stands beside the place of something new: the directory it is to be in, and names of ours.
 */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { MaintError } from '../errors.ts';

/**
 * The place `given`, its parent with every symbolic link resolved. Throws USAGE where there is no parent directory: a path
 * that is wrong, or not mounted.
 */
export function namedPlace(given: string): string {
  const parent = dirname(resolve(given));
  if (statSync(parent, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new MaintError('USAGE', {
      message: `there is no directory ${parent}`,
      hint: 'make it first, if the path is right and its disk is mounted',
    });
  }
  return join(realpathSync(parent), basename(resolve(given)));
}

/** A name of ours beside `path`, which shares its file system and so can be renamed to it. */
export function besidePath(path: string, what: 'restore' | 'restore.lock' | 'swap.json'): string {
  return join(dirname(path), `.${basename(path)}.chroma-maint-${what}`);
}

/** True where a swap at `target` was begun and neither finished nor undone (see swap.ts). */
export function isHalfSwapped(target: string): boolean {
  return existsSync(besidePath(target, 'swap.json'));
}
