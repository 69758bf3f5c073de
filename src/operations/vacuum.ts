/**
 * vacuum: prune, then give the free pages back to the file system.
 */
import { shellWord } from '../shell-word.ts';
import { statSync } from 'node:fs';
import { MaintError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { rebuiltBytes } from '../sqlite/rebuilt-file.ts';
import { sqliteTempDir, TEMP_DIR_VARIABLE } from '../sqlite/temp-dir.ts';
import type { Execution } from './child.ts';
import { executeJob } from './execute.ts';
import { planDirectory, type DirectoryPlan, type PlannedSizes, type Strategy } from './planning.ts';
import { executed, pruneJournalNeed } from './prune.ts';
import type { GuardContext, SpaceNeed } from './guard-context.ts';
import type { Target } from './target.ts';
import { chooseMode, IN_PLACE, type ChosenMode, type VacuumMode } from './vacuum-mode.ts';

/** Below it a vacuum is not worth rewriting the file. */
export type MinReclaim =
  | { readonly kind: 'bytes'; readonly bytes: number }
  | { readonly kind: 'share'; readonly share: number };

export interface VacuumRequest {
  readonly target: Target;
  readonly withoutPrune: boolean;
  readonly minReclaim: MinReclaim;
  /** Where SQLite puts the temporary copy, null for its own choice. */
  readonly tempDir: string | null;
  readonly mode: VacuumMode | 'auto';
  /** Compare every row of a rebuilt database with the old one. */
  readonly isFullyVerified: boolean;
}

export interface VacuumPlan {
  readonly request: VacuumRequest;
  readonly directory: DirectoryPlan;
  /** Estimated bytes of the file afterwards. */
  readonly expectedBytes: number;
  readonly reclaimableBytes: number;
  /** False where less can be given back than was asked for: nothing is done then. */
  readonly isWorthwhile: boolean;
  readonly temporaryDirectory: string;
  readonly mode: ChosenMode;
}

/** Bytes of a file that is being written. */
export interface Growth {
  readonly written: number;
  readonly expected: number;
}

export interface VacuumReport {
  readonly plan: VacuumPlan;
  readonly deleted: number;
  readonly isDone: boolean;
  readonly databaseBytesAfter: number;
}

type VacuumStrategy = Strategy & Pick<VacuumPlan, 'mode' | 'isWorthwhile' | 'reclaimableBytes'>;

/** Plans a vacuum. Reads only. */
export async function planVacuum(request: VacuumRequest, host: Host, isDryRun: boolean): Promise<VacuumPlan> {
  const temporaryDirectory = temporaryDirectoryOf(request, host);
  const {
    strategy: { mode, isWorthwhile, reclaimableBytes },
    ...planned
  } = await planDirectory(request.target, host, {
    isDryRun,
    withoutPrune: request.withoutPrune,
    strategy: (sizes, context) => strategyFor(request, sizes, context, temporaryDirectory),
  });
  const directory = mode.kind === 'rebuild' ? checkedAfterwards(planned) : planned;
  return {
    request,
    directory,
    expectedBytes: directory.databaseBytes - reclaimableBytes,
    reclaimableBytes,
    isWorthwhile,
    temporaryDirectory,
    mode,
  };
}

/** A rebuild leaves the old file as it is and checks the new one, so that nothing is read twice. */
function checkedAfterwards(plan: DirectoryPlan): DirectoryPlan {
  const checks = plan.checks.map((check) =>
    check.status === 'later' ? { ...check, when: 'of the new file, before it is put in place' } : check,
  );
  return { ...plan, checks };
}

function strategyFor(
  request: VacuumRequest,
  sizes: PlannedSizes,
  context: GuardContext,
  temporaryDirectory: string,
): VacuumStrategy {
  const prune = `chroma-maint prune ${shellWord(sizes.dir.given)} needs little room and stops the growth`;
  const { databaseBytes, freeBytes, prunableBytes } = sizes;
  const reclaimableBytes = Math.min(freeBytes + prunableBytes, databaseBytes);
  const isWorthwhile = reclaimableBytes > 0 && reclaimableBytes >= leastBytes(request.minReclaim, databaseBytes);
  const gain = { isWorthwhile, reclaimableBytes };
  if (!isWorthwhile) return { ...gain, mode: IN_PLACE, needs: [], whenShort: prune };
  const mode = chooseMode(request.mode, sizes, context);
  if (mode.kind === 'rebuild') return { ...gain, mode, needs: rebuildNeeds(sizes), whenShort: prune };
  return {
    ...gain,
    mode,
    needs: inPlaceNeeds(sizes, temporaryDirectory),
    whenShort: `${prune}; or move the temporary copy with --temp-dir <dir>`,
  };
}

/** Executes `plan` in a child process, prune and VACUUM on one connection. */
export async function executeVacuum(plan: VacuumPlan, host: Host, execution: Execution): Promise<VacuumReport> {
  const { dir, prune, target, databaseBytes } = plan.directory;
  if (!plan.isWorthwhile) return { plan, deleted: 0, isDone: false, databaseBytesAfter: databaseBytes };
  const agreed = { target, plan: prune, isPruning: !plan.request.withoutPrune };
  const job =
    plan.mode.kind === 'rebuild'
      ? ({ kind: 'rebuild', agreed, isFull: plan.request.isFullyVerified } as const)
      : ({ kind: 'vacuum', agreed } as const);
  const { deleted } = await executeJob(job, host, execution);
  const done = { ...plan, directory: executed(plan.directory) };
  return { plan: done, deleted, isDone: true, databaseBytesAfter: statSync(dir.databasePath).size };
}

/** How far the new file of a rebuild is; null where none is being written. */
export function growthOf({ directory, expectedBytes }: VacuumPlan): Growth | null {
  const written = rebuiltBytes(directory.dir.databasePath);
  return written === null ? null : { written, expected: expectedBytes };
}

/**
 * VACUUM writes a temporary copy of the live pages and, while it copies them back, a rollback journal of the pages it
 * overwrites; the delete before it has a journal of its own, which is gone by then. Never a flat 2×: with most of the
 * file prunable that would refuse exactly the directories that need it most.
 */
function inPlaceNeeds(sizes: PlannedSizes, temporaryDirectory: string): readonly SpaceNeed[] {
  const live = liveBytes(sizes);
  const journal = Math.max(live, pruneJournalNeed(sizes).bytes);
  return [
    { directory: temporaryDirectory, bytes: live, purpose: "VACUUM's temporary copy" },
    { directory: sizes.dir.path, bytes: journal, purpose: 'the rollback journal' },
  ];
}

/** The new file, beside the old one. Nothing is written to the old one, so there is no journal. */
function rebuildNeeds(sizes: PlannedSizes): readonly SpaceNeed[] {
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
