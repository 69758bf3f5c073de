/**
 * `<persist dir>/<vector segment id>/index_metadata.pickle`: which ids the HNSW index holds, and up to 0.5.5 the only
 * record of how far it has persisted the queue. Written in place, without fsync, by Python as a pickled
 * `PersistentData` object (protocol 4 or 5) and by Rust (1.0.0 and later) as a pickled dict (protocol 3).
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { BufferReader, Parser, type NameRegistry } from 'pickleparser';
import { messageOf, systemErrorCode } from '../errors.ts';
import { decodeSeqId, type SeqId } from './seq-id.ts';

export const INDEX_METADATA_NAME = 'index_metadata.pickle';

/** Above this a file is not read: the parser would need more than a gigabyte of memory for it. */
export const LARGEST_PICKLE_BYTES = 128 * 1024 * 1024;

const STOP = 0x2e;
const MODULE = 'chromadb.segment.impl.vector.local_persistent_hnsw';
const CLASS = 'PersistentData';

export interface IndexMetadata {
  /** `object`: written by Python. `dict`: written by Rust. */
  readonly form: 'object' | 'dict';
  /**
   * The attribute `max_seq_id`, null where there is none. Stale for ever once `max_seq_id` has a row for the segment
   * (0.5.6 local_persistent_hnsw.py: "legacy field … no longer mutated").
   */
  readonly maxSeqId: SeqId | null;
  /** Ids of the records whose vectors the index holds. */
  readonly ids: ReadonlyMap<unknown, unknown>;
}

export type IndexMetadataReading =
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly detail: string }
  | { readonly kind: 'read'; readonly metadata: IndexMetadata };

/** Reads the index metadata in `segmentDir`. Never throws: what cannot be trusted whole is `unreadable`. */
export function readIndexMetadata(segmentDir: string): IndexMetadataReading {
  try {
    const descriptor = openSync(join(segmentDir, INDEX_METADATA_NAME), 'r');
    try {
      return readDescriptor(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    return systemErrorCode(error) === 'ENOENT' ? { kind: 'absent' } : unreadable(messageOf(error));
  }
}

function readDescriptor(descriptor: number): IndexMetadataReading {
  const stat = fstatSync(descriptor);
  if (!stat.isFile()) return unreadable('it is not a regular file');
  if (stat.size === 0) return unreadable('it is empty (0 bytes)');
  if (stat.size > LARGEST_PICKLE_BYTES) return unreadable(`it has ${stat.size} bytes, more than chroma-maint reads`);
  // A cheap look first: a file that is cut short is by far the commonest damage.
  const last = Buffer.alloc(1);
  readSync(descriptor, last, 0, 1, stat.size - 1);
  if (last[0] !== STOP) return unreadable(`it is cut short (${stat.size} bytes, no end mark)`);
  return parseIndexMetadata(readFileSync(descriptor));
}

/**
 * Parses a whole pickle: every opcode to the final STOP, nothing after it, no class but Chroma's own. A parser that
 * stopped at `max_seq_id`, which stands before the ids, would believe a file that was cut short behind it.
 */
export function parseIndexMetadata(bytes: Uint8Array): IndexMetadataReading {
  const reader = new StrictReader(bytes);
  try {
    const parsed = new Parser({ nameResolver: onlyPersistentData(), unpicklingTypeOfDictionary: 'Map' }).read<unknown>(
      reader,
    );
    if (reader.hasNext()) return unreadable(`${reader.length - reader.position} bytes follow its end mark`);
    if (parsed instanceof PersistentData) return interpret('object', parsed.state);
    return interpret('dict', parsed);
  } catch (error) {
    return unreadable(`it cannot be parsed: ${messageOf(error)}`);
  }
}

function interpret(form: IndexMetadata['form'], state: unknown): IndexMetadataReading {
  if (!(state instanceof Map)) return unreadable('it does not hold what Chroma writes');
  const ids: unknown = state.get('id_to_label');
  if (!(ids instanceof Map)) return unreadable('it holds no id_to_label');
  const maxSeqId: unknown = state.get('max_seq_id') ?? null;
  if (maxSeqId === null) return { kind: 'read', metadata: { form, maxSeqId, ids } };
  const decoded = decodeSeqId(toBigInt(maxSeqId));
  if (decoded.kind === 'invalid') return unreadable(`its max_seq_id is ${decoded.detail}`);
  return { kind: 'read', metadata: { form, maxSeqId: decoded.seqId, ids } };
}

/** Integers above 2^53 have already lost digits in the parser, so they stay what they are: not a bigint, invalid. */
function toBigInt(value: unknown): unknown {
  return Number.isSafeInteger(value) ? BigInt(value as number) : value;
}

/** The state of Chroma's object, whatever `__setstate__` is given (0.5.5 re-pickles older attributes through it). */
class PersistentData {
  state: unknown = null;

  __setstate__(state: unknown): void {
    this.state = state;
  }
}

/** Allow-list of one. A pickle names the code to be run; nothing but a data holder of ours is ever handed out. */
function onlyPersistentData(): Pick<NameRegistry, 'resolve'> {
  return {
    resolve(module: string, name: string): typeof PersistentData {
      if (module !== MODULE || name !== CLASS)
        throw new Error(`it names the class ${module}.${name}, which Chroma never writes`);
      return PersistentData;
    },
  };
}

/** Refuses what the parser's own reader would silently repair: broken UTF-8, a byte order mark, sizes beyond 2^53. */
class StrictReader extends BufferReader {
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  override string(size: number, encoding: 'ascii' | 'utf-8'): string {
    return encoding === 'utf-8' ? this.#utf8.decode(Uint8Array.from(this.bytes(size))) : super.string(size, encoding);
  }

  override uint64(): number {
    const size = this.bytes(8);
    const value = Buffer.from(size.buffer, size.byteOffset, 8).readBigUInt64LE();
    if (value > BigInt(this.length)) throw new Error(`a size of ${value} bytes in a file of ${this.length}`);
    return Number(value);
  }
}

function unreadable(detail: string): IndexMetadataReading {
  return { kind: 'unreadable', detail };
}
