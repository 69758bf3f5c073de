import { describe, expect, it } from 'vitest';
import { qualifiedName, shortName } from '../../../src/operations/names.ts';
import { excludedBy } from '../../../src/operations/target.ts';
import { fixture, FIXTURES } from '../../support/fixtures.ts';

const NAMES = FIXTURES.map(({ name }) => name);

describe('the name of a collection', () => {
  it('is its own in the default database, with what differs from the default before it elsewhere', () => {
    const named = fixture('1.5.9-purge-off').expected.collections.map(shortName);
    expect(named.toSorted()).toEqual(['archive/notes', 'büro-süd/größe/ledger', 'drafts', 'empty', 'notes']);
  });

  it('has dashes where the database is gone', () => {
    const lost = { id: 'c', name: 'notes', tenant: null, database: null };
    expect([qualifiedName(lost), shortName(lost)]).toEqual(['-/-/notes', '-/-/notes']);
    expect(shortName({ ...lost, tenant: 'default_tenant' })).toBe('-/notes');
  });

  it.each(NAMES)('tells every collection of %s from every other', (name) => {
    const { collections } = fixture(name).expected;
    expect(new Set(collections.map(shortName)).size).toBe(collections.length);
  });

  it.each(NAMES)('that is shown of a collection elsewhere in %s can be typed, and means that one alone', (name) => {
    const { collections } = fixture(name).expected;
    for (const collection of collections) {
      const typed = [collection.id, qualifiedName(collection)];
      for (const each of typed) {
        expect([...excludedBy({ path: '', only: [], redact: false, exclude: [each] }, collections)]).toEqual([
          collection.id,
        ]);
      }
    }
  });
});
