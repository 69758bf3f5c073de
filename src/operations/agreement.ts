/**
 * What of a plan a person said yes to, for the plan that is made under the lock to be compared with; no code.
 */
import type { PrunePlan } from '../chroma/prune-plan.ts';
import type { AutoPurgeStep } from './auto-purge/step.ts';
import type { AutoVacuumStep } from './auto-vacuum.ts';
import type { CleanSteps } from './clean/plan.ts';
import type { FullTextState } from './full-text/plan.ts';
import type { ChosenMode } from './vacuum-mode.ts';

export interface Agreement {
  readonly prune: PrunePlan;
  /** True where a hot journal was played back before the plan was shown. */
  readonly isJournalRecovered: boolean;
}

export interface VacuumAgreement extends Agreement {
  readonly mode: ChosenMode;
  /** False where a person was told that a vacuum is not worth it. */
  readonly isWorthwhile: boolean;
  /** What is cleaned up first; null where nothing is. */
  readonly clean: CleanSteps | null;
  /** What becomes of Chroma's own purge; null where that is left as it is. */
  readonly autoPurge: AutoPurgeStep | null;
  /** How the file gives pages back, before and after. */
  readonly autoVacuum: AutoVacuumStep;
}

export interface AutoPurgeAgreement extends Agreement {
  readonly step: AutoPurgeStep;
}

export interface CleanAgreement extends Agreement {
  readonly steps: CleanSteps;
}

export interface FullTextAgreement extends Agreement {
  readonly index: FullTextState;
}
