/**
 * What a working process is asked to do and what it answers; no code. Plain data with bigints: it crosses the process
 * boundary by structured clone.
 */
import type { SeqId } from '../chroma/seq-id.ts';
import type { Agreement, VacuumAgreement } from './agreement.ts';
import type { Check } from './guards.ts';
import type { PruneReport } from './prune.ts';
import type { Target } from './target.ts';
import type { VacuumReport, VacuumRequest } from './vacuum.ts';

/** `agreed` is null where nobody was asked, and the plan that is made under the lock is the only one. */
export interface PruneJob {
  readonly kind: 'prune';
  readonly request: PruneRequest;
  readonly agreed: Agreement | null;
}

export interface VacuumJob {
  readonly kind: 'vacuum';
  readonly request: VacuumRequest;
  readonly agreed: VacuumAgreement | null;
}

export type Job = PruneJob | VacuumJob;

export interface PruneRequest {
  readonly target: Target;
}

export type ReportOf<J extends Job> = J extends PruneJob ? PruneReport : VacuumReport;

/** Steps of the work, in the order in which they are reached. */
export type Stage =
  | 'checking'
  | 'pruning'
  | 'vacuuming'
  | 'rebuilding'
  | 'verifying'
  | 'swapping'
  /** The old file is kept locked until these processes, which opened it at the last moment, have closed it. */
  | { readonly waitingFor: string };

/** The plan that is about to be executed, in a few numbers. */
export interface Planned {
  /** Rows of the queue up to `lastSeqId` before anything is deleted. */
  readonly queueRows: number;
  readonly lastSeqId: SeqId;
  /** Estimated bytes of the database afterwards. */
  readonly expectedBytes: number;
  readonly checks: readonly Check[];
}

/** Whoever is told how the work goes on. */
export interface Observer {
  readonly onPlanned: (planned: Planned) => void;
  readonly onStage: (stage: Stage) => void;
}

/** How a command's execution is watched and ended. */
export interface Execution extends Observer {
  /** Told which process does the work. */
  readonly onStarted: (pid: number) => void;
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number | null;
  /** Where SQLite is to put its temporary files, null for its own choice. */
  readonly tempDir: string | null;
}

/** Does a job and returns its report: in a process of its own, but for tests that need to fake the machine. */
export type Work = <J extends Job>(job: J, execution: Execution) => Promise<ReportOf<J>>;
