import type { Exported, ExportReport, ExportRequest } from '../../../operations/wal/export.ts';
import { shellWord } from '../../../shell-word.ts';
import { counted, formatBytes, formatElapsed } from '../../../units.ts';
import { printable } from '../printable.ts';
import { withCommand, wrapped } from '../table.ts';
import type { View } from '../view.ts';
import { nextAfter } from './export-json.ts';

export function exportReportLines(report: ExportReport, elapsedMs: number, view: View): readonly string[] {
  const { request, rows, bytes, firstSeqId, lastSeqId } = report;
  const file = printable(request.file);
  const span = firstSeqId === null ? '' : `, seq_id ${firstSeqId} to ${lastSeqId}`;
  const done = `${counted(rows, 'row')} of the WAL in ${file}${span}: ${formatBytes(bytes)} in ${formatElapsed(elapsedMs)}.`;
  const after = nextAfter(lastSeqId, request.after);
  const [first = '', ...rest] = wrapped(done, view.width);
  return [
    view.style.bold(first),
    ...rest,
    ...(after === null ? [] : ['', ...withCommand('What comes next:', nextCommand(request, after), view.width)]),
  ];
}

/** What somebody should know who goes on from here. */
export function exportWarnings({ endsBefore }: Exported, { after }: ExportRequest): readonly string[] {
  if (endsBefore === null) return [];
  return [
    `the WAL ends at ${endsBefore}, before --after ${after}: its newest rows were deleted, and Chroma gives their numbers again; export all of it once`,
  ];
}

/** The same export of the rows that come after. */
function nextCommand({ path, collections, operation, id, vectors }: ExportRequest, after: string): string {
  const words = [
    path,
    '--after',
    after,
    ...collections.flatMap((name) => ['--collection', name]),
    ...(operation === null ? [] : ['--op', operation]),
    ...(id === null ? [] : ['--id', id]),
    ...(vectors === 'base64' ? [] : ['--vectors', vectors]),
  ];
  return printable(['chroma-maint wal export', ...words.map(shellWord), '-o NEW-FILE'].join(' '));
}
