import type { FullTextReport } from '../../operations/full-text/execute.ts';
import type { FullTextContent, FullTextPlan, FullTextState } from '../../operations/full-text/plan.ts';
import type { Sample } from '../../operations/full-text/sample.ts';
import { counted, formatBytes, formatCount, formatElapsed } from '../../units.ts';
import { backupMadeLines, backupStepLines } from './backup/first-text.ts';
import { checkLines } from './checks-text.ts';
import { printable } from './printable.ts';
import { commandOn } from './command-text.ts';
import { labelled, unbroken, withCommand, wrapped } from './table.ts';
import type { View } from './view.ts';

export function rebuildPlanLines(plan: FullTextPlan, view: View): readonly string[] {
  const { index, expectedBytes } = plan;
  const nul = nulWords(index);
  const how = `drop ${index.declaration.table}, create it as ${index.declaration.arguments}, fill it from ${counted(index.documents, 'document')}, verify it`;
  return planLines(
    plan,
    [
      ...labelled('rebuild', how, view.width),
      ...labelled('', `${formatBytes(index.bytes)} → at most about ${formatBytes(expectedBytes)}`, view.width),
      ...(nul === null ? [] : labelled('note', nul, view.width)),
    ],
    view,
  );
}

/** That the index does not take documents whole that have a NUL character; null where there are none. */
function nulWords({ endingAtNul }: FullTextState): string | null {
  if (endingAtNul === 0) return null;
  return `${counted(endingAtNul, 'document has', 'documents have')} a NUL character: the index takes the text up to there, behind which $contains does not look and $regex does`;
}

export function optimizePlanLines(plan: FullTextPlan, view: View): readonly string[] {
  const { index } = plan;
  const how = `have FTS5 merge ${index.declaration.table} into one piece, verify it; now ${formatBytes(index.bytes)}`;
  return planLines(plan, labelled('merge', how, view.width), view);
}

function planLines({ directory, index }: FullTextPlan, steps: readonly string[], view: View): readonly string[] {
  const { width } = view;
  return [
    view.style.bold(`Plan for ${printable(directory.dir.given)}`),
    ...labelled('index', stateWords(index), width),
    ...backupStepLines(directory, view),
    ...steps,
    ...checkLines(directory.checks, 'not-needed', view),
    ...(directory.isDryRun ? ['', 'Dry run: nothing was changed.'] : []),
  ];
}

export function rebuildReportLines(
  { plan, sample, bytesAfter }: FullTextReport,
  elapsedMs: number,
  view: View,
): readonly string[] {
  const { directory, index } = plan;
  const documents = counted(index.documents, 'document');
  const nul = nulWords(index);
  const sizes = unbroken([`${formatBytes(index.bytes)} → ${formatBytes(bytesAfter)}`]);
  const done = `Made the full-text index of ${documents} anew in ${formatElapsed(elapsedMs)}: ${sizes}.`;
  const size =
    index.damaged.length === 0
      ? []
      : [
          '',
          ...withCommand(
            'The damaged pages stay in the file, where check --deep finds them, until:',
            commandOn(directory, 'vacuum'),
            view.width,
          ),
        ];
  return [
    ...wrapped(done, view.width).map((line, at) => (at === 0 ? view.style.bold(line) : line)),
    ...wrapped(`Before: ${stateWords(index)}.`, view.width),
    ...(sample === null || sample.queries === 0 ? [] : wrapped(sampleWords(sample), view.width)),
    ...(nul === null ? [] : wrapped(`${nul}.`, view.width)),
    ...size,
    ...backupMadeLines(directory, view),
  ];
}

export function optimizeReportLines(
  { plan, sample, bytesAfter }: FullTextReport,
  elapsedMs: number,
  view: View,
): readonly string[] {
  const { directory, index } = plan;
  if (sample === null) {
    const text = `Nothing to merge: the full-text index is in one piece (${formatBytes(index.bytes)}).`;
    return [...wrapped(text, view.width).map(view.style.bold), ...differenceLines(plan, view)];
  }
  const sizes = unbroken([`${formatBytes(index.bytes)} → ${formatBytes(bytesAfter)}`]);
  const size = 'The file keeps its size, and Chroma fills the freed pages first. It gets smaller with:';
  return [
    ...wrapped(`Merged the full-text index in ${formatElapsed(elapsedMs)}: ${sizes}.`, view.width).map((line, at) =>
      at === 0 ? view.style.bold(line) : line,
    ),
    ...wrapped(`${queries(sample)} the same ${counted(sample.hits, 'hit')} as before.`, view.width),
    ...differenceLines(plan, view),
    '',
    ...withCommand(size, commandOn(directory, 'vacuum'), view.width),
    ...backupMadeLines(directory, view),
  ];
}

/** What a merge does not mend. */
function differenceLines({ directory, index }: FullTextPlan, view: View): readonly string[] {
  if (isRight(index)) return [];
  const text = `It is not as it should be: ${stateWords(index)}. Make it anew with:`;
  return ['', ...withCommand(text, commandOn(directory, 'fts rebuild'), view.width)];
}

function isRight({ reading, content }: FullTextState): boolean {
  return reading.kind === 'sound' && content !== null && content.missing + content.differing + content.surplus === 0;
}

/** What the index is, and how it differs from the documents. */
function stateWords({ reading, damaged, content, documents }: FullTextState): string {
  const compared = content === null ? 'it cannot be compared with the documents' : contentWords(content, documents);
  if (damaged.length > 0) return `${damaged.join(', ')} damaged; ${compared}`;
  switch (reading.kind) {
    case 'missing':
      return `${reading.table} is missing`;
    case 'wrong-tokenizer':
      return `declared as ${printable(reading.found)}, which is not how Chroma does; ${compared}`;
    case 'sound':
      return compared;
  }
}

function contentWords({ rows, missing, differing, surplus, orphans }: FullTextContent, documents: number): string {
  const parts = [
    ...(missing > 0 ? [`${formatCount(missing)} missing`] : []),
    ...(differing > 0 ? [`${formatCount(differing)} with another text`] : []),
    ...(surplus > 0 ? [`${formatCount(surplus)} of records without a document`] : []),
    ...(orphans > 0 ? [`${formatCount(orphans)} of no record`] : []),
  ];
  const all = `${counted(rows, 'row')} for ${counted(documents, 'document')}`;
  return parts.length === 0 ? `${all}, nothing differs` : `${all}: ${parts.join(', ')}`;
}

function sampleWords(sample: Sample): string {
  const { hits, before } = sample;
  const now = `${queries(sample)} ${counted(hits, 'hit')}, each one right and none missing`;
  if (before === null) return `${now}.`;
  const { found, correct } = before;
  if (found === correct && correct === hits) return `${now}, as before.`;
  const wrong = found > correct ? `, ${formatCount(found - correct)} wrong` : '';
  const lost = correct < hits ? `, ${formatCount(hits - correct)} missing` : '';
  return `${now}; before ${counted(found, 'hit')}${wrong}${lost}.`;
}

function queries({ queries: count }: Sample): string {
  return count === 1 ? '1 query has' : `${formatCount(count)} queries have`;
}
