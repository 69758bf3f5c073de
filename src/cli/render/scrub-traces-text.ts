/**
 * Where something of deleted records is, and what each of it goes with.
 */
import { basename } from 'node:path';
import { shortName } from '../../operations/names.ts';
import type { DirectoryPlan } from '../../operations/planning.ts';
import type { ScrubPlan } from '../../operations/scrub/plan.ts';
import type { Found, IndexTrace } from '../../operations/scrub/search.ts';
import type { Place, Trace } from '../../operations/scrub/traces.ts';
import { counted, formatCount } from '../../units.ts';
import { printable } from './printable.ts';
import { commandOn } from './command-text.ts';
import { tableLines, wrapped, type Column } from './table.ts';
import { MOST_ROWS, type View } from './view.ts';

const COLUMNS: readonly Column[] = [
  { title: 'Where', align: 'left', fit: 'cut' },
  { title: 'Texts', align: 'right' },
  { title: 'Phrases', align: 'right' },
  { title: 'Goes with', align: 'left', fit: 'wrap' },
];

export function traceLines(traces: readonly Trace[], { request, directory }: ScrubPlan, view: View): readonly string[] {
  if (traces.length === 0) return [];
  const hasPhrases = request.phrases.length > 0;
  const columns = COLUMNS.filter(({ title }) => hasPhrases || title !== 'Phrases');
  const rows = traces
    .slice(0, MOST_ROWS)
    .map(({ place, texts, phrases }) => [
      placeWords(place),
      texts === 0 ? '–' : formatCount(texts),
      ...(hasPhrases ? [phrases.length === 0 ? '–' : phrases.join(', ')] : []),
      goesWith(place, directory),
    ]);
  const more = traces.length - rows.length;
  return [
    '',
    ...tableLines(columns, rows, view.width),
    ...(more > 0 ? [`  and ${counted(more, 'more place')}: see --json`] : []),
  ];
}

function placeWords(place: Place): string {
  switch (place.kind) {
    case 'wal':
      return place.collection === null
        ? 'WAL rows of no collection'
        : `WAL rows of ${printable(shortName(place.collection))}`;
    case 'left-behind':
      return 'rows of deleted collections';
    case 'full-text':
      return 'full-text table';
    case 'live':
      return 'records that live';
    case 'table':
      return `names and settings, table ${printable(place.table)}`;
    case 'free-space':
      return 'free space of chroma.sqlite3';
    case 'index':
      return `index of ${printable(shortName(place.collection))}: ${basename(place.path)}`;
    case 'left-index':
      return 'indexes of deleted collections';
    case 'file':
      return printable(place.root === null ? place.path : `${place.root}/${place.path}`);
  }
}

/** What removes the trace, in a word or two; {@link remedyLines} say how. */
function goesWith(place: Place, directory: DirectoryPlan): string {
  switch (place.kind) {
    case 'wal':
      return walGoesWith(place, directory);
    case 'left-behind':
    case 'left-index':
      return 'clean --delete';
    case 'full-text':
      return 'fts rebuild';
    case 'live':
      return 'its record';
    case 'table':
      return 'what it names';
    case 'free-space':
      return directory.isDryRun ? 'this scrub' : 'another scrub';
    case 'index':
      return 'the whole index';
    case 'file':
      return isInQuarantine(place) ? 'clean --purge-quarantine' : 'the file';
  }
}

function walGoesWith({ collection, state, isPrunable }: WalPlace, { collections }: DirectoryPlan): string {
  if (collection === null) return 'clean --delete';
  if (isPrunable) return 'this scrub';
  switch (state) {
    case 'committed':
      return needsPerson(collection.id, collections) ? 'what inspect says' : 'a later scrub';
    case 'waiting-for-index':
    case 'waiting-for-metadata':
      return 'a scrub once its index is saved';
    case 'orphan':
    case 'unknown':
      return 'what check says';
  }
}

type WalPlace = Extract<Place, { kind: 'wal' }>;

function needsPerson(id: string, collections: DirectoryPlan['collections']): boolean {
  return collections.find((each) => each.id === id)?.skip?.needsAttention === true;
}

function isInQuarantine({ root, path }: Extract<Place, { kind: 'file' }>): boolean {
  return root === null && path.startsWith('.chroma-maint/quarantine/');
}

function isOrphan(place: Place): boolean {
  return ['left-behind', 'left-index'].includes(place.kind) || (place.kind === 'wal' && place.collection === null);
}

function isWaiting(place: Place): boolean {
  return place.kind === 'wal' && place.state.startsWith('waiting');
}

/** What to do, each thing once. A scrub comes last, because what a command deletes is left in the file. */
export function remedyLines(
  { traces, indexes, leftDirectories }: Found,
  directory: DirectoryPlan,
  view: View,
): readonly string[] {
  const places = traces.map(({ place }) => place);
  const has = (isSo: (place: Place) => boolean): boolean => places.some(isSo);
  const commands = [
    ...(has(isOrphan) || leftDirectories.length > 0 ? [commandOn(directory, 'clean', '--delete')] : []),
    ...(has(({ kind }) => kind === 'full-text') ? [commandOn(directory, 'fts rebuild')] : []),
    ...(has((place) => place.kind === 'file' && isInQuarantine(place))
      ? [commandOn(directory, 'clean', '--purge-quarantine', '--older-than', '0s')]
      : []),
  ];
  const sentences = [
    ...(has(isWaiting)
      ? ['WAL rows are needed until Chroma has saved the index of their collection, after sync_threshold writes.']
      : []),
    ...(indexes.length > 0 || has(({ kind }) => kind === 'index')
      ? [
          'An index goes as a whole: copy the records that live into a new collection through Chroma, delete the old one, then run clean --delete.',
        ]
      : []),
  ];
  if (commands.length + sentences.length === 0) return [];
  return [
    '',
    ...(commands.length === 0
      ? []
      : [
          'What can go now goes with:',
          ...[...commands, commandOn(directory, 'scrub')].map((line) => `  ${line}`),
          ...wrapped('Only scrub overwrites: what the others delete are free blocks of the disk then.', view.width),
        ]),
    ...sentences.flatMap((sentence) => wrapped(sentence, view.width)),
  ];
}

const INDEX_COLUMNS: readonly Column[] = [
  { title: 'Collection', align: 'left', fit: 'cut' },
  { title: 'Marked deleted', align: 'right' },
  { title: 'Elements', align: 'right' },
  { title: 'Deletions not saved yet', align: 'right' },
];

/** Vectors are no texts, but much of a text can be told from its vector. */
export function indexLines(indexes: readonly IndexTrace[], view: View): readonly string[] {
  if (indexes.length === 0) return [];
  const text = `Vectors of deleted records are still in ${counted(indexes.length, 'index', 'indexes')}, where Chroma only marks them:`;
  const rows = indexes
    .slice(0, MOST_ROWS)
    .map(({ collection, slots, elements, unsaved }) => [
      printable(shortName(collection)),
      slots === null ? 'unreadable' : formatCount(slots),
      formatCount(elements),
      unsaved === 0 ? '–' : formatCount(unsaved),
    ]);
  const more = indexes.length - rows.length;
  return [
    '',
    ...wrapped(text, view.width).map(view.style.warn),
    ...tableLines(INDEX_COLUMNS, rows, view.width),
    ...(more > 0 ? [`  and ${counted(more, 'more index', 'more indexes')}: see --json`] : []),
  ];
}

export function leftLines(names: readonly string[], view: View): readonly string[] {
  if (names.length === 0) return [];
  const words = counted(names.length, 'directory', 'directories');
  return ['', ...wrapped(`Vectors of deleted collections are still in ${words}.`, view.width).map(view.style.warn)];
}
