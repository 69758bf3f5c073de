/**
 * Looks beside somebody who writes: rows, and files that are written before the rows are committed, cannot be read at one
 * moment without keeping him from committing.
 */
import { statSync } from 'node:fs';
import { HELD_UP_MS } from '../../chroma/index-stamp.ts';
import type { PersistDir } from '../../chroma/persist-dir.ts';
import { listSegmentDirs } from '../../chroma/segment-dirs.ts';
import type { Database } from '../../sqlite/open.ts';
import { DATABASE } from '../examine/place.ts';
import { finding, type Finding } from '../findings/findings.ts';

export interface Examined {
  readonly found: readonly Finding[];
  /** False where nothing is told of what is in the database: it is damaged, or of a schema that is not known. */
  readonly isRead: boolean;
  /** What is asked of the machine once the database is closed. */
  readonly later: () => Promise<readonly Finding[]>;
}

/** So often it is looked where somebody writes, each time from a quiet moment on, if one comes. */
const ATTEMPTS = 3;
const QUIET_WAIT_MS = 1000;
const POLL_MS = 5;
const SETTLE_POLL_MS = 50;

/**
 * What `look` sees where nobody writes meanwhile. Where somebody always does, what it sees each time: of what is half done
 * at one moment, at another one something else is.
 */
export function lookedAgain(db: Database, dir: PersistDir, look: () => Examined): Examined {
  const looks: Examined[] = [];
  const first = momentOf(db, dir);
  while (looks.length < ATTEMPTS) {
    const before = quietMoment(db, dir);
    const examined = look();
    const after = examined.found.length === 0 ? momentOf(db, dir) : settledMoment(db, dir, before);
    if (isSame(before, after)) return examined;
    looks.push(examined);
  }
  const found = seenEachTime(looks);
  // A journal that was finished long ago is there all the time, and nothing else happens.
  if (momentOf(db, dir).version === first.version) return found;
  const message = 'somebody wrote each time it was read; told is what was found each time';
  return added([finding('changed-meanwhile', DATABASE, message)], found);
}

function seenEachTime(looks: readonly Examined[]): Examined {
  const [last = NOTHING, ...others] = looks.toReversed();
  const isSeen = ({ id, subject }: Finding, { found }: Examined): boolean =>
    found.some((each) => each.id === id && each.subject === subject);
  return { ...last, found: last.found.filter((each) => others.every((look) => isSeen(each, look))) };
}

const NOTHING: Examined = { found: [], isRead: false, later: () => Promise.resolve([]) };

export function added(more: readonly Finding[], examined: Examined): Examined {
  return { ...examined, found: [...more, ...examined.found] };
}

interface Moment {
  /** When a file of an index was last written to, in milliseconds since 1970. */
  readonly newestMs: number;
  /**
   * Changes whenever another connection has committed (sqlite.org/pragma.html#pragma_data_version), and whenever a file of
   * an index was written to, which Chroma does before it commits.
   */
  readonly version: string;
  /** False where a transaction may be under way: then there is a journal, and an index can be ahead of its rows. */
  readonly isQuiet: boolean;
}

/** The next moment without a transaction under way: what is read first, positions and indexes, then fits together. */
function quietMoment(db: Database, dir: PersistDir): Moment {
  const deadline = Date.now() + QUIET_WAIT_MS;
  let moment = momentOf(db, dir);
  while (!moment.isQuiet && Date.now() < deadline) {
    pause(POLL_MS);
    moment = momentOf(db, dir);
  }
  return moment;
}

/**
 * The moment from which on a save that was under way at `before` would have shown: Chroma writes the header of an index
 * first and what it lists last, and between the two it looks damaged, or like one that has lost what it does not list yet.
 */
function settledMoment(db: Database, dir: PersistDir, before: Moment): Moment {
  const wait = Math.min(before.newestMs + HELD_UP_MS - Date.now(), HELD_UP_MS);
  const deadline = performance.now() + wait;
  let moment = momentOf(db, dir);
  while (isSame(before, moment) && performance.now() < deadline) {
    pause(SETTLE_POLL_MS);
    moment = momentOf(db, dir);
  }
  return moment;
}

/** True where nobody has written anything between the two. */
function isSame(before: Moment, after: Moment): boolean {
  return before.isQuiet && after.isQuiet && before.version === after.version;
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function momentOf(db: Database, { path, databasePath }: PersistDir): Moment {
  const newest = listSegmentDirs(path).reduce((latest, { newestMs }) => Math.max(latest, newestMs), 0);
  const journal = statSync(`${databasePath}-journal`, { throwIfNoEntry: false });
  return {
    newestMs: newest,
    version: `${String(db.pragma('data_version', { simple: true }))} ${newest}`,
    isQuiet: journal === undefined,
  };
}
