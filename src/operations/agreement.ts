/**
 * What the operator agreed to, as it is handed to the working process; no code. Plain data with bigints: it crosses the
 * process boundary by structured clone.
 */
import type { PrunePlan } from '../chroma/prune-plan.ts';
import type { Target } from './target.ts';

export interface AgreedPrune {
  readonly target: Target;
  readonly plan: PrunePlan;
  /** False for a vacuum without prune: nothing is deleted, nothing is planned again. */
  readonly isPruning: boolean;
}

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
