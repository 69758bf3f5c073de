/**
 * How collections are called.
 */
import { DEFAULT_DATABASE, DEFAULT_TENANT } from '../chroma/catalog.ts';
import type { Collection } from '../chroma/model.ts';

export type NamedCollection = Pick<Collection, 'id' | 'name' | 'tenant' | 'database'>;

/** `tenant/database/name`, with a dash where the database is gone. */
export function qualifiedName({ tenant, database, name }: NamedCollection): string {
  return `${tenant ?? '-'}/${database ?? '-'}/${name}`;
}

/**
 * What people call it: its name alone in the default database, which is where Chroma looks unless it is told otherwise,
 * and as much of database and tenant before it as differs from the default. Names contain no slash.
 */
export function shortName(collection: NamedCollection): string {
  const { tenant, database, name } = collection;
  if (tenant !== DEFAULT_TENANT) return qualifiedName(collection);
  return database === DEFAULT_DATABASE ? name : `${database ?? '-'}/${name}`;
}
