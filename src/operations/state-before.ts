/**
 * What a directory is before a working process begins, to tell afterwards what that one has done.
 */
import { statSync } from 'node:fs';
import type { PersistDir } from '../chroma/persist-dir.ts';
import { segmentDirNames } from '../chroma/segment-dirs.ts';
import { quarantineIds } from '../repository/quarantine.ts';

export interface StateBefore {
  readonly inode: bigint;
  readonly changeCounter: number;
  /** Ids of the quarantines that were there. */
  readonly quarantines: readonly string[];
  /** Names of the directories of segments, live or not. */
  readonly directories: readonly string[];
}

export function stateBefore({ path, databasePath, database }: PersistDir): StateBefore {
  const { ino: inode } = statSync(databasePath, { bigint: true });
  const { changeCounter } = database;
  return { inode, changeCounter, quarantines: quarantineIds(path), directories: segmentDirNames(path) };
}
