/**
 * vacuum: prune, then give the free pages back to the file system.
 */
import { MaintError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import type { AutoVacuum } from '../sqlite/auto-vacuum.ts';
import { sqliteTempDir, TEMP_DIR_VARIABLE } from '../sqlite/temp-dir.ts';
import type { VacuumAgreement } from './agreement.ts';
import {
  autoPurgeNeed,
  isSwitching,
  planAutoPurgeStep,
  type AutoPurgeStep,
  type AutoPurgeWish,
} from './auto-purge/step.ts';
import { isChanging, type AutoVacuumStep } from './auto-vacuum.ts';
import type { CleanReport } from './clean/execute.ts';
import { planSteps, type CleanPlan, type CleanRequest, type CleanSteps } from './clean/plan.ts';
import type { Given } from './incremental/given.ts';
import { readLeftovers } from './leftovers.ts';
import type { OnlineLimits } from './online/pace.ts';
import {
  planDirectory,
  type DirectoryPlan,
  type PlannedSizes,
  type PlannedWork,
  type Planning,
  type Strategy,
} from './planning.ts';
import { pruneInSteps, type OnlineReport } from './prune.ts';
import type { Target } from './target.ts';
import { chooseMode, unchosenMode, verifyIncremental, type ChosenMode, type VacuumMode } from './vacuum-mode.ts';
import {
  addedBytes,
  incrementalNeeds,
  inPlaceNeeds,
  needsWithClean,
  pruneAlone,
  rebuildNeeds,
} from './vacuum-space.ts';

/** Below it a vacuum is not worth rewriting the file. */
export type MinReclaim =
  | { readonly kind: 'bytes'; readonly bytes: number }
  | { readonly kind: 'share'; readonly share: number };

export interface VacuumRequest {
  readonly target: Target;
  readonly withoutPrune: boolean;
  /** What deleted collections left is removed first; null where that was not asked for. */
  readonly clean: CleanRequest | null;
  readonly minReclaim: MinReclaim;
  /** Where SQLite puts the temporary copy, null for its own choice. */
  readonly tempDir: string | null;
  readonly mode: VacuumMode | 'auto';
  /** Compare every row of a rebuilt database with the old one. */
  readonly isFullyVerified: boolean;
  /** What is to become of Chroma's own purge, in the same commit; null where it is left as it is. */
  readonly autoPurge: AutoPurgeWish | null;
  /** How the file that a rewrite leaves is to give pages back; null for as the old one did. */
  readonly autoVacuum: AutoVacuum | null;
  /** How to go about it beside a running server, in the mode `incremental`; null where Chroma is stopped. */
  readonly online: OnlineLimits | null;
}

export interface VacuumPlan {
  readonly request: VacuumRequest;
  readonly directory: DirectoryPlan;
  /** What is removed first; null where that was not asked for. */
  readonly clean: CleanPlan | null;
  /** What becomes of Chroma's own purge, whatever a vacuum is worth; null where it is left as it is. */
  readonly autoPurge: AutoPurgeStep | null;
  readonly autoVacuum: AutoVacuumStep;
  /** Estimated bytes of the file afterwards. */
  readonly expectedBytes: number;
  readonly reclaimableBytes: number;
  /** False where less can be given back than was asked for: nothing is done then. */
  readonly isWorthwhile: boolean;
  /** Where the temporary copy goes; null in the mode `incremental`, which makes none. */
  readonly temporaryDirectory: string | null;
  readonly mode: ChosenMode;
}

export interface VacuumReport {
  readonly plan: VacuumPlan;
  readonly clean: CleanReport | null;
  readonly deleted: number;
  readonly isDone: boolean;
  readonly databaseBytesAfter: number;
  /** What was given back step by step; null in the other modes, and where nothing was done. */
  readonly given: Given | null;
  /** What the prune beside a server did; null where there was none. */
  readonly online: OnlineReport | null;
}

export interface VacuumStrategy extends Strategy {
  readonly steps: CleanSteps | null;
  readonly autoPurge: AutoPurgeStep | null;
  readonly autoVacuum: AutoVacuumStep;
  readonly mode: ChosenMode;
  readonly isWorthwhile: boolean;
  readonly expectedBytes: number;
  readonly reclaimableBytes: number;
  readonly temporaryDirectory: string | null;
}

/** Plans a vacuum. Reads only. */
export async function planVacuum(request: VacuumRequest, host: Host, isDryRun: boolean): Promise<VacuumPlan> {
  const planning = vacuumPlanning(request, host, isDryRun, null);
  if (request.online !== null) {
    const { planWhileRunning } = await import('./online/round.ts');
    return vacuumPlanOf(request, await planWhileRunning(planning, { host, ownProcesses: [process.pid] }));
  }
  return vacuumPlanOf(request, await planDirectory(planning, host));
}

/** What a vacuum plans. Where a person has agreed to a way, it is that way. */
export function vacuumPlanning(
  request: VacuumRequest,
  host: Host,
  isDryRun: boolean,
  agreed: VacuumAgreement | null,
): Planning<VacuumStrategy> {
  const temporaryDirectory = request.mode === 'incremental' ? null : temporaryDirectoryOf(request, host);
  return {
    target: request.target,
    isDryRun,
    isJournalRecovered: agreed?.isJournalRecovered ?? false,
    withoutPrune: request.withoutPrune,
    writesTo: temporaryDirectory === null ? [] : [temporaryDirectory],
    strategy: (sizes, context, { db, reading }) => {
      const choose = (): ChosenMode =>
        agreed?.mode.kind === 'in-place' ? agreed.mode : chooseMode(agreed?.mode.kind ?? request.mode, sizes, context);
      const { clean, autoPurge: wish } = request;
      const now = host.now().getTime();
      const steps = clean === null ? null : planSteps(clean, readLeftovers(db, reading), reading.lastSeqId, now);
      const isAgreed = agreed === null || agreed.isWorthwhile;
      const strategy = strategyFor(request, sizes, rowBytes(steps), { temporaryDirectory, choose, isAgreed });
      const autoPurge = wish === null ? null : planAutoPurgeStep(db, reading.schema, wish, context.dir);
      const needs = needsWithClean(strategy.needs, sizes, steps);
      const isAlone = needs.length === 0 && isSwitching(autoPurge);
      return { ...strategy, steps, autoPurge, needs: isAlone ? [autoPurgeNeed(context.dir)] : needs };
    },
  };
}

export function vacuumPlanOf(request: VacuumRequest, { plan, strategy }: PlannedWork<VacuumStrategy>): VacuumPlan {
  const { mode, steps, autoPurge, autoVacuum, expectedBytes, reclaimableBytes, isWorthwhile, temporaryDirectory } =
    strategy;
  return {
    request,
    directory: mode.kind === 'rebuild' ? checkedAfterwards(plan) : plan,
    clean: request.clean === null || steps === null ? null : { request: request.clean, directory: plan, steps },
    autoPurge,
    autoVacuum,
    expectedBytes,
    reclaimableBytes,
    isWorthwhile,
    temporaryDirectory,
    mode,
  };
}

/** A rebuild leaves the old file as it is and checks the new one, so that nothing is read twice. */
export function checkedAfterwards(plan: DirectoryPlan): DirectoryPlan {
  const checks = plan.checks.map((check) =>
    check.status === 'later' ? { ...check, when: 'of the new file, before it is put in place' } : check,
  );
  return { ...plan, checks };
}

interface Choosing {
  readonly temporaryDirectory: string | null;
  readonly choose: () => ChosenMode;
  /** False where a person was told that a vacuum is not worth it: then there is none. */
  readonly isAgreed: boolean;
}

function strategyFor(
  request: VacuumRequest,
  sizes: PlannedSizes,
  leftBytes: number,
  { temporaryDirectory, choose, isAgreed }: Choosing,
): Omit<VacuumStrategy, 'steps' | 'autoPurge'> {
  const { databaseBytes, freeBytes, prunableBytes } = sizes;
  if (request.mode === 'incremental') verifyIncremental(sizes);
  const autoVacuum = { before: sizes.autoVacuum, after: request.autoVacuum ?? sizes.autoVacuum };
  const reclaimableBytes = Math.min(freeBytes + prunableBytes + leftBytes, databaseBytes);
  const left = databaseBytes - reclaimableBytes;
  const expectedBytes = left + addedBytes(sizes, left, autoVacuum.after);
  const isMuch = reclaimableBytes > 0 && reclaimableBytes >= leastBytes(request.minReclaim, databaseBytes);
  const isWorthwhile = isAgreed && (isMuch || isChanging(autoVacuum));
  const gain = { isWorthwhile, expectedBytes, reclaimableBytes, autoVacuum, temporaryDirectory };
  if (!isWorthwhile) return { ...gain, mode: unchosenMode(request.mode), needs: [], alternatives: [], whenShort: '' };
  return { ...gain, ...wayOf(request, sizes, choose(), { temporaryDirectory, autoVacuum: autoVacuum.after }) };
}

const VACUUM_ELSEWHERE = 'free some space, or, with Chroma stopped, vacuum a copy on another disk and move it back';

/** The way that was chosen, with the room it needs and what could be done instead. */
function wayOf(
  { target, online }: VacuumRequest,
  sizes: PlannedSizes,
  mode: ChosenMode,
  { temporaryDirectory, autoVacuum }: { readonly temporaryDirectory: string | null; readonly autoVacuum: AutoVacuum },
): Strategy & { readonly mode: ChosenMode } {
  const alternatives = sizes.prunableRows === 0 ? [] : [pruneAlone(sizes, target, online), pruneInSteps(sizes, target)];
  const whenShort = VACUUM_ELSEWHERE;
  if (mode.kind === 'incremental' || temporaryDirectory === null) {
    return { mode, needs: incrementalNeeds(sizes, online), alternatives, whenShort };
  }
  const inPlace = inPlaceNeeds(sizes, temporaryDirectory, autoVacuum);
  if (mode.kind === 'in-place') {
    const moved = {
      title: 'with its temporary copy on another disk it',
      needs: inPlace.filter(({ directory }) => directory !== temporaryDirectory),
      offer: 'move the temporary copy to another disk with --temp-dir <dir>',
    };
    return { mode, needs: inPlace, alternatives: [moved, ...alternatives], whenShort };
  }
  const offer = 'let it be rewritten in place: --mode in-place';
  const rewrite = { title: 'VACUUM in place', needs: inPlace, offer };
  const needs = rebuildNeeds(sizes, autoVacuum);
  return { mode, needs, alternatives: [rewrite, ...alternatives], whenShort };
}

/** Bytes of the file that a clean-up frees. Directories are beside it. */
function rowBytes(steps: CleanSteps | null): number {
  return steps === null ? 0 : [...steps.tables, ...steps.topics].reduce((sum, { bytes }) => sum + bytes, 0);
}

function leastBytes(least: MinReclaim, databaseBytes: number): number {
  return least.kind === 'bytes' ? least.bytes : Math.ceil(least.share * databaseBytes);
}

function temporaryDirectoryOf({ tempDir }: VacuumRequest, host: Host): string {
  const environment = tempDir === null ? host.environment : { ...host.environment, [TEMP_DIR_VARIABLE]: tempDir };
  const directory = sqliteTempDir(environment);
  if (directory !== undefined && (tempDir === null || directory === tempDir)) return directory;
  throw new MaintError('NOT_WRITABLE', {
    message: `there is no directory for temporary files${tempDir === null ? '' : `: ${tempDir}`}`,
    hint: 'name one that exists and that this user can write to with --temp-dir <dir>',
  });
}
