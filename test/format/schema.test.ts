import { describe, expect, it } from 'vitest';
import type { Generation, Schema } from '../../src/chroma/model.ts';
import { readSchema } from '../../src/chroma/schema.ts';
import { withReadOnly } from '../../src/sqlite/open.ts';
import {
  databaseOf,
  editedMigration,
  foreignDatabase,
  HALF_RUN_MIGRATIONS,
  halfRunMigration,
  sha256Hashes,
  unknownMigration,
} from '../support/damage.ts';
import { FIXTURES, unpacked } from '../support/fixtures.ts';
import { bytesOf, withDatabase } from '../support/state.ts';

function schemaOf(dir: string): Schema {
  return withReadOnly(databaseOf(dir), 0, (db) => readSchema(db, databaseOf(dir)));
}

function refusalOf(dir: string): {
  readonly code?: string;
  readonly details?: readonly string[];
  readonly changed?: boolean;
} {
  try {
    schemaOf(dir);
  } catch (error) {
    return error as object;
  }
  return {};
}

function number(version: string): number {
  return version.split('.').reduce((sum, part) => sum * 1000 + Number(part), 0);
}

/** Is `version` one of a range like `0.4.1 to 0.4.3`, `0.4.4 or 0.4.5`, `1.5.0 or later`? */
function isIn(version: string, range: string): boolean {
  const [first = '', last = ''] = range.split(/ (?:to|or) /);
  const highest = last === 'later' ? Infinity : number(last || first);
  return number(first) <= number(version) && number(version) <= highest;
}

/** Newest Chroma of a chain: an older one that opens the directory later takes no migration back. */
function newestOf(chain: readonly string[]): string {
  return chain.toSorted((a, b) => number(a) - number(b)).at(-1) ?? '';
}

const GENERATIONS: readonly (readonly [Generation, string])[] = [
  ['A0', '0.4.0'],
  ['A', '0.4.1 to 0.4.14'],
  ['B', '0.4.15 to 0.4.24'],
  ['C', '0.5.0 to 0.5.5'],
  ['D', '0.5.6 to 0.6.3'],
  ['E', '1.0.0 to 1.2.2'],
  ['F', '1.3.0 to 99.0.0'],
];

const DIRECTORIES = ['0.4.0', '0.4.3', '0.4.24', '0.5.5', '0.6.3-purge-off', '1.0.12-purge-off', '1.5.9-purge-off'];

describe('the schema of a directory that real Chroma wrote', () => {
  it.each(FIXTURES.map(({ name, chain }) => [name, chain] as const))(
    'names the generation and a range of releases with its writer in it: %s',
    async (name, chain) => {
      const schema = schemaOf(await unpacked(name));
      const writer = newestOf(chain);
      expect(schema.generation).toBe(GENERATIONS.find(([, range]) => isIn(writer, range))?.[0]);
      expect([schema.writtenBy, isIn(writer, schema.writtenBy)]).toEqual([schema.writtenBy, true]);
      expect(schema.openedByRust).toBe(chain.some((each) => each.startsWith('1.')));
    },
  );

  it.each(DIRECTORIES)('is the same with sha256 hashes, which are a setting of Chroma: %s', async (name) => {
    const dir = await unpacked(name);
    const before = schemaOf(dir);
    sha256Hashes(dir);
    expect(schemaOf(dir)).toEqual(before);
  });
});

describe('a schema that is not known whole', () => {
  it.each(DIRECTORIES)('is refused for a migration newer than this program: %s', async (name) => {
    const dir = await unpacked(name);
    unknownMigration(dir);
    const before = bytesOf(dir);
    expect(refusalOf(dir)).toMatchObject({
      code: 'UNSUPPORTED_SCHEMA',
      changed: false,
      details: [expect.stringContaining('00099-meaning') as string],
    });
    expect(bytesOf(dir)).toEqual(before);
  });

  it.each(DIRECTORIES)('is refused for a migration that was edited: %s', async (name) => {
    const dir = await unpacked(name);
    editedMigration(dir);
    const details = [expect.stringContaining('metadb/1') as string];
    expect(refusalOf(dir)).toMatchObject({ code: 'UNSUPPORTED_SCHEMA', details });
  });

  it('is refused where text and hash of a migration do not belong together', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    withDatabase(dir, (db) => db.exec("UPDATE migrations SET hash = 'x' WHERE dir = 'sysdb' AND version = 4"));
    expect(refusalOf(dir)).toMatchObject({ code: 'UNSUPPORTED_SCHEMA' });
  });

  it('is refused where a migration has the text of a known one under another name', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    withDatabase(dir, (db) => db.exec("UPDATE migrations SET filename = 'x' WHERE dir = 'sysdb' AND version = 4"));
    expect(refusalOf(dir)).toMatchObject({
      code: 'UNSUPPORTED_SCHEMA',
      details: ['the migration sysdb/4 (x) is not one it knows'],
    });
  });

  it('is refused for a folder of migrations that no release has', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    withDatabase(dir, (db) => db.exec("UPDATE migrations SET dir = '__proto__' WHERE dir = 'sysdb' AND version = 9"));
    expect(refusalOf(dir)).toMatchObject({ code: 'UNSUPPORTED_SCHEMA' });
  });

  const halfRun = HALF_RUN_MIGRATIONS.flatMap((what) =>
    ['0.6.3-purge-off', '1.5.9-purge-off'].map((name) => [what, name] as const),
  );
  it.each(halfRun)('is refused for an upgrade that was cut off: %s in %s', async (what, name) => {
    const dir = await unpacked(name);
    halfRunMigration(dir, what);
    expect(refusalOf(dir)).toMatchObject({
      code: 'UNSUPPORTED_SCHEMA',
      message: expect.stringContaining('an upgrade of Chroma was cut off') as string,
    });
  });

  it('is refused for a gap between migrations, and the folder that has it is named', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    halfRunMigration(dir, 'gap');
    expect(refusalOf(dir)).toMatchObject({ details: ['the migrations of sysdb have a gap'] });
  });

  it.each(['embeddings_queue', 'max_seq_id', 'segments', 'collections'])(
    'is refused where the table %s is missing',
    async (table) => {
      const dir = await unpacked('0.5.5');
      withDatabase(dir, (db) => db.exec(`DROP TABLE ${table}`));
      expect(refusalOf(dir)).toMatchObject({
        code: 'UNSUPPORTED_SCHEMA',
        details: [expect.stringContaining(table) as string],
      });
    },
  );

  it.each([
    ['a missing column', 'ALTER TABLE embeddings_queue DROP COLUMN encoding', 'lacks encoding'],
    ['a column of an older generation', 'ALTER TABLE collections ADD COLUMN topic TEXT', 'still has the column topic'],
    [
      'a queue whose seq_id is no rowid',
      `ALTER TABLE embeddings_queue RENAME TO old; CREATE TABLE embeddings_queue AS SELECT * FROM old; DROP TABLE old`,
      'not its INTEGER PRIMARY KEY',
    ],
  ])('is refused for %s, though the migrations look right', async (_, sql, detail) => {
    const dir = await unpacked('0.5.5');
    withDatabase(dir, (db) => db.exec(sql));
    expect(refusalOf(dir)).toMatchObject({
      code: 'UNSUPPORTED_SCHEMA',
      details: [expect.stringContaining(detail) as string],
    });
  });
});

describe('a database of another program', () => {
  it('is called that, and left as it is', async () => {
    const dir = await unpacked('0.5.5');
    foreignDatabase(dir);
    const before = bytesOf(dir);
    expect(refusalOf(dir)).toMatchObject({ code: 'NOT_A_PERSIST_DIR' });
    expect(bytesOf(dir)).toEqual(before);
  });

  it('is called that even where it has migrations of its own', async () => {
    const dir = await unpacked('0.5.5');
    foreignDatabase(dir);
    withDatabase(dir, (db) => db.exec('CREATE TABLE migrations (id INTEGER, name TEXT)'));
    expect(refusalOf(dir)).toMatchObject({
      code: expect.stringMatching(/UNSUPPORTED_SCHEMA|NOT_A_PERSIST_DIR/) as string,
    });
  });
});
