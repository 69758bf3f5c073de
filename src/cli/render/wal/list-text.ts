import type { DescribedRow } from '../../../operations/wal/described.ts';
import type { Wanted } from '../../../operations/wal/question.ts';
import { shellWord } from '../../../shell-word.ts';
import { counted } from '../../../units.ts';
import { printable } from '../printable.ts';
import { cut, fittingColumns, linesLike, withCommand, wrapped, type RankedColumn } from '../table.ts';
import type { View } from '../view.ts';
import { collectionText, dimensionText, normText, NOTHING, STATES, timeText, UNKNOWN } from './row-text.ts';

interface RowColumn extends RankedColumn {
  readonly cell: (row: DescribedRow) => string;
}

/** What Chroma writes into a column is no longer; of what somebody else has written there one sees the beginning. */
const MOST_OF_CHROMA = 19;

function ofChroma(text: string): string {
  return cut(printable(text), MOST_OF_CHROMA);
}

/** A rank for each: where the terminal is too narrow for all, those with the highest are left out. */
const COLUMNS: readonly RowColumn[] = [
  { title: 'seq_id', align: 'right', rank: 0, cell: ({ seqId }) => String(seqId) },
  { title: 'Written (UTC)', align: 'left', rank: 4, cell: ({ createdAt }) => ofChroma(textOr(createdAt, UNKNOWN)) },
  { title: 'Op', align: 'left', rank: 1, cell: ({ operation }) => ofChroma(operation) },
  { title: 'Collection', align: 'left', fit: 'cut', rank: 5, cell: collectionText },
  { title: 'Id', align: 'left', fit: 'cut', rank: 2, cell: ({ id }) => textOr(id, UNKNOWN) },
  { title: 'Dim', align: 'right', rank: 6, cell: dimensionText },
  { title: 'Norm', align: 'right', rank: 8, cell: normText },
  { title: 'Metadata', align: 'left', fit: 'cut', rank: 7, cell: keysText },
  { title: 'State', align: 'left', rank: 3, cell: ({ state }) => STATES[state] },
];

/** Rows by which columns are measured: as many are kept, what comes behind them is printed as it comes. */
export const MEASURED_ROWS = 1_000;

/** The table as it grows. */
export interface RowTable {
  /** Takes rows, and returns the lines that can be printed. */
  readonly add: (rows: readonly DescribedRow[]) => readonly string[];
  readonly isEmpty: () => boolean;
  /** The lines that are left. */
  readonly end: (hasMore: boolean) => readonly string[];
}

type Cells = readonly string[];

export function createTable(given: string, wanted: Wanted, view: View): RowTable {
  let kept: Cells[] = [];
  let rows = 0;
  let linesOf: ((more: readonly Cells[]) => readonly string[]) | null = null;
  const begun = (head: string): readonly string[] => {
    const columns = fittingColumns(COLUMNS, kept, view.width);
    const titled = columns.flatMap((at) => COLUMNS[at] ?? []);
    const header = titled.map(({ title }) => title);
    const narrowed = (all: readonly Cells[]): readonly Cells[] => all.map((row) => columns.map((at) => row[at] ?? ''));
    const like = linesLike(titled, [header, ...narrowed(kept)], view.width);
    linesOf = (more) => like(narrowed(more));
    const lines = [view.style.bold(like([header])[0] ?? ''), ...linesOf(kept)];
    kept = [];
    return [...wrapped(head, view.width).map(view.style.bold), '', ...lines];
  };
  return {
    add(found) {
      const cells = found.map((row) => COLUMNS.map(({ cell }) => cell(row)));
      rows += cells.length;
      if (linesOf !== null) return linesOf(cells);
      kept = [...kept, ...cells];
      // How many there are is not known yet.
      return rows > MEASURED_ROWS ? begun(`${printable(given)}   rows of the WAL, the newest first`) : [];
    },
    isEmpty: () => rows === 0,
    end(hasMore) {
      const more = hasMore ? moreLines(given, rows, wanted, view) : [];
      if (linesOf !== null) return hasMore ? more : ['', `${counted(rows, 'row')}.`];
      const head = headLine(given, rows, hasMore, wanted);
      return rows === 0 ? wrapped(head, view.width).map(view.style.bold) : [...begun(head), ...more];
    },
  };
}

function headLine(given: string, rows: number, hasMore: boolean, wanted: Wanted): string {
  const kind = isFiltered(wanted) ? 'matching row' : 'row';
  const counting = `${counted(rows, kind)} of the WAL`;
  const what = hasMore ? `the newest ${counting}` : `${counting}, the newest first`;
  return `${printable(given)}   ${rows === 0 ? `no row of the WAL${isFiltered(wanted) ? ' matches' : ''}` : what}`;
}

function isFiltered({ collections, operation, since, until, id }: Wanted): boolean {
  return collections.length > 0 || [operation, since, until, id].some((each) => each !== null);
}

function moreLines(given: string, rows: number, wanted: Wanted, view: View): readonly string[] {
  const command = commandLine(given, wanted, ['--limit', String(rows * 10)]);
  return ['', ...withCommand('There are older ones (all of them: --json). More:', command, view.width)];
}

/** The same command line with another limit. */
function commandLine(given: string, wanted: Wanted, limit: readonly string[]): string {
  const { collections, operation, since, until, id } = wanted;
  const words = [
    ...collections.flatMap((name) => ['--collection', name]),
    ...(operation === null ? [] : ['--op', operation]),
    ...(since === null ? [] : ['--since', timeText(since)]),
    ...(until === null ? [] : ['--until', timeText(until)]),
    ...(id === null ? [] : ['--id', id]),
  ];
  return printable(['chroma-maint wal list', ...[given, ...words, ...limit].map(shellWord)].join(' '));
}

function keysText({ metadata, metadataKeys }: DescribedRow): string {
  if (metadataKeys !== null) return metadataKeys.length === 0 ? NOTHING : printable(metadataKeys.join(', '));
  return metadata === null ? NOTHING : UNKNOWN;
}

function textOr(text: string | null, other: string): string {
  return text === null ? other : printable(text);
}
