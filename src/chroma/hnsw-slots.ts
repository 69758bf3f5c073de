/**
 * The slots of an HNSW index that hold vectors of deleted records. Chroma marks a slot and forgets its id; the vector
 * stays in `data_level0.bin`, bit for bit, until the slot is used again (chroma-hnswlib 0.7.1 to 0.8.2, hnswalg.h
 * `markDeletedInternal`; chroma#7662).
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import { readHnswHeader } from './hnsw-files.ts';

/** The mark is the lowest bit of the third byte of a slot, behind the number of its links. */
const MARK_AT = 2;
const MARK = 1;

export type DeletedSlots =
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly detail: string }
  | { readonly kind: 'read'; readonly elements: number; readonly deleted: number };

/** Counts the slots that are marked deleted in the index in `segmentDir`. Never throws. */
export function countDeletedSlots(segmentDir: string): DeletedSlots {
  const reading = readHnswHeader(segmentDir);
  if (reading.kind === 'absent') return reading;
  if (reading.kind === 'damaged') return { kind: 'unreadable', detail: reading.detail };
  const { elements, elementBytes, firstElementAt } = reading.header;
  try {
    const descriptor = openSync(join(segmentDir, 'data_level0.bin'), 'r');
    try {
      const byte = Buffer.alloc(1);
      let deleted = 0;
      for (let at = 0; at < elements; at += 1) {
        readSync(descriptor, byte, 0, 1, firstElementAt + at * elementBytes + MARK_AT);
        deleted += (byte[0] ?? 0) & MARK;
      }
      return { kind: 'read', elements, deleted };
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    return { kind: 'unreadable', detail: messageOf(error) };
  }
}
