/**
 * clean: give back what deleted collections and databases left behind. What goes, what stays, and why.
 */
import type { Cutoff } from '../../chroma/model.ts';
import { seqId, smallest, type SeqId } from '../../chroma/seq-id.ts';
import type { Host } from '../../host/host.ts';
import { formatDuration } from '../../units.ts';
import type { SpaceNeed } from '../guard-context.ts';
import { readLeftovers, type Doubt, type LeftoverDirectory, type Leftovers, type LeftoverTable } from '../leftovers.ts';
import { planDirectory, type DirectoryPlan, type PlannedWork, type Planning, type Strategy } from '../planning.ts';
import type { Target } from '../target.ts';

/** Kinds of things that can be left behind. */
export type Part = 'dirs' | 'rows' | 'topics';

export interface CleanRequest {
  readonly target: Target;
  readonly parts: readonly Part[];
  /** Directories that were written to within this time stay. */
  readonly minAgeMs: number;
  /** Delete directories for good instead of putting them aside. */
  readonly isDeleting: boolean;
  /** Believe a catalogue without any collection. */
  readonly allowsEmptyCatalog: boolean;
}

export interface CleanPlan {
  readonly request: CleanRequest;
  readonly directory: DirectoryPlan;
  readonly steps: CleanSteps;
}

/** What goes and what stays, in the order in which it is shown. */
export interface CleanSteps {
  readonly doubt: Doubt | null;
  readonly directories: readonly DirectoryStep[];
  readonly tables: readonly LeftoverTable[];
  readonly topics: readonly TopicStep[];
}

export interface DirectoryStep extends LeftoverDirectory {
  readonly action: 'quarantine' | 'delete' | 'keep';
  /** Why it stays, null where it goes. */
  readonly keptBecause: string | null;
}

/** Rows of a topic of no collection that go; the row with the globally last seq_id is never among them. */
export interface TopicStep extends Cutoff {
  readonly rows: number;
  readonly bytes: number;
}

export interface CleanStrategy extends Strategy {
  readonly leftovers: Leftovers;
  readonly steps: CleanSteps;
}

/** Bytes of the journal beyond the pages of the rows: header, schema, interior pages, rounding. */
const JOURNAL_MARGIN = 256 * 1024;

/** Plans a clean-up. Reads only. */
export async function planClean(request: CleanRequest, host: Host, isDryRun: boolean): Promise<CleanPlan> {
  return cleanPlanOf(request, await planDirectory(cleanPlanning(request, host, isDryRun, false), host));
}

/** What a clean-up plans. */
export function cleanPlanning(
  request: CleanRequest,
  host: Host,
  isDryRun: boolean,
  isJournalRecovered: boolean,
): Planning<CleanStrategy> {
  return {
    target: request.target,
    isDryRun,
    isJournalRecovered,
    withoutPrune: true,
    writesTo: [],
    strategy: ({ dir, pageSize }, _, { db, reading }) => {
      const leftovers = readLeftovers(db, reading);
      const steps = planSteps(request, leftovers, reading.lastSeqId, host.now().getTime());
      return {
        leftovers,
        steps,
        needs: [cleanJournalNeed(dir.path, steps, pageSize)],
        alternatives: [],
        whenShort: 'free some space; directories alone need none: --only dirs',
      };
    },
  };
}

export function cleanPlanOf(request: CleanRequest, { plan, strategy }: PlannedWork<CleanStrategy>): CleanPlan {
  return { request, directory: plan, steps: strategy.steps };
}

/**
 * Decides what goes. Pure. A catalogue that may be damaged decides nothing: then all stays, but for directories, which
 * can be taken back, where the operator has said that every collection was deleted.
 */
export function planSteps(
  request: CleanRequest,
  { doubt, directories, tables, topics }: Leftovers,
  lastSeqId: SeqId,
  nowMs: number,
): CleanSteps {
  const { parts } = request;
  const areRowsTrusted = doubt === null || (isAllowed(doubt, request) && request.target.backup !== null);
  const isTaken = (part: Part): boolean => parts.includes(part) && areRowsTrusted;
  return {
    doubt,
    directories: parts.includes('dirs') ? directories.map((each) => directoryStep(each, doubt, request, nowMs)) : [],
    tables: isTaken('rows') ? tables : [],
    topics: isTaken('topics') ? topicSteps(topics, lastSeqId) : [],
  };
}

function isAllowed(doubt: Doubt, { allowsEmptyCatalog }: CleanRequest): boolean {
  return doubt.kind === 'empty-catalog' && allowsEmptyCatalog;
}

function directoryStep(
  directory: LeftoverDirectory,
  doubt: Doubt | null,
  request: CleanRequest,
  nowMs: number,
): DirectoryStep {
  const keptBecause = reasonToKeep(directory, doubt, request, nowMs);
  if (keptBecause !== null) return { ...directory, action: 'keep', keptBecause };
  return { ...directory, action: request.isDeleting ? 'delete' : 'quarantine', keptBecause };
}

function reasonToKeep(
  { newestMs, strangers }: LeftoverDirectory,
  doubt: Doubt | null,
  request: CleanRequest,
  nowMs: number,
): string | null {
  const [stranger] = strangers;
  if (stranger !== undefined) return `it holds something that is not Chroma's: ${stranger}`;
  if (newestMs === Number.POSITIVE_INFINITY) return 'it cannot be read';
  if (doubt !== null && !isAllowed(doubt, request)) return 'catalogue in doubt';
  if (newestMs > nowMs) return 'its time is in the future';
  return nowMs - newestMs < request.minAgeMs
    ? `written to within ${formatDuration(request.minAgeMs)} (--min-age)`
    : null;
}

function topicSteps(topics: Leftovers['topics'], lastSeqId: SeqId): readonly TopicStep[] {
  return topics.flatMap(({ topic, rows, bytes, lastSeqId: last }) => {
    const below = smallest(seqId(last + 1n), lastSeqId);
    const isLast = last === lastSeqId;
    const deletable = rows - (isLast ? 1 : 0);
    return deletable === 0 ? [] : [{ topic, below, rows: deletable, bytes: Math.round((bytes * deletable) / rows) }];
  });
}

/**
 * Upper estimate of the rollback journal and of what the file grows by: every page with a row that goes is written, and
 * the full-text index is merged into new pages.
 */
export function cleanJournalNeed(directory: string, { tables, topics }: CleanSteps, pageSize: number): SpaceNeed {
  const ofTables = tables.map(({ kind, bytes: gone, rows, of }) => {
    const all = Math.ceil((gone * of) / rows);
    return kind === 'full-text' ? 2 * all : Math.min(all, gone + rows * pageSize);
  });
  const bytes = sum([...ofTables, ...topics.map((each) => each.bytes)]);
  return {
    directory,
    bytes: bytes === 0 ? 0 : bytes + JOURNAL_MARGIN,
    purpose: 'the rollback journal of the clean-up',
  };
}

/** True where executing the plan would change something. */
export function hasWork({ directories, tables, topics }: CleanSteps): boolean {
  return going(directories).length + tables.length + topics.length > 0;
}

/** The directories that go. */
export function going(directories: readonly DirectoryStep[]): readonly DirectoryStep[] {
  return directories.filter(({ action }) => action !== 'keep');
}

/** Rows that go, and the estimated bytes of everything that goes. */
export function totalsOf({ directories, tables, topics }: CleanSteps): {
  readonly rows: number;
  readonly bytes: number;
} {
  const rows = sum([...tables, ...topics].map((each) => each.rows));
  return { rows, bytes: sum([...going(directories), ...tables, ...topics].map(({ bytes }) => bytes)) };
}

/** True where both remove the same. */
export function isSameClean(a: CleanSteps, b: CleanSteps): boolean {
  const [left, right] = [keysOf(a), keysOf(b)];
  return left.length === right.length && left.every((each, at) => each === right[at]);
}

function keysOf({ directories, tables, topics }: CleanSteps): readonly string[] {
  return [
    ...going(directories).map(({ id, action }) => `${action} ${id}`),
    ...tables.map(({ table, rows }) => `${table} ${rows}`),
    ...topics.map(({ topic, below, rows }) => `${topic} ${below} ${rows}`),
  ].toSorted();
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
