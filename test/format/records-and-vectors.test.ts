/**
 * Records beside vectors: random lives of two collections, as Chroma's segments would take them in, with and without
 * damage, in the real tables of a fixture and in a real pickle. Every run is one transaction that is rolled back.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareRecords, type Comparison, type RecordSource } from '../../src/chroma/records-and-vectors.ts';
import { withWritable, type Database } from '../../src/sqlite/open.ts';
import { databaseOf } from '../support/damage.ts';
import { temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { dictPickle, unicode } from './pickles.ts';

const [ADD, UPDATE, UPSERT, DELETE] = [0, 1, 2, 3] as const;
const IDS = ['a', 'b', 'c', 'd', '__proto__', '𐍈'] as const;
const NAMES = ['books', 'films'] as const;
const RUNS = { numRuns: 400 };

const WITHOUT_ROWS = 'DELETE FROM embeddings_queue; DELETE FROM embeddings';

type Name = (typeof NAMES)[number];
type Step =
  | {
      readonly do: 'write';
      readonly to: Name;
      readonly operation: number;
      readonly id: string;
      readonly hasVector: boolean;
    }
  | { readonly do: 'save' | 'prune'; readonly to: Name }
  | { readonly do: 'forget vector' | 'forget record'; readonly to: Name; readonly id: string }
  | { readonly do: 'lose row'; readonly at: number };

const to = fc.constantFrom(...NAMES);
const id = fc.constantFrom(...IDS);
const life: readonly fc.WeightedArbitrary<Step>[] = [
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      to,
      operation: fc.constantFrom(ADD, ADD, UPDATE, UPSERT, DELETE),
      id,
      hasVector: fc.constant(true),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('save' as const, 'prune' as const), to }) },
];
const accidents: readonly fc.WeightedArbitrary<Step>[] = [
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('forget vector' as const, 'forget record' as const), to, id }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose row' as const), at: fc.nat(30) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      to,
      operation: fc.constantFrom(ADD, UPDATE, UPSERT, DELETE, 4),
      id,
      hasVector: fc.boolean(),
    }),
  },
];

interface Row {
  readonly seq: number;
  readonly to: Name;
  readonly operation: number;
  readonly id: string;
  readonly hasVector: boolean;
}

interface State {
  readonly records: Set<string>;
  /** Null until it was saved for the first time. */
  index: Set<string> | null;
  saved: number;
}

interface World {
  readonly rows: readonly Row[];
  readonly collections: Readonly<Record<Name, State>>;
}

/** What Chroma makes of a row: an ADD of what is there and an UPDATE of what is not are nothing. */
function taken(ids: Set<string>, { operation, id: each }: Pick<Row, 'operation' | 'id'>): void {
  if (operation === ADD || operation === UPSERT) ids.add(each);
  if (operation === DELETE) ids.delete(each);
}

function newborn(): State {
  return { records: new Set(), index: null, saved: 0 };
}

function lived(steps: readonly Step[]): World {
  const collections = { books: newborn(), films: newborn() };
  let rows: readonly Row[] = [];
  let last = 0;
  for (const step of steps) {
    switch (step.do) {
      case 'write':
        last += 1;
        rows = [...rows, { ...step, seq: last }];
        taken(collections[step.to].records, step);
        break;
      case 'save':
        if (collections[step.to].index === null && !rows.some((row) => row.to === step.to)) break;
        collections[step.to].index = new Set(collections[step.to].records);
        collections[step.to].saved = last;
        break;
      case 'prune':
        rows = rows.filter((row) => row.to !== step.to || row.seq >= collections[step.to].saved || row.seq === last);
        break;
      case 'forget vector':
        collections[step.to].index?.delete(step.id);
        break;
      case 'forget record':
        collections[step.to].records.delete(step.id);
        break;
      case 'lose row':
        rows = rows.filter((_, at) => at !== step.at);
    }
  }
  return { rows, collections };
}

/** What is to be found, by sets: each id on its own, the rows that tell of it from the last to the first. */
function expected({ rows, collections }: World, name: Name): Comparison<RecordSource>['mismatch'] {
  const { records, index, saved } = collections[name];
  const of = (each: string): readonly Row[] => rows.filter((row) => row.to === name && row.id === each);
  const isQueued = (each: string): boolean => {
    const told = of(each).filter(({ operation }) => operation !== UPDATE && operation <= DELETE);
    const sinceDeleted = told.slice(told.findLastIndex(({ operation }) => operation === DELETE) + 1);
    return sinceDeleted.some(({ hasVector }) => hasVector);
  };
  return {
    withoutVector: IDS.filter((each) => records.has(each) && index?.has(each) !== true && !isQueued(each)),
    withoutRecord: IDS.filter(
      (each) => index?.has(each) === true && !records.has(each) && !of(each).some(({ seq }) => seq > saved),
    ),
  };
}

function pickled(ids: ReadonlySet<string>): Buffer {
  const entries = [...ids].flatMap((each, at) => [unicode(each), Buffer.from([0x4b, at + 1])]);
  return dictPickle([0x4e], Buffer.concat([Buffer.from([0x7d, 0x28]), ...entries, Buffer.from('u')]));
}

/** Two topics, as after a change of settings: the later half of its rows stands under another one. */
function topicOf(row: Row): string {
  return row.to === 'films' && row.seq % 2 === 0
    ? 'persistent://acme/default/films'
    : `persistent://default/default/${row.to}`;
}

function stored(db: Database, root: string, { rows, collections }: World): readonly RecordSource[] {
  const insertRow = db.prepare(
    'INSERT INTO embeddings_queue (seq_id, operation, topic, id, vector) VALUES (?, ?, ?, ?, ?)',
  );
  for (const row of rows)
    insertRow.run(row.seq, row.operation, topicOf(row), row.id, row.hasVector ? Buffer.alloc(4) : null);
  const insertRecord = db.prepare('INSERT INTO embeddings (segment_id, embedding_id, seq_id) VALUES (?, ?, 1)');
  return NAMES.map((name) => {
    const { records, index, saved } = collections[name];
    const directory = join(root, name);
    rmSync(directory, { recursive: true, force: true });
    for (const each of records) insertRecord.run(name, each);
    if (index !== null) {
      mkdirSync(directory);
      writeFileSync(join(directory, 'index_metadata.pickle'), pickled(index));
    }
    return {
      metadataSegment: name,
      indexDir: index === null ? null : directory,
      topics: ['persistent://acme/default/films', `persistent://default/default/${name}`].slice(
        name === 'films' ? 0 : 1,
      ),
      saved: BigInt(saved),
    };
  });
}

/** Runs `work` on a database without rows, as often as it wants, each time on an untouched one. */
async function withTables(
  work: (compared: (world: World, idsAtOnce?: number) => readonly unknown[]) => void,
): Promise<void> {
  const [dir, root] = [await unpacked('0.6.3-purge-off'), temporaryDirectory()];
  withWritable(databaseOf(dir), 0, (db) => {
    db.exec(WITHOUT_ROWS);
    work((world, idsAtOnce) => {
      db.exec('BEGIN');
      const found = compareRecords(db, stored(db, root, world), idsAtOnce);
      db.exec('ROLLBACK');
      return found.map(
        ({ mismatch }) =>
          mismatch && {
            withoutVector: IDS.filter((each) => mismatch.withoutVector.includes(each)),
            withoutRecord: IDS.filter((each) => mismatch.withoutRecord.includes(each)),
          },
      );
    });
  });
}

describe('records and vectors', () => {
  it('match in every life without an accident, however little of it is saved and however much is pruned', async () => {
    await withTables((compared) => {
      fc.assert(
        fc.property(fc.array(fc.oneof(...life), { maxLength: 40, size: 'max' }), (steps) => {
          const nothing = { withoutVector: [], withoutRecord: [] };
          expect(compared(lived(steps))).toEqual([nothing, nothing]);
        }),
        RUNS,
      );
    });
  });

  it('are told apart by their sets after any accident, however many ids are asked for at once', async () => {
    await withTables((compared) => {
      fc.assert(
        fc.property(
          fc.array(fc.oneof(...life, ...accidents), { maxLength: 40, size: 'max' }),
          fc.integer({ min: 1, max: 7 }),
          (steps, idsAtOnce) => {
            const world = lived(steps);
            expect(compared(world, idsAtOnce)).toEqual(NAMES.map((name) => expected(world, name)));
          },
        ),
        RUNS,
      );
    });
  });

  it('are not compared where the index cannot be read whole', async () => {
    const [dir, root] = [await unpacked('0.6.3-purge-off'), temporaryDirectory()];
    withWritable(databaseOf(dir), 0, (db) => {
      db.exec(WITHOUT_ROWS);
      const [books, films] = stored(
        db,
        root,
        lived([
          { do: 'write', to: 'books', operation: ADD, id: 'a', hasVector: true },
          { do: 'save', to: 'books' },
          { do: 'write', to: 'films', operation: ADD, id: 'a', hasVector: true },
          { do: 'save', to: 'films' },
        ]),
      );
      writeFileSync(join(root, 'books/index_metadata.pickle'), pickled(new Set(['a'])).subarray(0, -1));
      const found = compareRecords(
        db,
        [books, films].flatMap((each) => each ?? []),
      );
      expect(found.map(({ mismatch }) => mismatch)).toEqual([null, { withoutVector: [], withoutRecord: [] }]);
    });
  });
});
