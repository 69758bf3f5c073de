import type { DescribedRow } from '../../../operations/wal/described.ts';
import type { Wanted } from '../../../operations/wal/question.ts';
import { shellWord } from '../../../shell-word.ts';
import { counted } from '../../../units.ts';
import { printable } from '../printable.ts';
import { fittingColumns, tableLines, withCommand, wrapped, type RankedColumn } from '../table.ts';
import type { View } from '../view.ts';
import { collectionText, dimensionText, normText, NOTHING, STATES, UNKNOWN } from './row-text.ts';

interface RowColumn extends RankedColumn {
  readonly cell: (row: DescribedRow) => string;
}

/** A rank for each: where the terminal is too narrow for all, those with the highest are left out. */
const COLUMNS: readonly RowColumn[] = [
  { title: 'seq_id', align: 'right', rank: 0, cell: ({ seqId }) => String(seqId) },
  { title: 'Written (UTC)', align: 'left', rank: 4, cell: ({ createdAt }) => textOr(createdAt, UNKNOWN) },
  { title: 'Op', align: 'left', rank: 1, cell: ({ operation }) => printable(operation) },
  { title: 'Collection', align: 'left', fit: 'cut', rank: 5, cell: collectionText },
  { title: 'Id', align: 'left', fit: 'cut', rank: 2, cell: ({ id }) => textOr(id, UNKNOWN) },
  { title: 'Dim', align: 'right', rank: 6, cell: dimensionText },
  { title: 'Norm', align: 'right', rank: 8, cell: normText },
  { title: 'Metadata', align: 'left', fit: 'cut', rank: 7, cell: keysText },
  { title: 'State', align: 'left', rank: 3, cell: ({ state }) => STATES[state] },
];

/** The table as it grows. Of a row only its cells are kept. */
export interface RowTable {
  readonly add: (rows: readonly DescribedRow[]) => void;
  readonly isEmpty: () => boolean;
  readonly lines: (hasMore: boolean) => readonly string[];
}

export function createTable(given: string, wanted: Wanted, view: View): RowTable {
  const rows: (readonly string[])[] = [];
  return {
    add: (found) => void rows.push(...found.map((row) => COLUMNS.map(({ cell }) => cell(row)))),
    isEmpty: () => rows.length === 0,
    lines(hasMore) {
      const columns = fittingColumns(COLUMNS, rows, view.width);
      const shown = rows.map((row) => columns.map((at) => row[at] ?? ''));
      const titled = columns.flatMap((at) => COLUMNS[at] ?? []);
      const [header = '', ...lines] = rows.length === 0 ? [] : tableLines(titled, shown, view.width);
      return [
        ...wrapped(headLine(given, rows.length, hasMore, wanted), view.width).map(view.style.bold),
        ...(rows.length === 0 ? [] : ['', view.style.bold(header), ...lines]),
        ...(hasMore ? moreLines(given, rows.length, wanted, view) : []),
      ];
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

function timeText(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

function keysText({ metadata, metadataKeys }: DescribedRow): string {
  if (metadataKeys !== null) return metadataKeys.length === 0 ? NOTHING : printable(metadataKeys.join(', '));
  return metadata === null ? NOTHING : UNKNOWN;
}

function textOr(text: string | null, other: string): string {
  return text === null ? other : printable(text);
}
