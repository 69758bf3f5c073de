/**
 * vacuum: prune, then give the free pages back to the file system.
 */
import { MaintError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { shellWord } from '../shell-word.ts';
import { sqliteTempDir, TEMP_DIR_VARIABLE } from '../sqlite/temp-dir.ts';
import type { VacuumAgreement } from './agreement.ts';
import {
  autoPurgeNeed,
  isSwitching,
  planAutoPurgeStep,
  type AutoPurgeStep,
  type AutoPurgeWish,
} from './auto-purge/step.ts';
import type { CleanReport } from './clean/execute.ts';
import { cleanJournalNeed, planSteps, type CleanPlan, type CleanRequest, type CleanSteps } from './clean/plan.ts';
import type { Alternative, SpaceNeed } from './guard-context.ts';
import { readLeftovers } from './leftovers.ts';
import {
  planDirectory,
  type DirectoryPlan,
  type PlannedSizes,
  type PlannedWork,
  type Planning,
  type Strategy,
} from './planning.ts';
import { pruneJournalNeed } from './prune.ts';
import { retentionOptions, type Target } from './target.ts';
import { chooseMode, IN_PLACE, type ChosenMode, type VacuumMode } from './vacuum-mode.ts';

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
}

export interface VacuumPlan {
  readonly request: VacuumRequest;
  readonly directory: DirectoryPlan;
  /** What is removed first; null where that was not asked for. */
  readonly clean: CleanPlan | null;
  /** What becomes of Chroma's own purge, whatever a vacuum is worth; null where it is left as it is. */
  readonly autoPurge: AutoPurgeStep | null;
  /** Estimated bytes of the file afterwards. */
  readonly expectedBytes: number;
  readonly reclaimableBytes: number;
  /** False where less can be given back than was asked for: nothing is done then. */
  readonly isWorthwhile: boolean;
  readonly temporaryDirectory: string;
  readonly mode: ChosenMode;
}

export interface VacuumReport {
  readonly plan: VacuumPlan;
  readonly clean: CleanReport | null;
  readonly deleted: number;
  readonly isDone: boolean;
  readonly databaseBytesAfter: number;
}

export interface VacuumStrategy extends Strategy {
  readonly steps: CleanSteps | null;
  readonly autoPurge: AutoPurgeStep | null;
  readonly mode: ChosenMode;
  readonly isWorthwhile: boolean;
  readonly reclaimableBytes: number;
  readonly temporaryDirectory: string;
}

/** Plans a vacuum. Reads only. */
export async function planVacuum(request: VacuumRequest, host: Host, isDryRun: boolean): Promise<VacuumPlan> {
  const planning = vacuumPlanning(request, host, isDryRun, null);
  return vacuumPlanOf(request, await planDirectory(planning, host));
}

/** What a vacuum plans. Where a person has agreed to a way, it is that way. */
export function vacuumPlanning(
  request: VacuumRequest,
  host: Host,
  isDryRun: boolean,
  agreed: VacuumAgreement | null,
): Planning<VacuumStrategy> {
  const temporaryDirectory = temporaryDirectoryOf(request, host);
  return {
    target: request.target,
    isDryRun,
    isJournalRecovered: agreed?.isJournalRecovered ?? false,
    withoutPrune: request.withoutPrune,
    writesTo: [temporaryDirectory],
    strategy: (sizes, context, { db, reading }) => {
      const choose = (): ChosenMode =>
        agreed?.mode.kind === 'in-place' ? agreed.mode : chooseMode(agreed?.mode.kind ?? request.mode, sizes, context);
      const { clean } = request;
      const now = host.now().getTime();
      const steps = clean === null ? null : planSteps(clean, readLeftovers(db, reading), reading.lastSeqId, now);
      const isAgreed = agreed === null || agreed.isWorthwhile;
      const strategy = strategyFor(request, sizes, rowBytes(steps), { temporaryDirectory, choose, isAgreed });
      const { autoPurge: wish } = request;
      const autoPurge = wish === null ? null : planAutoPurgeStep(db, reading.schema, wish, context.dir);
      const planned = withClean(strategy, sizes, steps);
      const isAlone = planned.needs.length === 0 && isSwitching(autoPurge);
      return { ...planned, autoPurge, needs: isAlone ? [autoPurgeNeed(context.dir)] : planned.needs };
    },
  };
}

export function vacuumPlanOf(request: VacuumRequest, { plan, strategy }: PlannedWork<VacuumStrategy>): VacuumPlan {
  const { mode, isWorthwhile, reclaimableBytes, temporaryDirectory, steps, autoPurge } = strategy;
  return {
    request,
    directory: mode.kind === 'rebuild' ? checkedAfterwards(plan) : plan,
    clean: request.clean === null || steps === null ? null : { request: request.clean, directory: plan, steps },
    autoPurge,
    expectedBytes: plan.databaseBytes - reclaimableBytes,
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
  readonly temporaryDirectory: string;
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
  const reclaimableBytes = Math.min(freeBytes + prunableBytes + leftBytes, databaseBytes);
  const isWorthwhile =
    isAgreed && reclaimableBytes > 0 && reclaimableBytes >= leastBytes(request.minReclaim, databaseBytes);
  const gain = { isWorthwhile, reclaimableBytes, temporaryDirectory };
  if (!isWorthwhile) return { ...gain, mode: IN_PLACE, needs: [], alternatives: [], whenShort: '' };
  const mode = choose();
  const inPlace = inPlaceNeeds(sizes, temporaryDirectory);
  const alternatives = sizes.prunableRows === 0 ? [] : [pruneAlone(sizes, request.target)];
  if (mode.kind === 'rebuild') {
    const title = 'VACUUM in place';
    const rewrite = { title, needs: inPlace, offer: 'let it be rewritten in place: --mode in-place' };
    const whenShort = 'free some space';
    return { ...gain, mode, needs: rebuildNeeds(sizes), alternatives: [rewrite, ...alternatives], whenShort };
  }
  const whenShort = 'move the temporary copy to another disk with --temp-dir <dir>';
  return { ...gain, mode, needs: inPlace, alternatives, whenShort };
}

/** Bytes of the file that a clean-up frees. Directories are beside it. */
function rowBytes(steps: CleanSteps | null): number {
  return steps === null ? 0 : [...steps.tables, ...steps.topics].reduce((sum, { bytes }) => sum + bytes, 0);
}

/** The clean-up is committed before the vacuum begins, so that its journal is gone by then: the larger need counts. */
function withClean(
  strategy: Omit<VacuumStrategy, 'steps' | 'autoPurge'>,
  { dir, pageSize }: PlannedSizes,
  steps: CleanSteps | null,
): Omit<VacuumStrategy, 'autoPurge'> {
  if (steps === null) return { ...strategy, steps };
  const first = cleanJournalNeed(dir.path, steps, pageSize);
  const beside = strategy.needs.find(({ directory }) => directory === dir.path);
  const others = strategy.needs.filter((need) => need !== beside);
  const most = beside === undefined || first.bytes > beside.bytes ? first : beside;
  return { ...strategy, steps, needs: [...others, most] };
}

function pruneAlone(sizes: PlannedSizes, { retention }: Target): Alternative {
  const command = ['chroma-maint prune', shellWord(sizes.dir.given), ...retentionOptions(retention)].join(' ');
  return {
    title: 'a prune alone',
    needs: [pruneJournalNeed(sizes)],
    offer: `${command} stops the growth, for Chroma fills the freed pages first`,
  };
}

/**
 * VACUUM writes a temporary copy of the live pages and, while it copies them back, a rollback journal of the pages it
 * overwrites; the delete before it has a journal of its own, which is gone by then. Never a flat 2×: with most of the
 * file prunable that would refuse exactly the directories that need it most.
 */
export function inPlaceNeeds(sizes: PlannedSizes, temporaryDirectory: string): readonly SpaceNeed[] {
  const live = liveBytes(sizes);
  const journal = Math.max(live, pruneJournalNeed(sizes).bytes);
  return [
    { directory: temporaryDirectory, bytes: live, purpose: "VACUUM's temporary copy" },
    { directory: sizes.dir.path, bytes: journal, purpose: 'the rollback journal' },
  ];
}

/** The new file, beside the old one. Nothing is written to the old one, so there is no journal. */
export function rebuildNeeds(sizes: PlannedSizes): readonly SpaceNeed[] {
  return [{ directory: sizes.dir.path, bytes: liveBytes(sizes), purpose: 'the new database' }];
}

/** Upper estimate: a tenth of what is to be pruned may sit on pages that stay. */
function liveBytes({ databaseBytes, freeBytes, prunableBytes }: PlannedSizes): number {
  return Math.max(databaseBytes - freeBytes - Math.floor(prunableBytes * 0.9), 0);
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
