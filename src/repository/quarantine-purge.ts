/**
 * The end of a quarantine. Before it is deleted it loses its name, so that whatever has the name of one is whole.
 */
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { namesIn, placeIn, QUARANTINE_ID, removeEmptied, stating, type Quarantine } from './quarantine.ts';

/** What is about to be deleted has this before its id. */
const CONDEMNED = 'deleting-';

/**
 * Deletes a quarantine with everything in it. What is cut off half-way {@link finishPurges} finishes: a quarantine that
 * still has its name is whole.
 */
export function purge(root: string, { id, path }: Quarantine): void {
  const condemned = join(placeIn(root), `${CONDEMNED}${id}`);
  removeTree(condemned);
  renameSync(path, condemned);
  removeTree(condemned);
  removeEmptied(root, path);
}

/** Deletes what is left of purges that were cut off. */
export function finishPurges(root: string): void {
  for (const path of unfinishedPurges(root)) {
    removeTree(path);
    removeEmptied(root, path);
  }
}

/** Paths of what is left of purges that were cut off. */
export function unfinishedPurges(root: string): readonly string[] {
  return namesIn(root)
    .filter((name) => name.startsWith(CONDEMNED) && QUARANTINE_ID.test(name.slice(CONDEMNED.length)))
    .map((name) => join(placeIn(root), name));
}

function removeTree(path: string): void {
  stating(`some of the directories may be deleted; what is left of them is in ${path}`, path, () =>
    rmSync(path, { recursive: true, force: true }),
  );
}
