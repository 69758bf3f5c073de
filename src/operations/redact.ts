/**
 * Names for pasting into an issue: the same name gives the same hash, and no name can be read from it.
 */
import { createHash } from 'node:crypto';
import type { NamedCollection } from './names.ts';
import type { Reading } from './reading.ts';

const HASH_CHARACTERS = 8;

/** Returns `reading` with every collection, tenant and database name replaced. Ids stay: they are random. */
export function redacted(reading: Reading): Reading {
  return {
    ...reading,
    collections: reading.collections.map((collection) => ({ ...collection, ...redactedNames(collection) })),
  };
}

/** Hashes in the place of the names of a collection, its tenant and its database. */
export function redactedNames({ name, tenant, database }: NamedCollection): Omit<NamedCollection, 'id'> {
  return {
    name: hashed('collection', name),
    tenant: tenant === null ? null : hashed('tenant', tenant),
    database: database === null ? null : hashed('database', database),
  };
}

/** A hash in the place of the id of a record. */
export function redactedRecord(id: string): string {
  return hashed('record', id);
}

/** A hash in the place of a key of metadata. */
export function redactedKey(key: string): string {
  return hashed('key', key);
}

function hashed(kind: string, name: string): string {
  return `${kind}-${createHash('sha256').update(`${kind}:${name}`).digest('hex').slice(0, HASH_CHARACTERS)}`;
}
