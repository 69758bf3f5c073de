/**
 * `seq_id`: the position of a row in the embeddings queue. 64 bits wide, so a bigint; a JavaScript number is a bug here.
 */
declare const brand: unique symbol;
export type SeqId = bigint & { readonly [brand]: 'SeqId' };

/** SQLite's largest integer, hence the largest seq_id there can be. */
export const LARGEST = 2n ** 63n - 1n;

/** Below every row that SQLite can hold but one, whoever wrote it; Chroma numbers rows from 1. */
export const BEFORE_ALL = -(2n ** 63n);

/** BLOB widths Chroma writes: 8 bytes big-endian (0.4.0–0.6.3), 24 for Pulsar message ids (chromadb/db/base.py `decode_seq_id`). */
const BLOB_WIDTHS: readonly number[] = [8, 24];

export type DecodedSeqId =
  | { readonly kind: 'seq-id'; readonly seqId: SeqId; readonly storedAs: 'integer' | 'blob' }
  | { readonly kind: 'invalid'; readonly detail: string };

/** Returns `value` as a SeqId. Throws a RangeError, a bug, for what SQLite could not have stored in a rowid. */
export function seqId(value: bigint): SeqId {
  if (value < 0n || value > LARGEST) throw new RangeError(`${value} is not a seq_id`);
  return value as SeqId;
}

/** The seq_id below every row: what an empty queue ends with. */
export const NO_ROW: SeqId = seqId(0n);

/**
 * Decodes a stored watermark by the type SQLite reports for it, never by version: a BLOB comes back into the INTEGER
 * column when 0.6.3 opens a directory that 1.x has migrated (docs/FORMAT.md, "Recorded positions").
 * Zero and below are invalid: no Chroma records them, and no row could lie under them.
 */
export function decodeSeqId(stored: unknown): DecodedSeqId {
  if (typeof stored === 'bigint') return fromInteger(stored, 'integer');
  if (stored instanceof Uint8Array) {
    if (!BLOB_WIDTHS.includes(stored.length)) return invalid(`a BLOB of ${stored.length} bytes`);
    return fromInteger(bigEndian(stored), 'blob');
  }
  if (stored === null) return invalid('NULL');
  return invalid(typeof stored === 'string' ? 'a TEXT' : 'a REAL');
}

/** Digits of a decimal number as migration metadb/5 reads them: "3" and the digit, filled up with "11" to 8 bytes. */
const MIGRATED_TEXT = /^(?:11)*(?<digits>(?:3\d)+)$/;

/**
 * What stood as INTEGER in the BLOB column of `max_seq_id` where migration metadb/5 (1.0.0) has made `position` of it;
 * null for a position that it cannot have made. The migration takes the hexadecimal digits of the value's text, and
 * each digit that is not there for a 1 (docs/FORMAT.md, "Recorded positions"). Of more than 8 digits only the last 8
 * can be told.
 */
export function poisonedFrom(position: SeqId): string | null {
  const hexadecimal = position.toString(16);
  if (hexadecimal.length !== 16) return null;
  const digits = MIGRATED_TEXT.exec(hexadecimal)?.groups?.['digits'];
  return digits === undefined ? null : Buffer.from(digits, 'hex').toString('latin1');
}

export function smallest(first: SeqId, ...rest: readonly SeqId[]): SeqId {
  return rest.reduce((least, each) => (each < least ? each : least), first);
}

export function largest(first: SeqId, ...rest: readonly SeqId[]): SeqId {
  return rest.reduce((most, each) => (each > most ? each : most), first);
}

function fromInteger(value: bigint, storedAs: 'integer' | 'blob'): DecodedSeqId {
  if (value <= 0n) return invalid(`the value ${value}`);
  if (value > LARGEST) return invalid(`the value ${value}, more than SQLite can count to`);
  return { kind: 'seq-id', seqId: value as SeqId, storedAs };
}

function bigEndian(bytes: Uint8Array): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function invalid(what: string): DecodedSeqId {
  return { kind: 'invalid', detail: what };
}
