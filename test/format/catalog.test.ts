import { describe, expect, it } from 'vitest';
import { readCatalog, readRecordCounts, type Catalog, type CatalogCollection } from '../../src/chroma/catalog.ts';
import { readSchema } from '../../src/chroma/schema.ts';
import { withReadOnly } from '../../src/sqlite/open.ts';
import { change, collectionIdOf, databaseOf, orphanSegmentRows, orphanTopic } from '../support/damage.ts';
import { fixture, FIXTURES, unpacked } from '../support/fixtures.ts';
import { withDatabase } from '../support/state.ts';

function catalogOf(dir: string): Catalog {
  return withReadOnly(databaseOf(dir), 0, (db) => readCatalog(db, readSchema(db, databaseOf(dir))));
}

function named({ id, name, tenant, database }: Pick<CatalogCollection, 'id' | 'name' | 'tenant' | 'database'>): string {
  return [id, name, tenant, database].join(' ');
}

describe('the catalog', () => {
  it.each(FIXTURES.map(({ name }) => name))(
    'has every collection of every tenant and database, in %s',
    async (name) => {
      const { collections, segments } = catalogOf(await unpacked(name));
      expect(collections.map(named).toSorted()).toEqual(fixture(name).expected.collections.map(named).toSorted());
      for (const { id } of collections) {
        const kinds = segments.filter(({ collection }) => collection === id).map(({ kind }) => kind);
        expect(kinds.toSorted()).toEqual(['metadata', 'vector']);
      }
    },
  );

  it.each(['0.4.0', '0.4.14', '0.4.24'])('has the stored topics up to 0.4.24: %s', async (name) => {
    const { collections, segments } = catalogOf(await unpacked(name));
    for (const { id, topic } of collections) {
      expect(topic).toBe(`persistent://default/default/${id}`);
      expect(segments.filter((each) => each.topic === topic)).toHaveLength(2);
    }
  });

  it('keeps a collection whose database is gone: no client reaches it, its data are live all the same', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    withDatabase(dir, (db) => db.exec("DELETE FROM databases WHERE name = 'archive'"));
    const { collections } = catalogOf(dir);
    expect(collections.filter(({ database }) => database === null)).toMatchObject([{ name: 'notes', tenant: null }]);
    expect(collections).toHaveLength(5);
  });

  it('lists the segments of a collection that was deleted with its database', async () => {
    const [python, rust] = [await unpacked('0.6.3-purge-off'), await unpacked('1.5.9-purge-off')];
    const ids = [collectionIdOf(python, 'notes'), collectionIdOf(rust, 'notes')];
    orphanTopic(python, 'notes');
    orphanSegmentRows(rust, 'notes');
    for (const [at, dir] of [python, rust].entries()) {
      const { collections, segments } = catalogOf(dir);
      expect(collections.map(({ id }) => id)).not.toContain(ids[at]);
      expect(segments.filter(({ collection }) => collection === ids[at])).toHaveLength(2);
    }
  });

  it.each([null, Buffer.from('id')])(
    'is refused where a row has the id %s, which SQLite stores though it is the key',
    async (id) => {
      for (const table of ['segments', 'collections']) {
        const dir = await unpacked('0.6.3-purge-off');
        change(dir, `UPDATE ${table} SET id = ? WHERE rowid = (SELECT MIN(rowid) FROM ${table})`, id);
        expect(() => catalogOf(dir)).toThrow(
          expect.objectContaining({
            code: 'CORRUPT',
            message: `the catalogue has 1 ${table.slice(0, -1)} without an id of text`,
          }),
        );
      }
    },
  );

  it('calls a segment type that no local server writes unknown', async () => {
    const dir = await unpacked('1.5.9-purge-off');
    withDatabase(dir, (db) =>
      db.exec("UPDATE segments SET type = 'urn:chroma:segment/vector/spann' WHERE scope = 'VECTOR'"),
    );
    const kinds = catalogOf(dir).segments.map(({ kind }) => kind);
    expect(kinds.toSorted()).toEqual([...kinds.filter((kind) => kind === 'metadata'), ...Array(5).fill('unknown')]);
  });
});

describe('the records of a collection', () => {
  it.each(FIXTURES.map(({ name }) => name))('are as many as Chroma itself counted, in %s', async (name) => {
    const dir = await unpacked(name);
    const counts = withReadOnly(databaseOf(dir), 0, readRecordCounts);
    const { chroma } = fixture(name) as unknown as { chroma: { collections: { id: string; count: number }[] } };
    const segments = catalogOf(dir).segments.filter(({ kind }) => kind === 'metadata');
    for (const { id, count } of chroma.collections) {
      const segment = segments.find(({ collection }) => collection === id)?.id ?? '';
      expect([id, counts.get(segment) ?? 0]).toEqual([id, count]);
    }
  });
});
