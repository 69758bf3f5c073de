import type { AutoPurge } from '../../chroma/auto-purge.ts';
import type { CollectionPlan } from '../../operations/collections.ts';
import type { DirectoryPlan } from '../../operations/planning.ts';
import { pruneTotals, type PruneReport } from '../../operations/prune.ts';
import { shortName } from '../../operations/names.ts';
import { counted, formatBytes, formatCount } from '../../units.ts';
import { shellWord } from '../../shell-word.ts';
import { checkLines } from './checks-text.ts';
import { printable } from './printable.ts';
import { tableLines, wrapped, type Column } from './table.ts';
import { MOST_ROWS, type View } from './view.ts';

const COLUMNS: readonly Column[] = [
  { title: 'Collection', align: 'left', fit: 'cut' },
  { title: 'WAL rows', align: 'right' },
  { title: 'Delete', align: 'right' },
  { title: 'Keep', align: 'right' },
  { title: 'Why', align: 'left', fit: 'wrap' },
];

const GROWS_BECAUSE: Readonly<Partial<Record<AutoPurge, string>>> = {
  off: 'auto-purge is switched off in this directory',
  'not-available': 'Chroma before 0.5.6 has no auto-purge',
};

export function prunePlanLines(plan: DirectoryPlan, view: View, isIndexCheckSkipped: boolean): readonly string[] {
  const { rows, bytes } = pruneTotals(plan);
  const pruned = plan.collections.filter(({ prunable }) => prunable > 0).length;
  const given = printable(plan.dir.given);
  const pasted = printable(shellWord(plan.dir.given));
  const summary =
    rows === 0
      ? `Plan for ${given}: nothing to delete, ${counted(allRows(plan), 'WAL row')} in ${counted(plan.collections.length, 'collection')}`
      : `Plan for ${given}: delete ${formatCount(rows)} of ${counted(allRows(plan), 'WAL row')} in ${formatCount(pruned)} of ${counted(plan.collections.length, 'collection')} (${formatBytes(bytes)})`;
  return [
    ...bold(wrapped(summary, view.width), view),
    ...(plan.collections.length > 0 ? ['', ...collectionTable(plan, view)] : []),
    '',
    ...checkLines(plan.checks, isIndexCheckSkipped, view),
    ...(plan.isDryRun
      ? [
          '',
          ...wrapped(
            `Dry run: nothing was changed. The file gets smaller only with: chroma-maint vacuum ${pasted}`,
            view.width,
          ),
        ]
      : []),
  ];
}

export function pruneReportLines({ plan, deleted }: PruneReport, view: View): readonly string[] {
  const pasted = printable(shellWord(plan.dir.given));
  const pruned = plan.collections.filter(({ prunable }) => prunable > 0).length;
  const done =
    deleted === 0
      ? 'Nothing to delete: no WAL row lies below a watermark that can be trusted'
      : `Deleted ${formatCount(deleted)} of ${counted(allRows(plan), 'WAL row')} in ${counted(pruned, 'collection')}`;
  const [first = '', ...rest] = wrapped(`${done}${needsYou(plan)}.`, view.width);
  const size = `The file keeps its size, and Chroma fills the freed pages first. It gets smaller with: chroma-maint vacuum ${pasted}`;
  const next = deleted === 0 ? [] : ['', ...wrapped(size, view.width), ...growthLines(plan, view)];
  return [view.style.bold(first), ...rest, ...attentionLines(plan, view), ...next];
}

/** `; 1 collection needs you` where collections were skipped for a reason that wants a person. */
export function needsYou({ collections }: DirectoryPlan): string {
  const count = collections.filter(({ skip }) => skip?.needsAttention).length;
  return count === 0 ? '' : `; ${counted(count, 'collection needs', 'collections need')} you`;
}

/** The collections that want a person, with the reason and what was not done. */
export function attentionLines({ collections, dir }: DirectoryPlan, view: View): readonly string[] {
  const damaged = collections.filter(({ skip }) => skip?.needsAttention);
  if (damaged.length === 0) return [];
  const lines = damaged.flatMap((collection) => [
    ...wrapped(`${printable(shortName(collection))}: skipped (${collection.skip?.reason})`, view.width, '  ').map(
      view.style.warn,
    ),
    ...wrapped(printable(collection.skip?.message ?? ''), view.width, '    '),
    ...wrapped(`none of its ${counted(collection.rows, 'WAL row')} was deleted`, view.width, '    '),
  ]);
  return ['', ...lines, ...wrapped(`see: chroma-maint inspect ${printable(shellWord(dir.given))}`, view.width, '  ')];
}

/** That the WAL will grow again, where Chroma itself does not keep it small. */
export function growthLines({ autoPurge, dir }: DirectoryPlan, view: View): readonly string[] {
  const because = GROWS_BECAUSE[autoPurge];
  if (because === undefined) return [];
  return [
    '',
    ...wrapped(
      `This WAL will grow again: ${because}. Run from cron: chroma-maint prune ${printable(shellWord(dir.given))} --yes`,
      view.width,
    ),
  ];
}

/** Rows of all collections in the queue. */
export function allRows({ collections }: DirectoryPlan): number {
  return collections.reduce((sum, { rows }) => sum + rows, 0);
}

function collectionTable({ collections }: DirectoryPlan, view: View): readonly string[] {
  const shown = collections.length <= MOST_ROWS ? collections : collections.filter(isTelling).slice(0, MOST_ROWS);
  const rows = shown.map((collection) => [
    printable(shortName(collection)),
    formatCount(collection.rows),
    collection.prunable === 0 ? '–' : formatCount(collection.prunable),
    formatCount(collection.rows - collection.prunable),
    why(collection),
  ]);
  const [header = '', ...lines] = tableLines(COLUMNS, rows, view.width);
  const left = collections.length - shown.length;
  return [
    view.style.bold(header),
    ...lines,
    ...(left > 0 ? [`  and ${counted(left, 'more collection')} (all of them: --json)`] : []),
  ];
}

function isTelling({ prunable, skip }: CollectionPlan): boolean {
  return prunable > 0 || skip?.needsAttention === true;
}

function why({ below, skip }: CollectionPlan): string {
  if (skip !== null) return printable(skip.message);
  return below === null ? '' : `below ${formatCount(below)}: saved by index and metadata`;
}

function bold(lines: readonly string[], { style }: View): readonly string[] {
  return lines.map(style.bold);
}
