/**
 * Rollback journals and write-ahead files beside the database: looked at before SQLite opens anything.
 */
import { realpathSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { locatePersistDir, type PersistDir } from '../chroma/persist-dir.ts';
import { MaintError } from '../errors.ts';
import { shellWord } from '../shell-word.ts';
import { remark, type GuardContext, type GuardNote, type Machine } from './guard-context.ts';

const POLL_MS = 50;

/** Throws HOT_JOURNAL where reading would change or misread the database. */
export function verifyJournal({ dir, allow }: GuardContext): GuardNote {
  if (dir.walMode || dir.walFiles.length > 0) {
    const fact = dir.walMode
      ? "the database is in SQLite's WAL mode"
      : `a write-ahead file stands beside the database (${dir.walFiles.join(', ')})`;
    throw new MaintError('HOT_JOURNAL', {
      message: `${fact}: ${dir.databasePath}`,
      details: ['Chroma never switches it on; it was not opened, because opening it would create files'],
      hint: `stop everything that uses it, then: sqlite3 ${shellWord(dir.databasePath)} 'PRAGMA journal_mode = DELETE'`,
    });
  }
  if (dir.journal === 'hot' && !allow.recoverJournal) throw hotJournal(dir);
  return dir.journal === 'cold' ? remark('a finished journal file is lying beside the database; it is harmless') : null;
}

/** The refusal of a directory whose last transaction was cut off. */
export function hotJournal(dir: PersistDir): MaintError {
  return new MaintError('HOT_JOURNAL', {
    message: `a transaction was cut off and its rollback journal is still to be played back: ${dir.databasePath}-journal`,
    details: ['until then the database file alone is not consistent; never delete that journal'],
    hint: 'stop Chroma, then give a writing command --recover-journal, or start and stop Chroma once',
  });
}

/** What a later failure says of the data where a hot journal was played back before. */
export async function statingRecovery<T>(isRecovered: boolean, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isRecovered || !(error instanceof MaintError)) throw error;
    throw error.withState('the hot journal was played back; nothing else was changed');
  }
}

/**
 * Locates the directory. While somebody commits, the journal looks exactly like one that was left behind; so where it is
 * hot, this waits for as long as somebody has the directory open, or writes to it between two looks. Returns what is
 * there after at most `waitMs`.
 */
export async function locateSettled(
  given: string,
  waitMs: number,
  { host, ownProcesses }: Machine,
): Promise<PersistDir> {
  const deadline = Date.now() + waitMs;
  const isHeldAt = (path: string): boolean => host.holdersOf(path, ownProcesses).holders.length > 0;
  let dir = await locateWhole(given, deadline, isHeldAt);
  while (dir.journal === 'hot' && Date.now() < deadline) {
    const isHeld = isHeldAt(dir.path);
    await delay(POLL_MS);
    const later = await locateWhole(given, deadline, isHeldAt);
    const isLeft = !isHeld && later.journal === 'hot' && later.database.changeCounter === dir.database.changeCounter;
    dir = later;
    if (isLeft) break;
  }
  return dir;
}

/**
 * Locates the directory. A commit that makes the file larger writes the header first, so until its end the file looks
 * cut short: that is believed only where nobody has the directory open.
 */
async function locateWhole(given: string, deadline: number, isHeldAt: (path: string) => boolean): Promise<PersistDir> {
  for (;;) {
    try {
      return locatePersistDir(given);
    } catch (error) {
      const isCorrupt = error instanceof MaintError && error.code === 'CORRUPT';
      if (!isCorrupt || Date.now() >= deadline || !isHeldAt(realpathSync(given))) throw error;
      await delay(POLL_MS);
    }
  }
}
