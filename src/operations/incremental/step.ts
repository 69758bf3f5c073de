/**
 * One transaction that gives pages back. After each of them the database is whole: SQLite moves what is on the last page
 * and every reference to it, or rolls both back.
 */
import type { PersistDir } from '../../chroma/persist-dir.ts';
import { MaintError } from '../../errors.ts';
import { giveBackPages, readAutoVacuum, type GivenBack } from '../../sqlite/auto-vacuum.ts';
import { inImmediateTransaction, type Database } from '../../sqlite/open.ts';
import type { GivenStep } from './given.ts';

/** Of the time that a server may notice, the commit takes the rest. */
const ENOUGH_MS = 25;

/**
 * Gives up to `most` free pages back, or fewer where that takes too long. Throws PLAN_STALE where somebody has rewritten
 * the database as one of which none can be given back so. `transact` is the transaction it is done in.
 */
export function giveBackStep(
  db: Database,
  { given, databasePath }: PersistDir,
  most: number,
  transact: <T>(work: () => T) => T = (work) => inImmediateTransaction(db, work),
): GivenStep {
  let begun = 0;
  const done = transact(() => {
    begun = performance.now();
    // Under the lock: SQLite looks at the file only when it takes one.
    if (readAutoVacuum(db) !== 'incremental') throw rewritten(given, databasePath);
    return giveBackInTime(db, most, begun);
  });
  return { ...done, lockMs: performance.now() - begun };
}

/** A few pages at a time: one takes some microseconds, or milliseconds where the list of free pages is long. */
function giveBackInTime(db: Database, most: number, begun: number): GivenBack {
  let [pages, bytes] = [0, 0];
  for (let next = 1; next > 0;) {
    const given = giveBackPages(db, next);
    pages += given.pages;
    bytes += given.bytes;
    const elapsedMs = performance.now() - begun;
    const isOver = given.pages < next || elapsedMs > ENOUGH_MS;
    // As many as took a millisecond until now.
    next = isOver ? 0 : Math.min(Math.max(Math.floor(pages / elapsedMs), 1), most - pages);
  }
  return { pages, bytes };
}

function rewritten(given: string, databasePath: string): MaintError {
  return new MaintError('PLAN_STALE', {
    message: `${given} changed after the plan was shown`,
    details: [`somebody has rewritten ${databasePath} without incremental auto-vacuum`],
    hint: 'make sure that nobody else maintains the directory, then run this again',
  });
}
