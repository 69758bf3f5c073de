import { shellWord } from '../shell-word.ts';

/**
 * What to do about a damaged database, as a hint. The shell's .recover writes to what it opens, so it gets a copy.
 */
export function recoveringFrom(databasePath: string): string {
  return `restore a backup, or see what can still be read from a copy: cp ${shellWord(databasePath)} damaged.sqlite3 && sqlite3 damaged.sqlite3 .recover | sqlite3 recovered.sqlite3`;
}
