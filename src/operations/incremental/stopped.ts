/**
 * Giving pages back where Chroma is stopped: after the commit of the prune, one short transaction after the other. What
 * ends it leaves what was given back until then.
 */
import type { PersistDir } from '../../chroma/persist-dir.ts';
import { MaintError } from '../../errors.ts';
import { translate } from '../../sqlite/errors.ts';
import type { Database } from '../../sqlite/open.ts';
import { readPageCounts } from '../../sqlite/pages.ts';
import type { Observer } from '../observer.ts';
import { nextPages, nothingGiven, withStep, type Given } from './given.ts';
import { giveBackStep } from './step.ts';

/** Gives all free pages back. `stateAfter` says of a failure what state it leaves, by the bytes that went until then. */
export function giveBackStopped(
  db: Database,
  dir: PersistDir,
  { onStage, onBytes }: Observer,
  stateAfter: (bytes: number) => string,
): Given {
  let bytes = 0;
  try {
    onStage('shrinking');
    const { freePages, pageSize } = readPageCounts(db);
    let giving = nothingGiven(freePages);
    for (let most = nextPages(giving); most > 0; most = nextPages(giving)) {
      giving = withStep(giving, giveBackStep(db, dir, most));
      bytes = giving.bytes;
      onBytes(giving.pages * pageSize, freePages * pageSize);
    }
    return giving;
  } catch (error) {
    const failure = translate(dir.databasePath, error);
    throw failure instanceof MaintError ? failure.withState(stateAfter(bytes)) : failure;
  }
}
