/**
 * Where texts were found, kept in windows until everything has been read: only then it is known which of them live.
 */
import type { RowState } from '../../chroma/row-state.ts';
import type { NamedCollection } from '../names.ts';
import type { Sought } from './sought.ts';

export type Place =
  /** Rows of the WAL; `collection` is null for those of a collection that does not exist any more. */
  | { readonly kind: 'wal'; readonly collection: NamedCollection | null; readonly state: RowState }
  /** Rows of other tables that belong to nothing any more. */
  | { readonly kind: 'left-behind' }
  /** Rows of the full-text table without a document of that text. */
  | { readonly kind: 'full-text' }
  /** Records that live: only phrases are said to be there. */
  | { readonly kind: 'live' }
  /** The database file, in no row: free pages, and what is left beside the rows of a page. */
  | { readonly kind: 'free-space' }
  /**
   * A file of an index: Chroma writes memory into it as it finds it, with whatever was there before (chroma-hnswlib fills
   * only the slots that are in use).
   */
  | { readonly kind: 'index'; readonly collection: NamedCollection; readonly path: string }
  /** A file of an index whose collection does not exist any more. */
  | { readonly kind: 'left-index' }
  /** Another file; `root` is null where it is inside the persist directory, to which `path` is relative then. */
  | { readonly kind: 'file'; readonly root: string | null; readonly path: string };

export interface Trace {
  readonly place: Place;
  /** In rows: how many have a deleted text. Elsewhere: deleted texts of which something is there, each counted once. */
  readonly texts: number;
  /** Numbers of the phrases that were found there, counted from 1 in the order in which they were given. */
  readonly phrases: readonly number[];
}

export interface TraceBook {
  /** Notes that a row at `place` has a deleted text, whatever can be told of it elsewhere. */
  readonly noteRow: (place: Place) => void;
  /** Notes that `window` stands in a row at `place`, or in a file. */
  readonly note: (place: Place, window: number) => void;
  /** Notes that `window` stands in the database file, wherever in it. */
  readonly noteInDatabase: (window: number) => void;
  readonly result: () => Traces;
}

export interface Traces {
  readonly traces: readonly Trace[];
  /** Deleted texts that cannot be told from texts that live, because each piece of them that is sought is in one. */
  readonly indistinct: number;
}

interface PlaceNotes {
  readonly place: Place;
  /** Windows that stand there. */
  readonly found: Set<number>;
  rows: number;
}

const IN_ROWS: readonly Place['kind'][] = ['wal', 'left-behind', 'full-text', 'live'];
const FREE_SPACE: Place = { kind: 'free-space' };

/** Begins a book of the texts in `sought`. */
export function traceBook({ windows, phrases }: Sought): TraceBook {
  const isLiving = new Uint8Array(windows.size);
  const isInRow = new Uint8Array(windows.size);
  const inDatabase = new Set<number>();
  const places = new Map<string, PlaceNotes>();
  const isPhrase = (window: number): boolean => windows.ownerOf(window) < phrases;
  const isTelling = (window: number): boolean => isLiving[window] !== 1;
  const notesOf = (place: Place): PlaceNotes => {
    const key = JSON.stringify(place);
    const notes = places.get(key) ?? { place, found: new Set(), rows: 0 };
    places.set(key, notes);
    return notes;
  };
  const add = (place: Place, window: number): void => void notesOf(place).found.add(window);
  return {
    noteRow(place) {
      notesOf(place).rows += 1;
    },
    note(place, window) {
      if (IN_ROWS.includes(place.kind)) isInRow[window] = 1;
      if (place.kind === 'live') isLiving[window] = 1;
      if (place.kind !== 'live' || isPhrase(window)) add(place, window);
    },
    noteInDatabase: (window) => void inDatabase.add(window),
    result() {
      for (const window of inDatabase) if (isInRow[window] !== 1) add(FREE_SPACE, window);
      const [owners, told] = [new Set<number>(), new Set<number>()];
      for (let window = 0; window < windows.size; window += 1) {
        if (isPhrase(window)) continue;
        owners.add(windows.ownerOf(window));
        if (isTelling(window)) told.add(windows.ownerOf(window));
      }
      return {
        traces: [...places.values()].flatMap(({ place, found, rows }) => {
          const pieces = [...found].filter((each) => isPhrase(each) || isTelling(each));
          const numbers = [...new Set(pieces.map((each) => windows.ownerOf(each)))];
          const named = numbers.filter((owner) => owner < phrases).map((owner) => owner + 1);
          const texts = IN_ROWS.includes(place.kind) ? rows : numbers.length - named.length;
          return texts + named.length === 0 ? [] : [{ place, texts, phrases: named.toSorted((a, b) => a - b) }];
        }),
        indistinct: owners.size - told.size,
      };
    },
  };
}
