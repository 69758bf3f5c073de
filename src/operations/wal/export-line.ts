/**
 * A row of the queue as a line of an export: Chroma's own column names, nothing left out and nothing interpreted but the
 * operation.
 */
import type { QueueRow } from '../../chroma/queue-rows.ts';
import { numbersOf } from '../../chroma/queue-vector.ts';
import type { NamedCollection } from '../names.ts';

/** How the vectors are written. */
export type VectorForm = 'base64' | 'array' | 'none';

/** One JSON object and the end of its line. */
export function exportLine(row: QueueRow, collection: NamedCollection | null, form: VectorForm): string {
  const { seqId, createdAt, operation, topic, id, encoding, metadata } = row;
  const line = {
    seq_id: String(seqId),
    created_at: createdAt,
    op: operation,
    topic,
    collection: collection?.id ?? null,
    collection_name: collection?.name ?? null,
    id,
    encoding,
    vector: vectorOf(row, form),
    metadata,
  };
  return `${JSON.stringify(line)}\n`;
}

/** Bytes that are no list of numbers which JSON has are written as base64 in every form: they may be the only copy. */
function vectorOf(row: QueueRow, form: VectorForm): string | readonly number[] | null {
  if (row.vector === null || form === 'none') return null;
  const numbers = form === 'array' ? numbersOf(row) : null;
  return numbers?.every(Number.isFinite) === true ? numbers : row.vector.toString('base64');
}
