import type { Snapshot } from '../../repository/snapshots.ts';

export interface SnapshotTotals {
  readonly bytes: number;
  /** Bytes that a copy occupies: fewer, where files have holes. */
  readonly allocatedBytes: number;
  readonly records: number;
}

/** What the manifest tells of all files and all collections together. */
export function totalsOf({ manifest: { files, contents } }: Pick<Snapshot, 'manifest'>): SnapshotTotals {
  return {
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    allocatedBytes: files.reduce((sum, { allocated }) => sum + allocated, 0),
    records: contents.collections.reduce((sum, { records }) => sum + records, 0),
  };
}
