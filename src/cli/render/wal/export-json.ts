import type { Exported, ExportReport, ExportRequest } from '../../../operations/wal/export.ts';

/** The documented object of `wal export -o … --json` (docs/JSON.md). Fields are only ever added. */
export function exportJson({ request, dir, file, bytes, isCompressed, ...exported }: ExportReport): object {
  const { rows, firstSeqId, lastSeqId, endsBefore } = exported;
  return {
    schema: 'chroma-maint/wal-export@1',
    persistDir: dir.path,
    file,
    bytes,
    compressed: isCompressed,
    vectors: request.vectors,
    rows,
    firstSeqId: firstSeqId === null ? null : String(firstSeqId),
    lastSeqId: lastSeqId === null ? null : String(lastSeqId),
    after: nextAfter(exported, request),
    endsBefore: endsBefore === null ? null : String(endsBefore),
  };
}

/** What the next export is to be given as --after; null where it has to begin anew. */
export function nextAfter({ lastSeqId, endsBefore }: Exported, { after }: ExportRequest): string | null {
  const next = endsBefore === null ? (lastSeqId ?? after) : null;
  return next === null ? null : String(next);
}
