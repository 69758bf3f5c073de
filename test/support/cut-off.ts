/**
 * Directories that are large enough to be caught in the middle of a clean-up, and what was found in them then.
 */
import { expect } from 'vitest';
import { addLeftIndexes, addLeftRecords, clean, contentOf, LEFT_INDEX, leftBehind } from './clean.ts';
import { cloneOf } from './clone.ts';
import { rowsOf, withDatabase } from './state.ts';

export const INDEXES = 25;

export interface Known {
  readonly pristine: string;
  readonly left: readonly string[];
  readonly files: ReadonlyMap<string, string>;
  readonly old: Readonly<Record<string, string>>;
  readonly cleaned: Readonly<Record<string, string>>;
}

/** Large enough that every step takes some milliseconds. */
export async function largeDirectory(): Promise<Known> {
  const pristine = await leftBehind();
  const left = [LEFT_INDEX, ...addLeftIndexes(pristine, INDEXES)];
  addLeftRecords(pristine, 2_000);
  const after = cloneOf(pristine);
  await clean(after);
  return { pristine, left, files: contentOf(pristine), old: rowsOf(pristine), cleaned: rowsOf(after) };
}

export interface Found {
  readonly rows: 'old' | 'gone';
  readonly inPlace: readonly string[];
  /** Whole directories in each quarantine, by id. */
  readonly aside: ReadonlyMap<string, number>;
  readonly deleted: number;
  readonly isDeleting: boolean;
}

/** What the directory holds, each directory compared byte by byte with what it was. */
export function found(dir: string, { left, files, old, cleaned }: Known): Found {
  // Reading plays back a journal, as the next start of Chroma would.
  const rows = rowsOf(dir);
  expect([old, cleaned]).toContainEqual(rows);
  expect(withDatabase(dir, (db) => db.pragma('integrity_check', { simple: true }))).toBe('ok');
  const now = contentOf(dir);
  const ids = idsIn(now);
  const aside = new Map<string, number>();
  const here = [...now].filter(([path]) => isOld(path));
  for (const id of ids.filter((each) => !each.startsWith('deleting-'))) {
    const place = `.chroma-maint/quarantine/${id}/`;
    const whole = [...now]
      .filter(([path]) => path.startsWith(place) && path !== `${place}manifest.json`)
      .map(([path, state]): [string, string] => [path.slice(place.length), state]);
    const many = new Set(whole.map(([path]) => topOf(path))).size;
    if (many > 0) aside.set(id, many);
    here.push(...whole);
  }
  const inPlace = left.filter((name) => now.has(name));
  const kept = [...aside.values()].reduce((sum, many) => sum + many, inPlace.length);
  // What is here is whole, and all that lives is here.
  const names = new Set(here.map(([path]) => topOf(path)));
  const expected = [...files].filter(
    ([path]) => isOld(path) && (names.has(topOf(path)) || !left.includes(topOf(path))),
  );
  expect(new Map(here)).toEqual(new Map(expected));
  return {
    rows: JSON.stringify(rows) === JSON.stringify(old) ? 'old' : 'gone',
    inPlace,
    aside,
    deleted: left.length - kept,
    isDeleting: ids.some((id) => id.startsWith('deleting-')),
  };
}

/** True for what was there before, but for the database. */
function isOld(path: string): boolean {
  return !path.startsWith('.chroma-maint') && !path.startsWith('chroma.sqlite3');
}

function topOf(path: string): string {
  return path.split('/')[0] ?? '';
}

function idsIn(files: ReadonlyMap<string, string>): readonly string[] {
  const parts = [...files.keys()].map((path) => path.split('/'));
  return parts.filter(({ length, 1: place }) => length === 3 && place === 'quarantine').map(([, , id = '']) => id);
}
