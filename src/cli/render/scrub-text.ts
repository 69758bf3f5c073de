import { pruneTotals } from '../../operations/collections.ts';
import type { ScrubPlan, ScrubReport, Searched } from '../../operations/scrub/plan.ts';
import { PIECE_BYTES } from '../../operations/scrub/pieces.ts';
import { isGone } from '../../operations/scrub/search.ts';
import { counted, formatBytes, formatCount, formatElapsed } from '../../units.ts';
import { backupMadeLines, backupStepLines } from './backup/first-text.ts';
import { checkLines } from './checks-text.ts';
import { capitalized } from './clean-text.ts';
import { printable } from './printable.ts';
import { allRows, attentionLines, needsYou, prunedCollections } from './prune-text.ts';
import { indexLines, leftLines, remedyLines, traceLines } from './scrub-traces-text.ts';
import { labelled, wrapped } from './table.ts';
import type { View } from './view.ts';

const OUT_OF_REACH =
  'Out of reach: copies and backups that were not named with --also; in those that were, full-text indexes, and whatever is encrypted; files and journals that were deleted earlier, by Chroma or by this program; and what a file system, its snapshots or an SSD keep of blocks that were written over.';

/** A text can be read from them, but no piece of it stands there. */
const TRIGRAMS =
  'The full-text index has texts in pieces of three characters, which are not searched; a scrub makes it anew.';

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
    ...(directory.isDryRun ? ['', ...wrapped(TRIGRAMS, width), '', 'Dry run: nothing was changed.'] : []),
  ];
}

export function scrubReportLines(report: ScrubReport, elapsedMs: number, view: View): readonly string[] {
  const { plan, deleted, databaseBytesAfter, overwrittenBytes, searched } = report;
  const { directory } = plan;
  const before = formatBytes(directory.databaseBytes);
  const sizes = `${before} → ${formatBytes(databaseBytesAfter)}; the old file was overwritten with ${formatBytes(overwrittenBytes)} of zeros`;
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
    ...leftLines(found.leftDirectories, view),
    ...found.unsearchable.flatMap(({ root, path, because }) =>
      wrapped(
        `Not searched: ${printable(root === null ? path : `${root}/${path}`)} (${printable(because)})`,
        view.width,
      ),
    ),
    ...limitLines(searched, view),
    ...remedyLines(found, plan.directory, view),
  ];
}

function verdictLines(searched: Searched, { request, directory }: ScrubPlan, view: View): readonly string[] {
  const { counts, step, found } = searched;
  const phrases = request.phrases.length - found.indistinctPhrases.length;
  const sought = counts.texts - found.indistinct;
  const what = [
    ...(sought > 0 ? [counted(sought, 'deleted text')] : []),
    ...(phrases > 0 ? [counted(phrases, 'phrase')] : []),
  ].join(' and ');
  if (sought + phrases + found.traces.length === 0) {
    const text =
      'The database names no deleted text that could be searched for. To search for texts that you know: --phrases <file>.';
    return wrapped(text, view.width);
  }
  if (found.traces.length === 0) {
    const text = `Searched every file for ${what}: nothing of ${sought + phrases === 1 ? 'it' : 'them'} is ${directory.isDryRun ? 'here' : 'left'}.`;
    const style = isGone(found) ? view.style.good : view.style.bold;
    return wrapped(text, view.width).map(style);
  }
  const apart = step === PIECE_BYTES ? '' : `, one in every ${formatCount(step)}`;
  const searchedFor = what === '' ? '' : `Searched every file for ${what}, by pieces of 16 bytes${apart}. `;
  const text = `${searchedFor}${directory.isDryRun ? 'Deleted text is now' : 'Deleted text is still'} here:`;
  return wrapped(text, view.width).map(directory.isDryRun ? view.style.bold : view.style.warn);
}

function limitLines({ found }: Searched, view: View): readonly string[] {
  const { indistinct, indistinctPhrases, tooShort, rowsBeyond } = found;
  const numbers = indistinctPhrases.join(', ');
  const facts = [
    ...(tooShort > 0
      ? [`${counted(tooShort, 'deleted text is', 'deleted texts are')} too short to be searched for in files`]
      : []),
    ...(indistinct > 0
      ? [`${counted(indistinct, 'deleted text')} could not be searched for: each piece is in text that lives`]
      : []),
    ...(indistinctPhrases.length > 0
      ? [`phrases could not be searched for in files, because each piece is in text that lives: ${numbers}`]
      : []),
    ...(rowsBeyond > 0
      ? [`deleted texts of ${counted(rowsBeyond, 'more row')} were not searched for: there are too many`]
      : []),
  ];
  return facts.length === 0 ? [] : ['', ...facts.flatMap((fact) => wrapped(`${capitalized(fact)}.`, view.width))];
}
