/**
 * What whoever watches is told of the work; no code.
 */
import type { SeqId } from '../chroma/seq-id.ts';
import type { Check } from './guards.ts';

/** Steps of the work, in the order in which they are reached. */
export type Stage =
  | 'checking'
  | 'pruning'
  | 'cleaning'
  | 'indexing'
  | 'merging'
  | 'asking'
  | 'vacuuming'
  | 'shrinking'
  | 'rebuilding'
  | 'verifying'
  | 'swapping'
  | 'copying'
  | 'hashing'
  | 'examining'
  | 'integrity'
  | 'comparing'
  | 'removing'
  | 'exporting'
  | 'overwriting'
  | 'gathering'
  | 'searching'
  /** The old file is kept locked until these processes, which opened it at the last moment, have closed it. */
  | { readonly waitingFor: string };

/** The plan that is about to be executed, in a few numbers. */
export interface Planned {
  /** Rows of the queue up to `lastSeqId` before anything is deleted. */
  readonly queueRows: number;
  readonly lastSeqId: SeqId;
  /** Bytes of the database before, and estimated bytes of it afterwards. */
  readonly databaseBytes: number;
  readonly expectedBytes: number;
  readonly checks: readonly Check[];
  /** SQLite's change counter under the lock; null where the system does not let it be read there. */
  readonly changeCounter: number | null;
  /** What an earlier step of the same work has changed for good, in words; null where nothing was. */
  readonly alreadyDone: string | null;
  /** What the commit does besides the deletion of WAL rows, in words; null where that is nothing. */
  readonly besides: string | null;
}

/** Whoever is told how the work goes on. */
export interface Observer {
  readonly onPlanned: (planned: Planned) => void;
  readonly onStage: (stage: Stage) => void;
  /** Bytes of the stage that are done, where that is known, and how many there are. */
  readonly onBytes: (done: number, all: number) => void;
}
