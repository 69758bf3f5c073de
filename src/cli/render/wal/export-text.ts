import type { Exported, ExportReport, ExportRequest } from '../../../operations/wal/export.ts';
import { shellWord } from '../../../shell-word.ts';
import { counted, formatBytes, formatElapsed } from '../../../units.ts';
import { printable } from '../printable.ts';
import { withCommand, wrapped } from '../table.ts';
import type { View } from '../view.ts';
import { nextAfter } from './export-json.ts';
import { timeText } from './row-text.ts';

export function exportReportLines(report: ExportReport, elapsedMs: number, view: View): readonly string[] {
  const { request, rows, bytes, firstSeqId, lastSeqId, endsBefore } = report;
  const file = printable(request.file);
  const span = firstSeqId === null ? '' : `, seq_id ${firstSeqId} to ${lastSeqId}`;
  const done =
    endsBefore === null
      ? `${counted(rows, 'row')} of the WAL in ${file}${span}: ${formatBytes(bytes)} in ${formatElapsed(elapsedMs)}.`
      : `Nothing was exported: the WAL ends at ${endsBefore}, before --after ${request.after}.`;
  const [first = '', ...rest] = wrapped(done, view.width);
  return [view.style.bold(first), ...rest, ...nextLines(report, view)];
}

/** What somebody should know who goes on from here. */
export function exportWarnings({ endsBefore }: Exported, { after }: ExportRequest): readonly string[] {
  if (endsBefore === null) return [];
  return [
    `the WAL ends at ${endsBefore}, before --after ${after}: its newest rows were deleted, and Chroma gives their numbers again; export all of it once`,
  ];
}

function nextLines(report: ExportReport, { width }: View): readonly string[] {
  const after = nextAfter(report, report.request);
  if (after === null && report.endsBefore === null) return [];
  const title = after === null ? 'All of it:' : 'What comes next:';
  return ['', ...withCommand(title, nextCommand(report.request, after), width)];
}

/** The same export of the rows that come after, or from the beginning. */
function nextCommand(request: ExportRequest, after: string | null): string {
  const { path, collections, operation, id, limit, until, vectors } = request;
  const words = [
    path,
    ...(after === null ? [] : ['--after', after]),
    ...collections.flatMap((name) => ['--collection', name]),
    ...(operation === null ? [] : ['--op', operation]),
    ...(id === null ? [] : ['--id', id]),
    ...(until === null ? [] : ['--until', timeText(until)]),
    ...(limit === null ? [] : ['--limit', String(limit)]),
    ...(vectors === 'base64' ? [] : ['--vectors', vectors]),
  ];
  return printable(['chroma-maint wal export', ...words.map(shellWord), '-o NEW-FILE'].join(' '));
}
