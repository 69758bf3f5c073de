import type { CheckReport } from '../../operations/check/report.ts';

/** The documented object of `check --json` (docs/JSON.md). */
export function checkReportJson({ request, path, findings, counts, isDatabaseRead }: CheckReport): object {
  return {
    schema: 'chroma-maint/check@1',
    persistDir: path,
    deep: request.isDeep,
    databaseRead: isDatabaseRead,
    findings,
    counts,
  };
}
