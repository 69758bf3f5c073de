/**
 * Random lives of a directory: a model of what Chroma's segments have taken in, a real SQLite queue beside it (that of
 * a fixture, emptied; every run is one transaction that is rolled back), and prunes in between.
 */
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deleteBelow, readLastSeqId } from '../../src/chroma/embeddings-queue.ts';
import type { Collection, RecordedPosition, Topic } from '../../src/chroma/model.ts';
import { planCutoffs, planPrune, sequenceRegressions, type PrunePlan } from '../../src/chroma/prune-plan.ts';
import { seqId } from '../../src/chroma/seq-id.ts';
import { withWritable, type Database } from '../../src/sqlite/open.ts';
import { POISON } from '../support/damage.ts';
import { unpacked } from '../support/fixtures.ts';
import { countBelow, countMissing, usageOf } from '../support/scan.ts';

const ORPHAN = 'persistent://default/default/nobody';
const NAMES = [0, 1, 2] as const;
const [ADD, UPDATE, UPSERT, DELETE] = [0, 1, 2, 3] as const;

type Step =
  | {
      readonly do: 'write';
      readonly to: number;
      readonly operation: number;
      readonly id: string;
      readonly many: number;
    }
  | { readonly do: 'write to nobody' }
  | { readonly do: 'persist index' | 'persist metadata' | 'create' | 'delete' | 'abandon'; readonly to: number }
  | { readonly do: 'index forgets'; readonly to: number; readonly id: string }
  | { readonly do: 'damage'; readonly to: number; readonly what: 'poison' | 'poison both' | 'unreadable' | 'ahead' }
  | { readonly do: 'prune' };

const target = fc.constantFrom(...NAMES);
const records = fc.constantFrom('a', 'b', 'c', '__proto__', '𐍈');
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 10,
      arbitrary: fc.record({
        do: fc.constant('write' as const),
        to: target,
        operation: fc.constantFrom(ADD, ADD, UPDATE, UPSERT, DELETE),
        id: records,
        many: fc.integer({ min: 1, max: 3 }),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ do: 'write to nobody' } as const) },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constantFrom('persist index' as const, 'persist metadata' as const), to: target }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constantFrom('create' as const, 'delete' as const, 'abandon' as const),
        to: target,
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('index forgets' as const), to: target, id: records }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('damage' as const),
        to: target,
        what: fc.constantFrom('poison' as const, 'poison both' as const, 'unreadable' as const, 'ahead' as const),
      }),
    },
    { weight: 3, arbitrary: fc.constant({ do: 'prune' } as const) },
  ),
  // Long lives, or damages never meet: by default fast-check would stop at about ten steps.
  { minLength: 1, maxLength: 24, size: 'max' },
);

interface Row {
  readonly seq_id: bigint;
  readonly topic: string;
  readonly operation: bigint;
  readonly id: string;
}

/** One collection of the model: what each of its two segments says, and the ids that the index really holds. */
class Modelled {
  readonly topic: string;
  metadata: RecordedPosition = { kind: 'never' };
  vector: RecordedPosition = { kind: 'never' };
  /** How far the index has really come; the recorded position may be damaged. */
  indexedUpTo = 0n;
  ids: ReadonlySet<string> = new Set();

  constructor(collection: string) {
    this.topic = `persistent://default/default/${collection}`;
  }

  asCollection(usedTopics: ReadonlySet<string>): Collection {
    const { topic, metadata, vector } = this;
    return {
      id: topic,
      name: topic,
      tenant: null,
      database: null,
      topics: usedTopics.has(topic) ? [topic] : [],
      segments: [
        { id: `${topic}-m`, kind: 'metadata', type: 'm', position: metadata },
        { id: `${topic}-v`, kind: 'vector', type: 'v', position: vector },
      ],
    };
  }
}

class World {
  readonly #db: Database;
  readonly #live = new Map<number, Modelled>();
  #born = 0;

  constructor(db: Database) {
    this.#db = db;
    db.exec('DELETE FROM embeddings_queue');
    for (const each of NAMES.slice(0, 2)) this.#create(each);
  }

  rows(): readonly Row[] {
    return this.#db.prepare<[], Row>('SELECT seq_id, topic, operation, id FROM embeddings_queue ORDER BY seq_id').all();
  }

  collections(): readonly Collection[] {
    const used = new Set(this.rows().map(({ topic }) => topic));
    return [...this.#live.values()].map((each) => each.asCollection(used));
  }

  take(step: Step): void {
    if (step.do === 'prune') return;
    if (step.do === 'write to nobody') return this.#write(ORPHAN, ADD, 'x');
    const collection = this.#live.get(step.to);
    if (step.do === 'create') return collection ? undefined : this.#create(step.to);
    if (collection === undefined) return;
    const last = this.rows().findLast(({ topic }) => topic === collection.topic)?.seq_id;
    switch (step.do) {
      case 'write':
        for (let count = 0; count < step.many; count += 1)
          this.#write(collection.topic, step.operation, step.id + count);
        break;
      case 'persist metadata':
        if (last !== undefined) collection.metadata = recorded(last);
        break;
      case 'persist index':
        if (last === undefined) break;
        collection.ids = this.#replayed(collection);
        collection.indexedUpTo = last;
        collection.vector = recorded(last);
        break;
      case 'index forgets':
        collection.ids = new Set([...collection.ids].filter((each) => !each.startsWith(step.id)));
        break;
      case 'damage':
        if (step.what.startsWith('poison')) collection.metadata = recorded(POISON);
        if (step.what === 'poison both') collection.vector = recorded(POISON);
        if (step.what === 'unreadable') {
          collection.vector = { kind: 'unreadable', because: 'pickle-unreadable', detail: 'cut short' };
        }
        if (step.what === 'ahead' && last !== undefined) collection.vector = recorded(last + 5n);
        break;
      case 'delete':
        this.#db.prepare('DELETE FROM embeddings_queue WHERE topic = ?').run(collection.topic);
        this.#live.delete(step.to);
        break;
      case 'abandon':
        // `delete_database` of Python: the rows stay, their collection is gone.
        this.#live.delete(step.to);
        break;
    }
  }

  /** What the program reads after a step, and what the model knows. */
  readings(): Comparison {
    const rows = this.rows();
    const usage = new Map<string, string>();
    for (const { topic, seq_id } of rows) {
      usage.set(topic, `${rows.filter((row) => row.topic === topic).length} rows to ${seq_id}`);
    }
    const read = usageOf(this.#db);
    return {
      found: {
        last: readLastSeqId(this.#db),
        usage: new Map(read.map((each) => [each.topic, `${each.rows} rows to ${each.lastSeqId}`])),
        missing: this.#missing(),
      },
      expected: { last: rows.at(-1)?.seq_id ?? 0n, usage, missing: this.#expectedMissing(rows) },
    };
  }

  #create(at: number): void {
    this.#born += 1;
    this.#live.set(at, new Modelled(`${at}-${this.#born}`));
  }

  /** Without a seq_id, as Chroma does it: SQLite gives MAX + 1, and gives it again when the newest row has gone. */
  #write(topic: string, operation: number, record: string): void {
    this.#db
      .prepare('INSERT INTO embeddings_queue (operation, topic, id, vector) VALUES (?, ?, ?, ?)')
      .run(operation, topic, record, operation === DELETE ? null : Buffer.alloc(16));
  }

  /** What the index holds after it has taken in all rows above its position, as Chroma replays them. */
  #replayed({ topic, ids, indexedUpTo }: Modelled): ReadonlySet<string> {
    const known = new Set(ids);
    for (const row of this.rows()) {
      if (row.topic !== topic || row.seq_id <= indexedUpTo) continue;
      if (row.operation === BigInt(DELETE)) known.delete(row.id);
      if ([ADD, UPSERT].some((each) => row.operation === BigInt(each))) known.add(row.id);
    }
    return known;
  }

  #plan(): PrunePlan {
    const lastSeqId = readLastSeqId(this.#db);
    const decision = planCutoffs(this.collections(), lastSeqId, new Set());
    return planPrune(decision, countBelow(this.#db, decision.cutoffs), this.#missing(), lastSeqId);
  }

  #missing(): ReadonlyMap<Topic, number> {
    const { cutoffs } = planCutoffs(this.collections(), readLastSeqId(this.#db), new Set());
    const idsOf = new Map([...this.#live.values()].map(({ topic, ids }) => [topic, ids]));
    const atOnce = 1 + (this.rows().length % 5);
    return countMissing(this.#db, cutoffs, (topic, id) => idsOf.get(topic)?.has(id) === true, atOnce);
  }

  /** The same by hand: the last ADD, UPSERT or DELETE of each id up to the position that the index claims. */
  #expectedMissing(rows: readonly Row[]): ReadonlyMap<Topic, number> {
    const missing = new Map<Topic, number>();
    for (const { topic, ids, vector, metadata } of this.#live.values()) {
      if (vector.kind !== 'recorded' || metadata.kind !== 'recorded' || vector.seqId > metadata.seqId) continue;
      const own = rows.filter(
        (row) => row.topic === topic && row.seq_id <= vector.seqId && row.operation !== BigInt(UPDATE),
      );
      const last = new Map(own.map((row) => [row.id, row.operation]));
      const lost = [...last].filter(([each, operation]) => operation !== BigInt(DELETE) && !ids.has(each));
      if (lost.length > 0) missing.set(topic, lost.length);
    }
    return missing;
  }

  /** Prunes, and says what became of the rows and what may have become of them. */
  prune(): Comparison {
    const [before, collections, plan] = [this.rows(), this.collections(), this.#plan()];
    const replayed = this.#replays();
    this.#db.exec('SAVEPOINT prune');
    const deleted = deleteBelow(this.#db, plan.steps);
    const after = this.rows();
    const gone = before.filter((row) => !after.some((kept) => kept.seq_id === row.seq_id));
    const again = { steps: this.#plan().steps, deleted: deleteBelow(this.#db, plan.steps) };

    // With a watermark above the newest row nothing is written at all; the guards do that, so the model takes it back.
    const isRefused = sequenceRegressions(collections, readLastSeqId(this.#db)).length > 0;
    const replayedAfter = isRefused ? replayed : this.#replays();
    if (isRefused) this.#db.exec('ROLLBACK TO prune');
    this.#db.exec('RELEASE prune');
    return {
      found: {
        deleted,
        neededRows: gone.filter((row) => !isPersisted(collections, row)), // I1, I3, I4
        newest: after.at(-1), // I2
        again, // I5
        replayed: replayedAfter,
        rows: this.rows(),
      },
      expected: {
        deleted: gone.length,
        neededRows: [],
        newest: before.at(-1),
        again: { steps: [], deleted: 0 },
        replayed,
        rows: isRefused ? before : after,
      },
    };
  }

  #replays(): readonly ReadonlySet<string>[] {
    return [...this.#live.values()].map((each) => this.#replayed(each));
  }
}

interface Comparison {
  readonly found: unknown;
  readonly expected: unknown;
}

/** True where the row's topic is a collection's and every segment of it has a position above the row. */
function isPersisted(collections: readonly Collection[], { topic, seq_id }: Row): boolean {
  const owner = collections.find((each) => each.topics.includes(topic));
  if (owner === undefined) return false;
  return owner.segments.every(({ position }) => position.kind === 'recorded' && seq_id < position.seqId);
}

function recorded(position: bigint): RecordedPosition {
  return { kind: 'recorded', seqId: seqId(position), source: 'max_seq_id' };
}

describe('a random life of a directory', () => {
  it('never loses a row that a segment has not persisted, nor the newest one (I1–I5)', async () => {
    const path = join(await unpacked('1.5.9-purge-off'), 'chroma.sqlite3');
    withWritable(path, 0, (db) => {
      fc.assert(
        fc.property(steps, (life) => {
          db.exec('BEGIN');
          try {
            const world = new World(db);
            for (const step of [...life, { do: 'prune' } as const]) {
              world.take(step);
              const { found, expected } = step.do === 'prune' ? world.prune() : world.readings();
              expect(found).toEqual(expected);
            }
          } finally {
            db.exec('ROLLBACK');
          }
        }),
        { numRuns: 1000 },
      );
    });
  }, 240_000);
});
