import type { CheckReport } from '../../operations/check/report.ts';
import { shellWord } from '../../shell-word.ts';
import { counted } from '../../units.ts';
import { findingListLines } from './findings-text.ts';
import { printable } from './printable.ts';
import { withCommand, wrapped } from './table.ts';
import type { View } from './view.ts';

export function checkReportLines(report: CheckReport, view: View): readonly string[] {
  const { request, findings, isDatabaseRead } = report;
  const given = printable(shellWord(request.path));
  const [first = '', ...rest] = wrapped(`${printable(request.path)}: ${summary(report)}`, view.width);
  const [worst] = findings;
  return [
    view.style.bold(first),
    ...rest,
    ...findingListLines(findings, view),
    '',
    ...(worst === undefined
      ? []
      : withCommand('What a finding means:', `chroma-maint explain ${worst.id}`, view.width)),
    ...(isDatabaseRead ? [] : wrapped('The database was not looked into: what stands above comes first.', view.width)),
    ...(request.isDeep || !isDatabaseRead
      ? []
      : withCommand('Every page, record and document:', `chroma-maint check ${given} --deep`, view.width)),
  ].filter((line, at, all) => !(line === '' && at === all.length - 1));
}

function summary({ counts, request }: CheckReport): string {
  const { error, warning, info } = counts;
  const parts = [
    ...(error > 0 ? [counted(error, 'error')] : []),
    ...(warning > 0 ? [counted(warning, 'warning')] : []),
    ...(info > 0 ? [counted(info, 'note')] : []),
  ];
  if (parts.length > 0) return parts.join(', ');
  return request.isDeep
    ? 'nothing found; every page, record and document was read'
    : 'nothing found in files, schema, WAL, indexes and catalogue';
}
