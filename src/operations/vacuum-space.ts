/**
 * What each way of a vacuum needs room for.
 */
import { shellWord } from '../shell-word.ts';
import { pointerMapBytes, type AutoVacuum } from '../sqlite/auto-vacuum.ts';
import { cleanJournalNeed, type CleanSteps } from './clean/plan.ts';
import type { Alternative, SpaceNeed } from './guard-context.ts';
import { MOST_PAGES } from './incremental/given.ts';
import type { OnlineLimits } from './online/pace.ts';
import type { PlannedSizes } from './planning.ts';
import { batchJournalNeed, FREED_PER_LISTED_PAGE, pruneJournalNeed } from './prune.ts';
import { selectionOptions, type Target } from './target.ts';

/**
 * VACUUM writes a temporary copy of the live pages and, while it copies them back, a rollback journal of the pages it
 * overwrites; the delete before it has a journal of its own, which is gone by then. Never a flat 2×: with most of the
 * file prunable that would refuse exactly the directories that need it most.
 */
export function inPlaceNeeds(
  sizes: PlannedSizes,
  temporaryDirectory: string,
  autoVacuum: AutoVacuum = sizes.autoVacuum,
): readonly SpaceNeed[] {
  const live = liveBytes(sizes, autoVacuum);
  const journal = Math.max(live, pruneJournalNeed(sizes).bytes);
  return [
    { directory: temporaryDirectory, bytes: live, purpose: "VACUUM's temporary copy" },
    { directory: sizes.dir.path, bytes: journal, purpose: 'the rollback journal' },
  ];
}

/** The new file, beside the old one. Nothing is written to the old one, so there is no journal. */
export function rebuildNeeds(sizes: PlannedSizes, autoVacuum: AutoVacuum = sizes.autoVacuum): readonly SpaceNeed[] {
  return [{ directory: sizes.dir.path, bytes: liveBytes(sizes, autoVacuum), purpose: 'the new database' }];
}

/** Header, rounding, the pages above one that moves. */
const STEP_MARGIN_PAGES = 64;

/**
 * There is no copy: the larger of the journals of the delete and of one transaction that gives pages back. That one has
 * for each page the one that points to it and its own old place, at the most, and of the lists of free pages and of the
 * pointer map all there is. Measured: 1.02 pages for each, and 74 to 175 for the lists (1 GB, 700 MB of it free).
 */
export function incrementalNeeds(sizes: PlannedSizes, online: OnlineLimits | null): readonly SpaceNeed[] {
  const { dir, databaseBytes, freeBytes, prunableBytes, pageSize } = sizes;
  const first = online === null ? pruneJournalNeed(sizes) : batchJournalNeed(sizes, online);
  const free = Math.ceil((freeBytes + prunableBytes) / pageSize);
  const pages = 2 * Math.min(MOST_PAGES, free) + Math.ceil(free / FREED_PER_LISTED_PAGE) + STEP_MARGIN_PAGES;
  const bytes = pages * pageSize + pointerMapBytes(databaseBytes, pageSize);
  return withLarger([first], { directory: dir.path, bytes, purpose: 'the rollback journal of one transaction' });
}

/** Upper estimate: a tenth of what is to be pruned may sit on pages that stay. */
function liveBytes(sizes: PlannedSizes, autoVacuum: AutoVacuum): number {
  const { databaseBytes, freeBytes, prunableBytes } = sizes;
  const live = Math.max(databaseBytes - freeBytes - Math.floor(prunableBytes * 0.9), 0);
  return live + addedBytes(sizes, live, autoVacuum);
}

/** Bytes that a file with `bytes` of pages in use has more, or less, once it gives pages back as `autoVacuum` says. */
export function addedBytes(
  { autoVacuum: before, pageSize }: PlannedSizes,
  bytes: number,
  autoVacuum: AutoVacuum,
): number {
  if ((before === 'none') === (autoVacuum === 'none')) return 0;
  return (before === 'none' ? 1 : -1) * pointerMapBytes(bytes, pageSize);
}

/** The clean-up is committed before the vacuum begins, so that its journal is gone by then: the larger need counts. */
export function needsWithClean(
  needs: readonly SpaceNeed[],
  { dir, pageSize }: PlannedSizes,
  steps: CleanSteps | null,
): readonly SpaceNeed[] {
  return steps === null ? needs : withLarger(needs, cleanJournalNeed(dir.path, steps, pageSize));
}

/** Of two needs of which one is over before the other begins, the larger. */
function withLarger(needs: readonly SpaceNeed[], other: SpaceNeed): readonly SpaceNeed[] {
  const beside = needs.find(({ directory }) => directory === other.directory);
  const most = beside === undefined || other.bytes > beside.bytes ? other : beside;
  return [...needs.filter((need) => need !== beside), most];
}

/** What to do where there is no room for a vacuum. */
export function pruneAlone(sizes: PlannedSizes, target: Target, online: OnlineLimits | null): Alternative {
  const beside = online === null ? [] : ['--while-running'];
  const command = ['chroma-maint prune', shellWord(sizes.dir.given), ...selectionOptions(target), ...beside].join(' ');
  return {
    title: 'a prune alone',
    needs: [online === null ? pruneJournalNeed(sizes) : batchJournalNeed(sizes, online)],
    offer: `${command} stops the growth, for Chroma fills the freed pages first`,
  };
}
