import type { RecordedPosition } from '../../../chroma/model.ts';
import type { QueueRow } from '../../../chroma/queue-rows.ts';
import type { RowState } from '../../../chroma/row-state.ts';
import type { SegmentPosition, Shown, ShownRow } from '../../../operations/wal/show.ts';
import { shellWord } from '../../../shell-word.ts';
import { formatBytes, formatCount } from '../../../units.ts';
import { printable } from '../printable.ts';
import { labelledHard, withCommand, wrapped } from '../table.ts';
import type { View } from '../view.ts';
import { collectionText, normText } from './row-text.ts';

/** Characters of a document, or of a value, that are shown. */
const MOST_SHOWN = 2_000;

const LABEL_WIDTH = 14;

/** What the state of a row means for it. */
const MEANING: Readonly<Record<RowState, string>> = {
  committed: 'committed: every segment of its collection has it',
  'waiting-for-metadata': 'waiting for the metadata: it lies above what the metadata segment has saved',
  'waiting-for-index': 'waiting for the index: the metadata segment has it, and the WAL is the only copy of its vector',
  orphan: 'orphan: its topic belongs to no collection',
  unknown: 'unknown',
};

const SEGMENTS: Readonly<Record<SegmentPosition['kind'], string>> = {
  metadata: 'metadata',
  vector: 'index',
  unknown: 'a segment of unknown type',
};

export function shownLines(shown: Shown, given: string, view: View): readonly string[] {
  const { row, previous, next } = shown;
  const line = (label: string, text: string): readonly string[] => labelledHard(label, text, view.width, LABEL_WIDTH);
  const block = (label: string, texts: readonly string[]): readonly string[] =>
    texts.flatMap((text, at) => line(at === 0 ? label : '', text));
  const vector = vectorText(row);
  const values = (row.members ?? []).map(({ key, value }) => `${printable(key)}: ${shortened(value)}`);
  return [
    ...wrapped(`${printable(given)}   row ${row.seqId} of the WAL`, view.width).map(view.style.bold),
    '',
    ...line('operation', printable(row.operation)),
    ...line('written', row.createdAt === null ? 'it has no time' : `${printable(row.createdAt)} UTC`),
    ...line('collection', collectionText(row) + (row.collection === null ? '' : `  ${printable(row.collection.id)}`)),
    ...line('topic', row.topic === null ? 'it has none' : printable(row.topic)),
    ...line('id', row.id === null ? 'it has none' : printable(row.id)),
    ...line('vector', vector),
    ...block('metadata', metadataTexts(row, values)),
    ...(row.document === null ? [] : block('document', paragraphs(row.document))),
    '',
    ...block('state', stateTexts(shown)),
    '',
    ...line('before', neighbourText(previous, 'no earlier row of this record is in the WAL')),
    ...line('after', neighbourText(next, 'no later row of this record is in the WAL')),
    ...nextLines(previous ?? next, given, view),
  ];
}

function vectorText(row: ShownRow): string {
  const { vectorBytes, encoding, dimension, vectorStart } = row;
  if (vectorBytes === null) return 'none';
  const stored = `${encoding === null ? 'no encoding' : printable(encoding)}, ${formatBytes(vectorBytes)}`;
  if (dimension === null) return `${stored}: not a vector that this encoding has`;
  const numbers = vectorStart?.map((number) => String(Number(number.toPrecision(6)))) ?? [];
  const rest = dimension > numbers.length ? ', …' : '';
  const start = numbers.length === 0 ? '' : `: ${numbers.join(', ')}${rest}`;
  return `${stored}, dimension ${dimension}, norm ${normText(row)}${start}`;
}

function metadataTexts({ metadata, members, metadataKeys }: ShownRow, values: readonly string[]): readonly string[] {
  if (members !== null) return values.length === 0 ? ['none'] : values;
  if (metadataKeys !== null) return [`left out; its keys: ${metadataKeys.join(', ')}`];
  return [metadata === null ? 'none' : `no JSON object: ${shortened(metadata)}`];
}

function stateTexts({ row, positions, standing }: Shown): readonly string[] {
  const doubt = standing?.doubt ?? null;
  return [
    MEANING[row.state] + (row.state === 'unknown' && doubt !== null ? `: ${printable(doubt)}` : ''),
    ...positions.map(({ kind, position }) => `${SEGMENTS[kind]} ${positionText(position)}`),
    row.isPrunable ? 'by its position a prune deletes it' : 'a prune leaves it',
  ];
}

function positionText(position: RecordedPosition): string {
  switch (position.kind) {
    case 'recorded':
      return `saved up to ${position.seqId} (${position.source})`;
    case 'never':
      return 'never saved';
    case 'unreadable':
      return `not to be told: ${printable(position.detail)}`;
  }
}

function neighbourText(row: QueueRow | null, none: string): string {
  if (row === null) return none;
  const at = row.createdAt === null ? '' : `, ${printable(row.createdAt)}`;
  return `${row.seqId}, ${printable(row.operation)}${at}`;
}

function nextLines(row: QueueRow | null, given: string, view: View): readonly string[] {
  if (row === null) return [];
  const command = printable(`chroma-maint wal show ${shellWord(given)} ${row.seqId}`);
  return ['', ...withCommand('The same record:', command, view.width)];
}

/** The lines of a document, as long as they are shown. */
function paragraphs(document: string): readonly string[] {
  const lines = document.slice(0, MOST_SHOWN).split('\n').map(printable);
  return document.length <= MOST_SHOWN ? lines : [...lines, restText(document)];
}

function shortened(text: string): string {
  if (text.length <= MOST_SHOWN) return printable(text);
  return `${printable(text.slice(0, MOST_SHOWN))} ${restText(text)}`;
}

function restText({ length }: string): string {
  return `… (${formatCount(length)} characters; all of them: --json)`;
}
