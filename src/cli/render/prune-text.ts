import type { Retention } from '../../chroma/retention.ts';
import type { CollectionPlan } from '../../operations/collections.ts';
import type { DirectoryPlan } from '../../operations/planning.ts';
import { pruneTotals } from '../../operations/collections.ts';
import type { OnlineReport, PruneReport } from '../../operations/prune.ts';
import { shortName } from '../../operations/names.ts';
import { retentionOptions } from '../../operations/target.ts';
import { counted, formatBytes, formatCount } from '../../units.ts';
import { backupMadeLines, backupStepLines } from './backup/first-text.ts';
import { checkLines } from './checks-text.ts';
import { commandOn } from './command-text.ts';
import { AFTERWARDS, growthLines, IN_DRY_RUN, smallerLines } from './growth-text.ts';
import { printable } from './printable.ts';
import { labelled, tableLines, withCommand, wrapped, type Column } from './table.ts';
import { MOST_ROWS, type View } from './view.ts';

interface CollectionColumn extends Column {
  readonly cell: (collection: CollectionPlan) => string;
  /** True where it is shown only if rows are to stay on request. */
  readonly isOfRetention?: true;
}

const COLUMNS: readonly CollectionColumn[] = [
  { title: 'Collection', align: 'left', fit: 'cut', cell: (each) => printable(shortName(each)) },
  { title: 'WAL rows', align: 'right', cell: ({ rows }) => formatCount(rows) },
  { title: 'Delete', align: 'right', cell: ({ prunable }) => countOrDash(prunable) },
  { title: 'Held', align: 'right', isOfRetention: true, cell: ({ held }) => countOrDash(held) },
  { title: 'Keep', align: 'right', cell: ({ rows, prunable }) => formatCount(rows - prunable) },
  { title: 'Why', align: 'left', fit: 'wrap', cell: why },
];

export function prunePlanLines(plan: DirectoryPlan, view: View): readonly string[] {
  return [
    ...wrapped(planSummary(plan), view.width).map(view.style.bold),
    ...(plan.collections.length > 0 ? ['', ...collectionTable(plan, view)] : []),
    '',
    ...heldLines(plan, view),
    ...backupStepLines(plan, view),
    ...checkLines(plan.checks, plan.target.skipIndexCheck ? 'skipped' : 'done', view),
    ...(plan.isDryRun ? ['', ...smallerLines(IN_DRY_RUN, plan, view)] : []),
  ];
}

function planSummary(plan: DirectoryPlan): string {
  const { rows, bytes } = pruneTotals(plan);
  const all = counted(allRows(plan), 'WAL row');
  const collections = counted(plan.collections.length, 'collection');
  const given = printable(plan.dir.given);
  if (rows === 0) return `Plan for ${given}: nothing to delete, ${all} in ${collections}`;
  return `Plan for ${given}: delete ${formatCount(rows)} of ${all} in ${formatCount(prunedCollections(plan))} of ${collections} (${formatBytes(bytes)})`;
}

export function pruneReportLines({ plan, deleted, online }: PruneReport, view: View): readonly string[] {
  const all = counted(allRows(plan), 'WAL row');
  const done =
    deleted === 0
      ? `Nothing to delete: ${all} kept`
      : `Deleted ${formatCount(deleted)} of ${all} in ${counted(prunedCollections(plan), 'collection')}`;
  const [first = '', ...rest] = wrapped(`${done}${needsYou(plan)}.`, view.width);
  return [
    view.style.bold(first),
    ...rest,
    ...(online === null ? [] : onlineLines(online, view)),
    ...heldSentence(plan, view),
    ...attentionLines(plan, view),
    ...(deleted === 0 ? [] : ['', ...smallerLines(AFTERWARDS, plan, view), ...growthLines(plan, view)]),
    ...backupMadeLines(plan, view),
  ];
}

/** What work beside a server meant for the server. */
export function onlineLines(
  { transactions, longestLockMs, left }: Pick<OnlineReport, 'transactions' | 'longestLockMs' | 'left'>,
  view: View,
): readonly string[] {
  const done =
    transactions === 0
      ? []
      : wrapped(
          `In ${counted(transactions, 'transaction')}, of which the longest kept Chroma from writing for ${Math.ceil(longestLockMs)} ms.`,
          view.width,
        );
  const collections = counted(left.length, 'collection was', 'collections were');
  const rest = `${collections} left, because Chroma was saving the index each time: run this again.`;
  return [...done, ...(left.length === 0 ? [] : wrapped(rest, view.width))];
}

/** A line of a plan: how many rows stay on request, and by what. */
export function heldLines(plan: DirectoryPlan, { width }: View): readonly string[] {
  const words = heldWords(plan);
  return words === null ? [] : labelled('held', words, width);
}

/** The same as a sentence of a report. */
export function heldSentence(plan: DirectoryPlan, { width }: View): readonly string[] {
  const words = heldWords(plan);
  return words === null ? [] : wrapped(`Held: ${words}.`, width);
}

function heldWords(plan: DirectoryPlan): string | null {
  const { retention } = plan.target;
  if (retention === null) return null;
  return `${counted(pruneTotals(plan).held, 'row')} that could go, by ${retentionWords(retention)}`;
}

function retentionWords(retention: Retention): string {
  const { keepWithin } = retention;
  const options = retentionOptions(retention).join(' ');
  if (keepWithin === null) return options;
  const from = new Date(keepWithin.fromMs).toISOString().slice(0, 19).replace('T', ' ');
  return `${options} (from ${from} UTC on)`;
}

/** Collections that lose rows. */
export function prunedCollections({ collections }: DirectoryPlan): number {
  return collections.filter(({ prunable }) => prunable > 0).length;
}

/** `; 1 collection needs you` where collections were skipped for a reason that wants a person. */
export function needsYou({ collections }: DirectoryPlan): string {
  const count = collections.filter(({ skip }) => skip?.needsAttention).length;
  return count === 0 ? '' : `; ${counted(count, 'collection needs', 'collections need')} you`;
}

/** The collections that want a person, with the reason and what was not done. */
export function attentionLines(plan: DirectoryPlan, view: View, isPlan = false): readonly string[] {
  const damaged = plan.collections.filter(({ skip }) => skip?.needsAttention);
  if (damaged.length === 0) return [];
  const verb = isPlan ? 'will be' : 'was';
  const lines = damaged.flatMap((collection) => [
    ...wrapped(`${printable(shortName(collection))}: skipped (${collection.skip?.reason})`, view.width, '  ').map(
      view.style.warn,
    ),
    ...wrapped(printable(collection.skip?.message ?? ''), view.width, '    '),
    ...wrapped(
      `${howMany(collection)} of its ${counted(collection.rows, 'WAL row')} ${verb} deleted`,
      view.width,
      '    ',
    ),
  ]);
  return ['', ...lines, ...withCommand('  see:', commandOn(plan, 'inspect'), view.width)];
}

/** Beside a server some may go before a collection turns out to be damaged. */
function howMany({ prunable }: CollectionPlan): string {
  return prunable === 0 ? 'none' : formatCount(prunable);
}

/** Rows of all collections in the queue. */
export function allRows({ collections }: DirectoryPlan): number {
  return collections.reduce((sum, { rows }) => sum + rows, 0);
}

function collectionTable({ collections, target }: DirectoryPlan, view: View): readonly string[] {
  const shown = collections.length <= MOST_ROWS ? collections : collections.filter(isTelling).slice(0, MOST_ROWS);
  const columns = COLUMNS.filter(({ isOfRetention }) => isOfRetention !== true || target.retention !== null);
  const rows = shown.map((collection) => columns.map(({ cell }) => cell(collection)));
  const [header = '', ...lines] = tableLines(columns, rows, view.width);
  const left = collections.length - shown.length;
  return [
    view.style.bold(header),
    ...lines,
    ...(left > 0 ? [`  and ${counted(left, 'more collection')} (all of them: --json)`] : []),
  ];
}

function countOrDash(count: number): string {
  return count === 0 ? '–' : formatCount(count);
}

function isTelling({ prunable, skip }: CollectionPlan): boolean {
  return prunable > 0 || skip?.needsAttention === true;
}

function why({ below, skip }: CollectionPlan): string {
  if (skip !== null) return printable(skip.message);
  return below === null ? '' : `below ${formatCount(below)}: saved by index and metadata`;
}
