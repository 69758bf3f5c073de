/**
 * backup list: what is in a repository.
 */
import { inWords } from '../../repository/failures.ts';
import { openRepository, type Repository } from '../../repository/repository.ts';
import { newBytes, readSnapshots, type Snapshot, type UnreadableSnapshot } from '../../repository/snapshots.ts';

export interface ListedSnapshot {
  readonly snapshot: Snapshot;
  /** Bytes on disk that no snapshot made before it shares. */
  readonly newBytes: number;
}

export interface BackupList {
  readonly repository: Repository;
  /** In the order in which they were made. */
  readonly snapshots: readonly ListedSnapshot[];
  readonly unreadable: readonly UnreadableSnapshot[];
}

/** Lists the snapshots of the repository at `given`. Reads only, and needs no lock. */
export function listBackups(given: string): Promise<BackupList> {
  return inWords(given, () => {
    const repository = openRepository(given);
    const { snapshots, unreadable } = readSnapshots(repository);
    const added = newBytes(snapshots);
    const listed = snapshots.map((snapshot) => ({ snapshot, newBytes: added.get(snapshot) ?? 0 }));
    return { repository, snapshots: listed, unreadable };
  });
}
