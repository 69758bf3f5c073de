/**
 * The beginning of a quarantine: a place for it, and the way in, which is a rename that can be undone.
 */
import { chownSync, lstatSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MaintError, systemErrorCode } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { compactTime } from '../units.ts';
import { isDirectory, MANIFEST, moveAll, OWN, placeIn, removeEmptied, removeEmptyPlace } from './quarantine.ts';

const MANIFEST_SCHEMA = 'chroma-maint/quarantine@1';

/** A directory that is to be put aside, and why. */
export interface Doomed {
  readonly name: string;
  readonly because: string;
}

/** A new quarantine, and the way back out of it. */
export interface NewQuarantine {
  readonly id: string;
  /** Moves directories in, the list of them first, and has all of it on the disk before it returns. */
  readonly take: (doomed: readonly Doomed[]) => void;
  /** Moves back what was taken and removes the quarantine. Throws where something cannot be moved back. */
  readonly undo: () => void;
}

/** Makes an empty quarantine in `root`. */
export function newQuarantine(root: string, host: Host): NewQuarantine {
  const time = host.now().toISOString();
  const { id, path } = newPlace(root, compactTime(time), host);
  const taken: string[] = [];
  return {
    id,
    take(doomed) {
      const manifest = join(path, MANIFEST);
      // For people: what is in a quarantine is told by its directories, and when it was made by its name.
      const content = { schema: MANIFEST_SCHEMA, time, directories: doomed };
      writeFileSync(manifest, `${JSON.stringify(content, null, 2)}\n`, { flag: 'wx' });
      giveToOwner(root, manifest, host);
      host.sync(manifest);
      for (const { name } of doomed) {
        renameSync(join(root, name), join(path, name));
        taken.push(name);
      }
      for (const directory of [path, placeIn(root), join(root, OWN), root]) host.sync(directory);
    },
    undo() {
      moveAll(taken, path, root);
      try {
        removeEmptied(root, path);
        host.sync(root);
      } catch {
        // All is back in its place; what made it necessary is what has to be told.
      }
    },
  };
}

/** A directory of its own, for its owner alone: what is in it was deleted by somebody. */
function newPlace(root: string, base: string, host: Host): { readonly id: string; readonly path: string } {
  verifyOwn(root);
  try {
    mkdirSync(placeIn(root), { recursive: true, mode: 0o700 });
    for (const path of [join(root, OWN), placeIn(root)]) giveToOwner(root, path, host);
    for (let attempt = 1; ; attempt += 1) {
      const id = attempt === 1 ? base : `${base}-${attempt}`;
      const path = join(placeIn(root), id);
      if (!isMade(path)) continue;
      giveToOwner(root, path, host);
      return { id, path };
    }
  } catch (error) {
    removeEmptyPlace(root);
    throw error;
  }
}

/**
 * What root makes belongs to whoever has the directory: that user could otherwise not look into it any more, and every
 * later run of theirs would be refused.
 */
function giveToOwner(root: string, path: string, host: Host): void {
  if (host.userId() !== 0) return;
  const { uid, gid } = statSync(root);
  chownSync(path, uid, gid);
}

/** False where there is something of that name. */
function isMade(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Throws UNSAFE_PLACE where our name in `root` is a link: it could lead to another file system, or into live data. */
function verifyOwn(root: string): void {
  for (const path of [join(root, OWN), placeIn(root)]) {
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined || isDirectory(path)) continue;
    throw new MaintError('UNSAFE_PLACE', {
      message: `this is not a directory: ${path}`,
      hint: 'move it away: directories of deleted collections are put aside there',
    });
  }
}
