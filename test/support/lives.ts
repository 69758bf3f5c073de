/**
 * Random lives of a persist directory, and how to live one out.
 */
import { lutimesSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { CRASHES, pick, segmentDirectories, THINGS } from './accidents.ts';
import { ChromaRows, type Deletion } from './chroma-rows.ts';

/** When a life ends: whole seconds, so that every file system keeps the times that are set by it. */
export const NOW_MS = Date.UTC(2027, 0, 15, 3);
const HOUR_MS = 3_600_000;

/** `to` is the number of a collection, a database or a directory, counted in a circle. */
type Step =
  | { readonly do: 'create collection'; readonly to: number; readonly names: 'both' | 'id' | 'topic' }
  | { readonly do: 'create database'; readonly to: number }
  | { readonly do: 'write'; readonly to: number; readonly many: number }
  | { readonly do: 'save index' | 'delete all'; readonly to: number }
  | { readonly do: 'delete record'; readonly to: number; readonly staying: 'nothing' | 'full text' | 'arrays' }
  | { readonly do: 'delete collection'; readonly to: number; readonly like: Deletion }
  | { readonly do: 'delete database'; readonly to: number; readonly like: 'Python' | 'Rust' | 'half' }
  | { readonly do: 'crash'; readonly to: number; readonly leaving: keyof typeof CRASHES }
  | { readonly do: 'lose segments'; readonly to: number; readonly which: readonly ('METADATA' | 'VECTOR')[] }
  | { readonly do: 'put there'; readonly to: number; readonly what: keyof typeof THINGS }
  | { readonly do: 'touch'; readonly to: number; readonly what: 'directory' | 'file'; readonly agoMs: number };

const DELETIONS: readonly Deletion[] = [
  '0.4.0',
  '0.4.9, loaded',
  '0.4.19, loaded',
  '0.4.23, loaded',
  '0.5.21',
  '1.0.0',
  '1.0.15',
];

const to = fc.nat({ max: 30 });
const like = fc.constantFrom(...DELETIONS);

const orderly: readonly fc.WeightedArbitrary<Step>[] = [
  weighted(5, fc.record({ do: only('create collection'), to, names: fc.constantFrom('both', 'both', 'id', 'topic') })),
  weighted(2, fc.record({ do: only('create database'), to })),
  weighted(8, fc.record({ do: only('write'), to, many: fc.integer({ min: 1, max: 3 }) })),
  weighted(4, fc.record({ do: only('save index'), to })),
  weighted(4, fc.record({ do: only('delete record'), to, staying: fc.constantFrom('nothing', 'full text', 'arrays') })),
  weighted(7, fc.record({ do: only('delete collection'), to, like })),
  weighted(3, fc.record({ do: only('delete database'), to, like: fc.constantFrom('Python', 'Rust', 'half') })),
];

const disorderly: readonly fc.WeightedArbitrary<Step>[] = [
  weighted(6, fc.record({ do: only('crash'), to, leaving: fc.constantFrom(...namesOf(CRASHES)) })),
  weighted(6, fc.record({ do: only('put there'), to, what: fc.constantFrom(...namesOf(THINGS)) })),
  weighted(
    4,
    fc.record({
      do: only('touch'),
      to,
      what: fc.constantFrom('directory', 'file'),
      agoMs: fc.constantFrom(0, 1000, HOUR_MS - 1000, HOUR_MS, HOUR_MS + 1000, -HOUR_MS),
    }),
  ),
];

/** Now and then the catalogue ends up without a collection, or with one that is not whole: then nearly all stays. */
const end: fc.Arbitrary<readonly Step[]> = fc.oneof(
  weighted(14, fc.constant([])),
  weighted(1, fc.tuple(fc.record({ do: only('delete all'), to }))),
  weighted(
    1,
    fc.tuple(
      fc.record({
        do: only('lose segments'),
        to,
        which: fc.subarray(['METADATA' as const, 'VECTOR' as const], { minLength: 1 }),
      }),
    ),
  ),
);

export interface Life {
  readonly steps: readonly Step[];
  /** What is asked for then. */
  readonly request: {
    readonly parts: readonly ('dirs' | 'rows' | 'topics')[];
    readonly minAgeMs: number;
    readonly isDeleting: boolean;
    readonly allowsEmptyCatalog: boolean;
  };
}

export const lives: fc.Arbitrary<Life> = fc.record({
  // Long lives: by default fast-check would stop at about ten steps.
  steps: fc
    .tuple(fc.array(fc.oneof(...orderly, ...disorderly), { minLength: 1, maxLength: 20, size: 'max' }), end)
    .map(([most, last]) => [...most, ...last]),
  request: fc.record({
    parts: fc.oneof(
      { weight: 3, arbitrary: fc.constant(['dirs', 'rows', 'topics'] as const) },
      { weight: 1, arbitrary: fc.constantFrom(['dirs'] as const, ['rows'] as const, ['topics'] as const) },
    ),
    minAgeMs: fc.constantFrom(0, HOUR_MS),
    isDeleting: fc.boolean(),
    allowsEmptyCatalog: fc.boolean(),
  }),
});

/** Does to the directory at `dir` what happens in a life. Everything in it is old then but what was touched. */
export function liveOut(dir: string, { steps }: Life): void {
  const rows = new ChromaRows(dir);
  try {
    rows.db.transaction(() => {
      for (const step of steps) take(rows, step);
    })();
  } finally {
    rows.close();
  }
  age(dir, steps);
}

function take(rows: ChromaRows, step: Step): void {
  const { to: at } = step;
  const collections = rows
    .collections()
    .slice(at % Math.max(rows.collections().length, 1))
    .slice(0, 1);
  const whole = collections.flatMap((id) => rows.find(id) ?? []);
  switch (step.do) {
    case 'create collection':
      rows.createCollection(at, step.names);
      return;
    case 'create database':
      return rows.createDatabase(`tenant-${at % 3}`);
    case 'write':
      return whole.forEach((each) => rows.write(each, step.many));
    case 'save index':
      return whole.forEach(({ vector }) => rows.saveIndex(vector));
    case 'delete record':
      return whole.forEach((each) => rows.deleteRecord(each, step.staying));
    case 'delete collection':
      return collections.forEach((id) => rows.deleteCollection(id, step.like));
    case 'delete all':
      return rows.collections().forEach((id) => rows.deleteCollection(id, pick(DELETIONS, at) ?? '0.4.0'));
    case 'delete database':
      return rows
        .databases()
        .slice(at % 4)
        .slice(0, 1)
        .forEach((id) => rows.deleteDatabase(id, step.like));
    case 'lose segments':
      return collections.forEach((id) => step.which.forEach((scope) => rows.loseSegment(id, scope)));
    case 'crash':
      return CRASHES[step.leaving](rows, at);
    case 'put there':
      return THINGS[step.what](rows, at);
    case 'touch':
      return;
  }
}

/** All is two hours old then, but for what was touched. */
function age(dir: string, steps: readonly Step[]): void {
  const old = new Date(NOW_MS - 2 * HOUR_MS);
  for (const entry of readdirSync(dir, { withFileTypes: true, recursive: true }))
    lutimesSync(join(entry.parentPath, entry.name), old, old);
  for (const step of steps) {
    const index = step.do === 'touch' ? pick(segmentDirectories(dir), step.to) : undefined;
    if (step.do !== 'touch' || index === undefined) continue;
    const file = step.what === 'file' ? pick(readdirSync(index), step.to) : undefined;
    const time = new Date(NOW_MS - step.agoMs);
    lutimesSync(join(index, file ?? ''), time, time);
  }
}

function only<T extends string>(value: T): fc.Arbitrary<T> {
  return fc.constant(value);
}

function weighted<T>(weight: number, arbitrary: fc.Arbitrary<T>): fc.WeightedArbitrary<T> {
  return { weight, arbitrary };
}

function namesOf<T extends object>(table: T): readonly (keyof T)[] {
  return Object.keys(table) as (keyof T)[];
}
