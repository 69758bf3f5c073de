/**
 * What a directory is before a working process begins, to tell afterwards what that one has done.
 */
import { statSync } from 'node:fs';
import type { PersistDir } from '../chroma/persist-dir.ts';
import { quarantineIds } from '../repository/quarantine.ts';

export interface StateBefore {
  readonly inode: bigint;
  readonly changeCounter: number;
  /** Ids of the quarantines that were there. */
  readonly quarantines: readonly string[];
}

export function stateBefore({ path, databasePath, database }: PersistDir): StateBefore {
  const { ino: inode } = statSync(databasePath, { bigint: true });
  return { inode, changeCounter: database.changeCounter, quarantines: quarantineIds(path) };
}
