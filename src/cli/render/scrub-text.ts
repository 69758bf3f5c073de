import type { ScrubPlan, ScrubReport, Searched } from '../../operations/scrub/plan.ts';
import { isGone, type Found, type IndexTrace } from '../../operations/scrub/search.ts';
import type { Place, Trace } from '../../operations/scrub/traces.ts';
import { basename } from 'node:path';
import { pruneTotals } from '../../operations/collections.ts';
import { shortName } from '../../operations/names.ts';
import type { DirectoryPlan } from '../../operations/planning.ts';
import { counted, formatBytes, formatCount, formatElapsed } from '../../units.ts';
import { backupMadeLines, backupStepLines } from './backup/first-text.ts';
import { checkLines } from './checks-text.ts';
import { printable } from './printable.ts';
import { allRows, attentionLines, commandOn, needsYou, prunedCollections } from './prune-text.ts';
import { labelled, tableLines, withCommand, wrapped, type Column } from './table.ts';
import { MOST_ROWS, type View } from './view.ts';

const OUT_OF_REACH =
  'Out of reach: copies and backups that were not named with --also, journals that were deleted earlier, and what a file system, its snapshots or an SSD keep of blocks that were written over.';

export function scrubPlanLines(plan: ScrubPlan, view: View): readonly string[] {
  const { directory, expectedBytes, searched, request } = plan;
  const { width } = view;
  const { rows } = pruneTotals(directory);
  const prune =
    rows === 0
      ? `nothing to delete of ${counted(allRows(directory), 'WAL row')}`
      : `${formatCount(rows)} of ${counted(allRows(directory), 'WAL row')} in ${counted(prunedCollections(directory), 'collection')}`;
  const rebuild = `write a new file of about ${formatBytes(expectedBytes)} with the rows that stay, its full-text index made anew, verify it row by row, and put it in place`;
  const phrases = request.phrases.length === 0 ? '' : ` and ${counted(request.phrases.length, 'phrase')}`;
  return [
    view.style.bold(`Plan for ${printable(directory.dir.given)}`),
    ...backupStepLines(directory, view),
    ...labelled('prune', prune, width),
    ...labelled('rebuild', rebuild, width),
    ...labelled('erase', `write zeros over the old file, ${formatBytes(directory.databaseBytes)}`, width),
    ...labelled('search', `every file for the deleted texts that the database still names${phrases}`, width),
    ...checkLines(directory.checks, 'done', view),
    ...inPlaceLines(plan, view),
    ...attentionLines(directory, view),
    ...(searched === null ? [] : ['', ...searchedLines(searched, plan, view)]),
    ...(directory.isDryRun ? ['', 'Dry run: nothing was changed.'] : []),
  ];
}

export function scrubReportLines(report: ScrubReport, elapsedMs: number, view: View): readonly string[] {
  const { plan, deleted, databaseBytesAfter, searched } = report;
  const { directory } = plan;
  const before = formatBytes(directory.databaseBytes);
  const sizes = `${before} → ${formatBytes(databaseBytesAfter)}; the old file was overwritten with zeros`;
  const [first = '', ...rest] = wrapped(`Done in ${formatElapsed(elapsedMs)}. chroma.sqlite3: ${sizes}.`, view.width);
  const kept = formatCount(allRows(directory) - deleted);
  const rows = `${counted(deleted, 'WAL row')} deleted, ${kept} kept${needsYou(directory)}. The full-text index was made anew.`;
  return [
    view.style.bold(first),
    ...rest,
    ...wrapped(rows, view.width),
    ...attentionLines(directory, view),
    '',
    ...searchedLines(searched, plan, view),
    '',
    ...wrapped(OUT_OF_REACH, view.width),
    ...inPlaceLines(plan, view),
    ...backupMadeLines(directory, view),
  ];
}

/** That zeros do not get to where the old bytes are. */
function inPlaceLines({ fileSystem }: ScrubPlan, view: View): readonly string[] {
  if (fileSystem.isInPlace) return [];
  const text = `${fileSystem.name} is not known to write over blocks where they are: the old ones may stay until they are used again.`;
  return wrapped(text, view.width).map(view.style.warn);
}

function searchedLines(searched: Searched, plan: ScrubPlan, view: View): readonly string[] {
  const { found } = searched;
  return [
    ...verdictLines(searched, plan, view),
    ...traceLines(found.traces, plan, view),
    ...indexLines(found.indexes, view),
    ...remedyLines(found, view),
    ...leftLines(found.leftDirectories, plan.directory, view),
    ...found.unsearchable.flatMap(({ root, path, because }) =>
      wrapped(`Not searched: ${printable(root === null ? path : `${root}/${path}`)} (${because})`, view.width),
    ),
    ...limitLines(searched, view),
  ];
}

function verdictLines(searched: Searched, { request, directory }: ScrubPlan, view: View): readonly string[] {
  const { counts, found } = searched;
  const phrases = request.phrases.length;
  if (counts.texts + phrases === 0) {
    const text =
      'The database names no deleted text any more, so there was nothing to search for. To search for texts that you know: --phrases <file>.';
    return wrapped(text, view.width);
  }
  const what = [
    ...(counts.texts > 0 ? [counted(counts.texts, 'deleted text')] : []),
    ...(phrases > 0 ? [counted(phrases, 'phrase')] : []),
  ].join(' and ');
  if (found.traces.length === 0) {
    const text = `Searched every file for ${what}: nothing of them is ${directory.isDryRun ? 'here' : 'left'}.`;
    const style = isGone(found) ? view.style.good : view.style.bold;
    return wrapped(text, view.width).map(style);
  }
  const text = `Searched every file for ${what}, by pieces of 16 bytes. Something of them is ${directory.isDryRun ? 'here now' : 'still here'}:`;
  return wrapped(text, view.width).map(directory.isDryRun ? view.style.bold : view.style.warn);
}

const COLUMNS: readonly Column[] = [
  { title: 'Where', align: 'left', fit: 'cut' },
  { title: 'Texts', align: 'right' },
  { title: 'Phrases', align: 'right' },
  { title: 'What to do', align: 'left', fit: 'wrap' },
];

function traceLines(traces: readonly Trace[], { request, directory }: ScrubPlan, view: View): readonly string[] {
  if (traces.length === 0) return [];
  const hasPhrases = request.phrases.length > 0;
  const columns = COLUMNS.filter(({ title }) => hasPhrases || title !== 'Phrases');
  const rows = traces
    .slice(0, MOST_ROWS)
    .map(({ place, texts, phrases }) => [
      placeWords(place),
      texts === 0 ? '–' : formatCount(texts),
      ...(hasPhrases ? [phrases.length === 0 ? '–' : phrases.join(', ')] : []),
      advice(place, directory),
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
    case 'free-space':
      return 'free pages of chroma.sqlite3';
    case 'index':
      return `index of ${printable(shortName(place.collection))}: ${basename(place.path)}`;
    case 'left-index':
      return 'indexes of deleted collections';
    case 'file':
      return printable(place.root === null ? place.path : `${place.root}/${place.path}`);
  }
}

/** What removes the trace. Before a scrub: what that does not remove. */
function advice(place: Place, directory: DirectoryPlan): string {
  switch (place.kind) {
    case 'wal':
      return walAdvice(place, directory);
    case 'left-behind':
    case 'left-index':
      return `${commandOn(directory, 'clean', '--delete')}, then scrub again`;
    case 'full-text':
      return `${commandOn(directory, 'fts rebuild')}, then scrub again`;
    case 'live':
      return 'nothing: it is not deleted';
    case 'free-space':
      return directory.isDryRun ? 'scrub' : 'scrub again';
    case 'index':
      return 'memory of Chroma in unused slots, written out with them; goes with the index';
    case 'file':
      return fileAdvice(place.path, directory);
  }
}

function walAdvice({ collection, state }: Extract<Place, { kind: 'wal' }>, directory: DirectoryPlan): string {
  if (collection === null) return `${commandOn(directory, 'clean', '--delete')}, then scrub again`;
  switch (state) {
    case 'committed':
      return directory.isDryRun
        ? 'scrub'
        : 'the last row has to stay until Chroma has written another; then scrub again';
    case 'waiting-for-index':
    case 'waiting-for-metadata':
      return 'they are needed until Chroma has saved the index, after sync_threshold writes; then scrub again';
    case 'orphan':
    case 'unknown':
      return commandOn(directory, 'check');
  }
}

function fileAdvice(path: string, directory: DirectoryPlan): string {
  return path.startsWith('.chroma-maint/')
    ? commandOn(directory, 'clean', '--purge-quarantine', '--older-than', '0s')
    : 'delete the file or the backup that it belongs to, if you can do without it';
}

const INDEX_COLUMNS: readonly Column[] = [
  { title: 'Collection', align: 'left', fit: 'cut' },
  { title: 'Marked deleted', align: 'right' },
  { title: 'Elements', align: 'right' },
  { title: 'Deletions not saved yet', align: 'right' },
];

/** Vectors are no texts, but much of a text can be told from its vector. */
function indexLines(indexes: readonly IndexTrace[], view: View): readonly string[] {
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

/** How an index is got rid of, with all that is in it. */
function remedyLines({ traces, indexes }: Found, view: View): readonly string[] {
  const isInIndex = traces.some(({ place }) => place.kind === 'index');
  if (indexes.length === 0 && !isInIndex) return [];
  const remedy =
    'An index goes as a whole: copy the records that live into a new collection through Chroma, delete the old one, then run clean --delete and scrub.';
  return ['', ...wrapped(remedy, view.width)];
}

function leftLines(names: readonly string[], directory: DirectoryPlan, view: View): readonly string[] {
  if (names.length === 0) return [];
  const words = counted(names.length, 'directory', 'directories');
  const text = `Vectors of deleted collections are still in ${words}:`;
  return ['', ...withCommand(text, commandOn(directory, 'clean', '--delete'), view.width)];
}

function limitLines({ counts, found }: Searched, view: View): readonly string[] {
  const facts = [
    ...(counts.tooShort > 0
      ? [`${counted(counts.tooShort, 'deleted document is', 'deleted documents are')} too short to be searched for`]
      : []),
    ...(found.indistinct > 0
      ? [`${counted(found.indistinct, 'deleted text')} could not be searched for: all of it is in text that lives`]
      : []),
    ...(counts.rowsBeyond > 0
      ? [`deleted texts of ${counted(counts.rowsBeyond, 'more row')} were not searched for: there are too many`]
      : []),
  ];
  return facts.flatMap((fact) => wrapped(`${fact}.`, view.width));
}
