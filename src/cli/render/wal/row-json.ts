import type { RecordedPosition } from '../../../chroma/model.ts';
import type { QueueRow } from '../../../chroma/queue-rows.ts';
import type { DescribedRow } from '../../../operations/wal/described.ts';
import type { Shown } from '../../../operations/wal/show.ts';

/** One line of `wal list --json` (docs/JSON.md). Fields are only ever added. */
export function listLine(row: DescribedRow): string {
  return `${JSON.stringify({ schema: 'chroma-maint/wal-list@1', ...rowJson(row) })}\n`;
}

/** The documented object of `wal show --json`. */
export function shownJson({ row, positions, standing, previous, next }: Shown): object {
  return {
    schema: 'chroma-maint/wal-show@1',
    ...rowJson(row),
    vectorStart: row.vectorStart,
    document: row.document,
    positions: positions.map(({ kind, position }) => ({ segment: kind, ...positionJson(position) })),
    doubt: standing?.doubt ?? null,
    previous: neighbourJson(previous),
    next: neighbourJson(next),
  };
}

function rowJson(row: DescribedRow): object {
  const { collection } = row;
  return {
    seqId: String(row.seqId),
    createdAt: timeOf(row.createdAt),
    op: row.operation,
    topic: row.topic,
    collection: collection?.id ?? null,
    collectionName: collection?.name ?? null,
    tenant: collection?.tenant ?? null,
    database: collection?.database ?? null,
    id: row.id,
    encoding: row.encoding,
    vectorBytes: row.vectorBytes,
    dimension: row.dimension,
    norm: row.norm,
    metadata: row.metadata,
    metadataKeys: row.metadataKeys,
    state: row.state,
    prunable: row.isPrunable,
  };
}

function positionJson(position: RecordedPosition): object {
  return {
    position: position.kind === 'recorded' ? String(position.seqId) : null,
    source: position.kind === 'recorded' ? position.source : null,
    problem: position.kind === 'unreadable' ? position.detail : null,
  };
}

function neighbourJson(row: QueueRow | null): object | null {
  return row === null ? null : { seqId: String(row.seqId), createdAt: timeOf(row.createdAt), op: row.operation };
}

/** ISO 8601 where it is what SQLite's CURRENT_TIMESTAMP writes; whatever else stands there as it is. */
function timeOf(stored: string | null): string | null {
  return stored?.replace(/^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)$/, '$1T$2.000Z') ?? null;
}
