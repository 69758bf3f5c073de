/**
 * What a working process is asked to do and what it answers; no code. Plain data with bigints: it crosses the process
 * boundary by structured clone.
 */
import type { Agreement, AutoPurgeAgreement, CleanAgreement, FullTextAgreement, VacuumAgreement } from './agreement.ts';
import type { AutoPurgeReport, AutoPurgeRequest } from './auto-purge/plan.ts';
import type { CreateReport, CreateRequest } from './backup/create.ts';
import type { ForgetReport, ForgetRequest } from './backup/forget.ts';
import type { RestoreReport, RestoreRequest } from './backup/restore.ts';
import type { VerifyReport, VerifyRequest } from './backup/verify.ts';
import type { Observer } from './observer.ts';
import type { PruneReport, PruneRequest } from './prune.ts';
import type { CheckReport, CheckRequest } from './check/report.ts';
import type { CleanReport } from './clean/execute.ts';
import type { CleanRequest } from './clean/plan.ts';
import type { QuarantineReport, QuarantineRequest } from './clean/quarantine.ts';
import type { FullTextReport } from './full-text/execute.ts';
import type { FullTextRequest, FullTextVerb } from './full-text/plan.ts';
import type { ScrubReport, ScrubRequest } from './scrub/plan.ts';
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

export interface CleanJob {
  readonly kind: 'clean';
  readonly request: CleanRequest;
  readonly agreed: CleanAgreement | null;
}

export interface FullTextJob {
  readonly kind: FullTextVerb;
  readonly request: FullTextRequest;
  readonly agreed: FullTextAgreement | null;
}

export interface AutoPurgeJob {
  readonly kind: 'wal config';
  readonly request: AutoPurgeRequest;
  readonly agreed: AutoPurgeAgreement | null;
}

export interface ScrubJob {
  readonly kind: 'scrub';
  readonly request: ScrubRequest;
  readonly agreed: Agreement | null;
}

export interface QuarantineJob {
  readonly kind: 'clean quarantine';
  readonly request: QuarantineRequest;
  /** Ids of the quarantines that may be touched; null where nobody was asked. */
  readonly agreed: readonly string[] | null;
}

export interface CheckJob {
  readonly kind: 'check';
  readonly request: CheckRequest;
}

export interface CreateJob {
  readonly kind: 'backup create';
  readonly request: CreateRequest;
}

export interface VerifyJob {
  readonly kind: 'backup verify';
  readonly request: VerifyRequest;
}

export interface RestoreJob {
  readonly kind: 'backup restore';
  readonly request: RestoreRequest;
}

export interface ForgetJob {
  readonly kind: 'backup forget';
  readonly request: ForgetRequest;
  /** Names of the snapshots that may go; null where nobody was asked. */
  readonly agreed: readonly string[] | null;
}

/** Jobs that change a persist directory by a plan. */
export type PlannedJob = PruneJob | VacuumJob | CleanJob | FullTextJob | AutoPurgeJob | ScrubJob;
export type BackupJob = CreateJob | VerifyJob | RestoreJob | ForgetJob;
export type Job = PlannedJob | QuarantineJob | CheckJob | BackupJob;

interface Reports {
  readonly prune: PruneReport;
  readonly vacuum: VacuumReport;
  readonly clean: CleanReport;
  readonly 'fts rebuild': FullTextReport;
  readonly 'fts optimize': FullTextReport;
  readonly 'wal config': AutoPurgeReport;
  readonly scrub: ScrubReport;
  readonly 'clean quarantine': QuarantineReport;
  readonly check: CheckReport;
  readonly 'backup create': CreateReport;
  readonly 'backup verify': VerifyReport;
  readonly 'backup restore': RestoreReport;
  readonly 'backup forget': ForgetReport;
}

export type ReportOf<J extends Job> = Reports[J['kind']];

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
