import stringWidth from 'string-width';
import type { AutoPurge } from '../../chroma/auto-purge.ts';
import type { FindingKind } from '../../operations/findings/kinds.ts';
import { type ByteShares, type InspectedCollection, type Inspection } from '../../operations/inspection.ts';
import { shortName } from '../../operations/names.ts';
import { counted, formatBytes, formatCount } from '../../units.ts';
import { bar } from './bar.ts';
import { findingLines } from './findings-text.ts';
import { nextLines } from './next-text.ts';
import { printable } from './printable.ts';
import { tableLines, unbroken, wrapped, type Column } from './table.ts';
import { MOST_ROWS, type View } from './view.ts';
import { whyNotSmaller } from './why.ts';

const WIDEST_BAR = 40;

const AUTO_PURGE: Readonly<Record<AutoPurge, string>> = {
  on: 'auto-purge: on',
  off: 'auto-purge: off',
  undecided: 'auto-purge: decided at the next start of Chroma',
  'not-available': 'auto-purge: not before Chroma 0.5.6',
};

/** Nothing is said twice: the section on why the file does not shrink has these in words. */
const SAID_UNDER_WHY: readonly FindingKind[] = ['never-persisted', 'auto-purge-off', 'auto-purge-not-available'];

interface CollectionColumn extends Column {
  readonly cell: (collection: InspectedCollection) => string;
  /** Terminals narrower than this do without it. */
  readonly from?: number;
}

const COLLECTION_COLUMNS: readonly CollectionColumn[] = [
  { title: 'Collection', align: 'left', fit: 'cut', cell: (each) => printable(shortName(each)) },
  { title: 'Records', align: 'right', cell: ({ records }) => formatCount(records) },
  { title: 'WAL rows', align: 'right', cell: ({ rows }) => formatCount(rows) },
  { title: 'Prunable', align: 'right', cell: ({ prunable }) => formatCount(prunable) },
  { title: 'Watermark', align: 'right', cell: ({ watermark }) => (watermark === null ? '–' : formatCount(watermark)) },
  { title: 'Index', align: 'right', from: 100, cell: ({ hnswBytes }) => formatBytes(hnswBytes) },
  { title: 'Held back by', align: 'left', cell: heldBack },
];

export function inspectionLines(inspection: Inspection, view: View): readonly string[] {
  const sections = [
    headLines(inspection, view),
    byteLines(inspection.bytes, view),
    collectionLines(inspection.collections, view),
    findingLines(
      inspection.findings.filter(({ id }) => !SAID_UNDER_WHY.includes(id)),
      view,
    ),
    whyLines(inspection, view),
    nextLines(inspection, view),
  ];
  return sections.filter(({ length }) => length > 0).flatMap((lines, at) => (at === 0 ? lines : ['', ...lines]));
}

function headLines(
  { dir, schema, records, bytes, collections, holders, autoPurge, room }: Inspection,
  { width, style }: View,
): readonly string[] {
  const facts = [
    `written by Chroma ${schema.writtenBy}`,
    counted(collections.length, 'collection'),
    counted(records, 'record'),
    formatBytes(bytes.database + bytes.hnsw + bytes.orphans + bytes.quarantine),
  ];
  // Said where it may decide what can be done next.
  const isLittle = room !== null && room.freeBytes < bytes.database;
  const state = [
    useWords(holders),
    'schema known',
    AUTO_PURGE[autoPurge],
    ...(isLittle ? [`${formatBytes(room.freeBytes)} free on its disk`] : []),
  ];
  const title = `${printable(dir.given)}   ${facts.join(' · ')}`;
  const head = stringWidth(title) <= width ? [title] : [printable(dir.given), ...wrapped(unbroken(facts), width)];
  const [first = '', ...rest] = head;
  return [style.bold(first), ...rest, ...wrapped(unbroken(state), width)];
}

function useWords({ holders, unreadable, isSupported }: Inspection['holders']): string {
  const [holder] = holders;
  if (holder !== undefined) return `in use by pid ${holder.pid}`;
  return unreadable > 0 || !isSupported ? 'nobody seen using it' : 'not in use';
}

function byteLines(bytes: ByteShares, { width, style }: View): readonly string[] {
  const shares: readonly (readonly [string, number])[] = [
    ['WAL no one needs', bytes.walPrunable],
    ['WAL still needed', bytes.wal - bytes.walPrunable],
    ['free pages', bytes.free],
    ['HNSW indexes', bytes.hnsw],
    ['documents, metadata', bytes.metadata],
    ['full-text index', bytes.fullText],
    ['deleted collections', bytes.orphans],
    ['put aside by clean', bytes.quarantine],
    ['catalogue', bytes.catalog],
  ];
  const total = shares.reduce((sum, [, part]) => sum + part, 0);
  const share = (part: number): number => (total === 0 ? 0 : part / total);
  const rows = shares
    .filter(([, part]) => part > 0)
    .toSorted(([, a], [, b]) => b - a)
    .map(([title, part]) => ({ title, size: formatBytes(part), part }));
  const [titleWidth, sizeWidth] = [
    Math.max(...rows.map(({ title }) => title.length)),
    Math.max(...rows.map(({ size }) => size.length)),
  ];
  const barWidth = Math.max(Math.min(width - titleWidth - sizeWidth - 13, WIDEST_BAR), 0);
  const lines = rows.map(({ title, size, part }) => {
    const percent = `${Math.round(share(part) * 100)} %`.padStart(5);
    return `  ${title.padEnd(titleWidth)}  ${size.padStart(sizeWidth)} ${percent}  ${bar(share(part), barWidth)}`.trimEnd();
  });
  return [style.bold('Where the bytes are'), ...lines];
}

function collectionLines(collections: readonly InspectedCollection[], { width, style }: View): readonly string[] {
  if (collections.length === 0) return [];
  const shown =
    collections.length <= MOST_ROWS ? collections : collections.toSorted((a, b) => b.rows - a.rows).slice(0, MOST_ROWS);
  const columns = COLLECTION_COLUMNS.filter(({ from = 0 }) => width >= from);
  const rows = shown.map((collection) => columns.map(({ cell }) => cell(collection)));
  const [header = '', ...lines] = tableLines(columns, rows, width);
  const left = collections.length - shown.length;
  const more = left > 0 ? [`  and ${counted(left, 'more collection')} with fewer WAL rows (all of them: --json)`] : [];
  return [style.bold(header), ...lines, ...more];
}

function heldBack({ skip, heldBackBy, rows }: InspectedCollection): string {
  if (skip?.needsAttention) return 'see findings';
  if (skip?.reason === 'never-persisted') return 'never saved yet';
  if (rows === 0) return '–';
  return heldBackBy === null ? 'nothing' : { vector: 'index', metadata: 'metadata' }[heldBackBy];
}

function whyLines(inspection: Inspection, { width, style }: View): readonly string[] {
  const reasons = whyNotSmaller(inspection);
  if (reasons.length === 0) return [];
  return [style.bold('Why the file does not shrink'), ...reasons.flatMap((reason) => wrapped(reason, width, '  '))];
}
