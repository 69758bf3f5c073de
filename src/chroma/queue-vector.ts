/**
 * The vectors of the queue: numbers of four bytes each, little endian (chromadb/types.py `ScalarEncoding`, Rust
 * rust/types/src/scalar_encoding.rs). Only the lengths and encodings that Chroma writes are believed.
 */
import type { QueueRow } from './queue-rows.ts';

const BYTES_OF_A_NUMBER = 4;

type Encoded = Pick<QueueRow, 'vector' | 'vectorBytes' | 'encoding'>;

/** How many numbers a row's vector has; null where it has none, or where its bytes are not what its encoding says. */
export function dimensionOf({ vectorBytes, encoding }: Omit<Encoded, 'vector'>): number | null {
  if (vectorBytes === null || vectorBytes % BYTES_OF_A_NUMBER !== 0) return null;
  return encoding === 'FLOAT32' || encoding === 'INT32' ? vectorBytes / BYTES_OF_A_NUMBER : null;
}

/** The first `most` numbers of a row's vector; null where {@link dimensionOf} is, or where it was not read. */
export function numbersOf({ vector, ...row }: Encoded, most = Infinity): readonly number[] | null {
  const dimension = dimensionOf(row);
  if (vector === null || dimension === null) return null;
  const read = reader(vector, row.encoding);
  return Array.from({ length: Math.min(dimension, most) }, (_, at) => read(at));
}

/** Its Euclidean length; null where its numbers are not known, or where it is not finite. */
export function normOf({ vector, ...row }: Encoded): number | null {
  const dimension = dimensionOf(row);
  if (vector === null || dimension === null) return null;
  const read = reader(vector, row.encoding);
  let sum = 0;
  for (let at = 0; at < dimension; at += 1) sum += read(at) ** 2;
  return Number.isFinite(sum) ? Math.sqrt(sum) : null;
}

function reader(vector: Buffer, encoding: string | null): (at: number) => number {
  const view = new DataView(vector.buffer, vector.byteOffset, vector.length);
  return encoding === 'FLOAT32'
    ? (at) => view.getFloat32(at * BYTES_OF_A_NUMBER, true)
    : (at) => view.getInt32(at * BYTES_OF_A_NUMBER, true);
}
