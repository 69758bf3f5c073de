/**
 * What an inspection reads and what it tells.
 */
import type { AutoPurge } from '../chroma/auto-purge.ts';
import type { Schema, SegmentId } from '../chroma/model.ts';
import type { PersistDir } from '../chroma/persist-dir.ts';
import type { PrunePlan } from '../chroma/prune-plan.ts';
import type { SegmentDir } from '../chroma/segment-dirs.ts';
import type { Host, HolderScan } from '../host/host.ts';
import type { TableBytes } from '../sqlite/pages.ts';
import type { CollectionPlan } from './collections.ts';
import type { Room } from './examine/space.ts';
import type { Finding } from './findings/findings.ts';
import type { Reading } from './reading.ts';

export interface Inspection {
  readonly dir: PersistDir;
  readonly schema: Schema;
  readonly autoPurge: AutoPurge;
  readonly holders: HolderScan;
  /** What there is room for; null where the system does not say what is free. */
  readonly room: Room | null;
  readonly records: number;
  readonly bytes: ByteShares;
  readonly collections: readonly InspectedCollection[];
  readonly findings: readonly Finding[];
  /** SQLite's own version, compiled into better-sqlite3. */
  readonly sqliteVersion: string;
}

/** Where the bytes are. All but `database` add up to the directory: database file, index files, orphans, quarantines. */
export interface ByteShares {
  /** Size of the database file. */
  readonly database: number;
  readonly free: number;
  readonly wal: number;
  /** The part of `wal` that a prune would free. Estimated. */
  readonly walPrunable: number;
  readonly metadata: number;
  readonly fullText: number;
  /** Collections, segments, migrations and the like. */
  readonly catalog: number;
  readonly hnsw: number;
  /** Directories of segments that no longer exist. */
  readonly orphans: number;
  /** What clean has put aside, as far as this user may see it. */
  readonly quarantine: number;
}

export interface InspectedCollection extends CollectionPlan {
  readonly records: number;
  readonly hnswBytes: number;
  /** Share of the index's elements that are marked deleted, null where the index cannot tell. */
  readonly deletedShare: number | null;
}

/** Everything that is read, before it is interpreted. */
export interface InspectionReading {
  readonly dir: PersistDir;
  readonly host: Host;
  readonly reading: Reading;
  readonly plan: PrunePlan;
  readonly autoPurge: AutoPurge;
  readonly holders: HolderScan;
  readonly records: ReadonlyMap<SegmentId, number>;
  readonly tables: TableBytes;
  readonly segmentDirs: readonly SegmentDir[];
  readonly asideBytes: number;
  /** Bytes of a new database file that is not in place: of a rebuild that was cut off, or that runs. */
  readonly rebuiltBytes: number | null;
  readonly sqliteVersion: string;
}

/** Bytes that a vacuum with its prune would give back. Estimated. */
export function reclaimable({ free, walPrunable }: ByteShares): number {
  return free + walPrunable;
}
