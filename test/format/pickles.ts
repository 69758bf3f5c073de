/** Pickles as bytes, and what is read from them. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import {
  parseIndexMetadata as parseFrom,
  type IndexMetadata,
  type IndexMetadataReading,
} from '../../src/chroma/index-metadata.ts';
import { pickleOf } from '../support/damage.ts';
import { unpacked } from '../support/fixtures.ts';

/** One pickle of every writer: objects of three layouts, a dict, a dict that carries a Python predecessor's values. */
export const WRITERS = ['0.4.3', '0.5.5', '0.6.3-purge-off', '1.5.9-purge-off', 'chain-0.5.5-1.5.9'];

export interface Pickle {
  readonly maxSeqId: bigint | null;
  readonly ids: ReadonlySet<string>;
}

/** Parses bytes as they would be read from a file, three at a time where `atOnce` says so. */
export function parseIndexMetadata(bytes: Uint8Array, ids: string[] = [], atOnce = bytes.length): IndexMetadataReading {
  const read = (target: Uint8Array, position: number): number => {
    const part = bytes.subarray(position, position + Math.min(target.length, atOnce));
    target.set(part);
    return part.length;
  };
  return parseFrom(bytes.length, read, ({ buffer, start, end }) => ids.push(buffer.toString('utf8', start, end)));
}

export function pickleIn(bytes: Uint8Array): Pickle {
  const ids: string[] = [];
  const { maxSeqId, records } = metadataIn(parseIndexMetadata(bytes, ids));
  expect([ids.length, new Set(ids).size]).toEqual([records, records]);
  return { maxSeqId, ids: new Set(ids) };
}

export function metadataIn(reading: IndexMetadataReading): IndexMetadata {
  if (reading.kind !== 'read') throw new Error(`it is ${reading.kind}`);
  return reading.metadata;
}

export async function realPickle(name: string): Promise<Buffer> {
  return readFileSync(pickleOf(await unpacked(name), 'notes'));
}

export function unicode(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x8c, Buffer.byteLength(text)]), Buffer.from(text)]);
}

/** A dict as Rust writes it, with the opcodes given for the two values that are read. */
export function dictPickle(maxSeqId: readonly number[], ids: readonly number[] | Buffer = [0x7d]): Buffer {
  const head = [Buffer.from([0x80, 3, 0x7d, 0x28]), unicode('max_seq_id'), Buffer.from(maxSeqId)];
  return Buffer.concat([...head, unicode('id_to_label'), Buffer.from(ids), Buffer.from('u.')]);
}
