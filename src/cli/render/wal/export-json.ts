import type { ExportReport } from '../../../operations/wal/export.ts';

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
    after: nextAfter(lastSeqId, request.after),
    endsBefore: endsBefore === null ? null : String(endsBefore),
  };
}

/** What the next export is to be given as --after. */
export function nextAfter(lastSeqId: bigint | null, after: bigint | null): string | null {
  const next = lastSeqId ?? after;
  return next === null ? null : String(next);
}
