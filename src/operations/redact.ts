/**
 * Names for pasting into an issue: the same name gives the same hash, and no name can be read from it.
 */
import { createHash } from 'node:crypto';
import type { Reading } from './reading.ts';

const HASH_CHARACTERS = 8;

/** Returns `reading` with every collection, tenant and database name replaced. Ids stay: they are random. */
export function redacted(reading: Reading): Reading {
  return {
    ...reading,
    collections: reading.collections.map((collection) => ({
      ...collection,
      name: hashed('collection', collection.name),
      tenant: collection.tenant === null ? null : hashed('tenant', collection.tenant),
      database: collection.database === null ? null : hashed('database', collection.database),
    })),
  };
}

/** A hash in the place of the id of a record. */
export function redactedRecord(id: string): string {
  return hashed('record', id);
}

function hashed(kind: string, name: string): string {
  return `${kind}-${createHash('sha256').update(`${kind}:${name}`).digest('hex').slice(0, HASH_CHARACTERS)}`;
}
