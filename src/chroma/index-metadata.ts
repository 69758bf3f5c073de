/**
 * `<persist dir>/<vector segment id>/index_metadata.pickle`: which ids the HNSW index holds, and up to 0.5.5 the only
 * record of how far it has persisted the queue. Written in place, without fsync, by Python as a pickled
 * `PersistentData` object (protocol 4 or 5) and by Rust (1.0.0 and later) as a pickled dict (protocol 3).
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, systemErrorCode } from '../errors.ts';
import { ByteReader, type ReadBytes } from './byte-reader.ts';
import { OPCODES, PickleError, type PickledText } from './pickle-tokens.ts';
import { walkPickle } from './pickle.ts';
import { decodeSeqId, type SeqId } from './seq-id.ts';

export const INDEX_METADATA_NAME = 'index_metadata.pickle';

const CLASS = { module: 'chromadb.segment.impl.vector.local_persistent_hnsw', name: 'PersistentData' };

const DICTS: readonly string[] = ['id_to_label', 'label_to_id', 'id_to_seq_id'];

export interface IndexMetadata {
  /** `object`: written by Python. `dict`: written by Rust. */
  readonly form: 'object' | 'dict';
  /**
   * The attribute `max_seq_id`, null where there is none. Stale for ever once `max_seq_id` has a row for the segment
   * (0.5.6 local_persistent_hnsw.py: "legacy field … no longer mutated").
   */
  readonly maxSeqId: SeqId | null;
  /** How many records' vectors the index holds. */
  readonly records: number;
}

export type IndexMetadataReading =
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly detail: string }
  | { readonly kind: 'read'; readonly metadata: IndexMetadata };

type VisitId = (id: PickledText) => void;

/** Reads the index metadata in `segmentDir`. Never throws: what cannot be trusted whole is `unreadable`. */
export function readIndexMetadata(segmentDir: string): IndexMetadataReading {
  return readVisiting(segmentDir, () => {});
}

/** Returns those of `ids` whose vectors the index in `segmentDir` does not hold: all, where it cannot be read whole. */
export function idsNotIndexed(segmentDir: string, ids: ReadonlySet<string>): ReadonlySet<string> {
  const missing = new Set(ids);
  const reading = readVisiting(segmentDir, ({ buffer, start, end }) => {
    missing.delete(buffer.toString('utf8', start, end));
  });
  return reading.kind === 'read' ? missing : ids;
}

/** Calls `visit` with every id that the index in `segmentDir` holds, in the order of the file. Never throws itself. */
export function visitIndexedIds(segmentDir: string, visit: (id: string) => void): IndexMetadataReading {
  return readVisiting(segmentDir, ({ buffer, start, end }) => visit(buffer.toString('utf8', start, end)));
}

function readVisiting(segmentDir: string, visitId: VisitId): IndexMetadataReading {
  try {
    const descriptor = openSync(join(segmentDir, INDEX_METADATA_NAME), 'r');
    try {
      return readDescriptor(descriptor, visitId);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    return systemErrorCode(error) === 'ENOENT' ? { kind: 'absent' } : unreadable(messageOf(error));
  }
}

function readDescriptor(descriptor: number, visitId: VisitId): IndexMetadataReading {
  const before = fstatSync(descriptor);
  const { size } = before;
  if (!before.isFile()) return unreadable('it is not a regular file');
  if (size === 0) return unreadable('it is empty (0 bytes)');
  const read: ReadBytes = (target, position) => readSync(descriptor, target, 0, target.length, position);
  // A cheap look first: a file that is cut short is by far the commonest damage.
  const last = Buffer.alloc(1);
  read(last, size - 1);
  if (last[0] !== OPCODES.stop) return unreadable(`it is cut short (${size} bytes, no end mark)`);
  const reading = parseIndexMetadata(size, read, visitId);
  // Chroma writes it in place: what was read while it wrote is half old and half new, however sound it looks.
  const after = fstatSync(descriptor);
  const isUntouched = after.size === size && after.mtimeMs === before.mtimeMs;
  return isUntouched ? reading : unreadable('it was written to while it was read');
}

/**
 * Parses a whole pickle of `size` bytes and calls `visitId` with each id of the index. A parser that stopped at
 * `max_seq_id`, which stands before the ids, would believe a file that was cut short behind it.
 */
export function parseIndexMetadata(size: number, read: ReadBytes, visitId: VisitId): IndexMetadataReading {
  let maxSeqId: unknown = null;
  let records: number | null = null;
  try {
    const form = walkPickle(new ByteReader(size, read), {
      className: CLASS,
      scalar(attribute, value) {
        if (attribute === 'max_seq_id') maxSeqId = value;
      },
      dict(attribute) {
        if (!DICTS.includes(attribute)) throw new PickleError(`its ${attribute} is a dict, which Chroma never writes`);
        if (attribute !== 'id_to_label') return null;
        records = 0;
        return (id) => {
          if (id === null) throw new PickleError('an id in id_to_label is not a string');
          records = (records ?? 0) + 1;
          visitId(id);
        };
      },
    });
    return interpret(form, maxSeqId, records);
  } catch (error) {
    if (!(error instanceof PickleError || error instanceof RangeError)) throw error;
    return unreadable(`it cannot be parsed: ${messageOf(error)}`);
  }
}

function interpret(form: IndexMetadata['form'], maxSeqId: unknown, records: number | null): IndexMetadataReading {
  if (records === null) return unreadable('it holds no id_to_label');
  if (maxSeqId === null) return { kind: 'read', metadata: { form, maxSeqId, records } };
  const decoded = decodeSeqId(maxSeqId);
  if (decoded.kind === 'invalid') return unreadable(`its max_seq_id is ${decoded.detail}`);
  return { kind: 'read', metadata: { form, maxSeqId: decoded.seqId, records } };
}

function unreadable(detail: string): IndexMetadataReading {
  return { kind: 'unreadable', detail };
}
