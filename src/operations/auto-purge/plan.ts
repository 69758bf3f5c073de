/**
 * wal config --auto-purge: switch Chroma's own purge on or off.
 */
import type { Host } from '../../host/host.ts';
import type { AutoPurgeAgreement } from '../agreement.ts';
import { planDirectory, type DirectoryPlan, type PlannedWork, type Planning, type Strategy } from '../planning.ts';
import type { Target } from '../target.ts';
import { autoPurgeNeed, planAutoPurgeStep, type AutoPurgeStep, type AutoPurgeWish } from './step.ts';

export interface AutoPurgeRequest {
  readonly target: Target;
  readonly wish: AutoPurgeWish;
}

export interface AutoPurgePlan {
  readonly request: AutoPurgeRequest;
  readonly directory: DirectoryPlan;
  readonly step: AutoPurgeStep;
}

export interface AutoPurgeReport {
  readonly plan: AutoPurgePlan;
  /** False where the setting was as wished already. */
  readonly isDone: boolean;
}

export interface AutoPurgeStrategy extends Strategy {
  readonly step: AutoPurgeStep;
}

/** Plans on a read-only connection. */
export async function planAutoPurge(request: AutoPurgeRequest, host: Host, isDryRun: boolean): Promise<AutoPurgePlan> {
  return autoPurgePlanOf(request, await planDirectory(autoPurgePlanning(request, isDryRun, null), host));
}

export function autoPurgePlanning(
  { target, wish }: AutoPurgeRequest,
  isDryRun: boolean,
  agreed: AutoPurgeAgreement | null,
): Planning<AutoPurgeStrategy> {
  return {
    target,
    isDryRun,
    isJournalRecovered: agreed?.isJournalRecovered ?? false,
    withoutPrune: true,
    writesTo: [],
    strategy: (_, { dir }, { db, reading: { schema } }) => ({
      step: planAutoPurgeStep(db, schema, wish, dir),
      needs: [autoPurgeNeed(dir)],
      alternatives: [],
      whenShort: 'free some space',
    }),
  };
}

export function autoPurgePlanOf(
  request: AutoPurgeRequest,
  { plan, strategy }: PlannedWork<AutoPurgeStrategy>,
): AutoPurgePlan {
  return { request, directory: plan, step: strategy.step };
}
