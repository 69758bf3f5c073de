/**
 * How collections are called.
 */
import type { Collection } from '../chroma/model.ts';

export type NamedCollection = Pick<Collection, 'id' | 'name' | 'tenant' | 'database'>;

/** `tenant/database/name`, with a dash where the database is gone. */
export function qualifiedName({ tenant, database, name }: NamedCollection): string {
  return `${tenant ?? '-'}/${database ?? '-'}/${name}`;
}

/** How each of a list is called: as much of tenant and database as tells them apart, nothing that all share. */
export function shortNames(collections: readonly NamedCollection[]): (collection: NamedCollection) => string {
  const tenants = new Set(collections.map(({ tenant }) => tenant));
  const databases = new Set(collections.map(({ database }) => database));
  return (collection) => {
    if (tenants.size > 1) return qualifiedName(collection);
    return databases.size > 1 ? `${collection.database ?? '-'}/${collection.name}` : collection.name;
  };
}
