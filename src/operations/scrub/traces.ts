/**
 * Where texts were found. Rows come first: only when all of them have been read it is known which pieces live.
 */
import type { RowState } from '../../chroma/row-state.ts';
import type { NamedCollection } from '../names.ts';
import type { Sought } from './sought.ts';

export type Place =
  /**
   * Rows of the WAL; `collection` is null for those of a collection that does not exist any more. The work deletes them
   * where they are prunable.
   */
  | {
      readonly kind: 'wal';
      readonly collection: NamedCollection | null;
      readonly state: RowState;
      readonly isPrunable: boolean;
    }
  /** Rows of other tables that belong to nothing any more. */
  | { readonly kind: 'left-behind' }
  /** Rows of the full-text table without a document of that text. */
  | { readonly kind: 'full-text' }
  /** Records that live: only phrases are said to be there. */
  | { readonly kind: 'live' }
  /** Names, keys and settings, and tables of somebody else: only phrases are said to be there. */
  | { readonly kind: 'table'; readonly table: string }
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
  /** Notes that a row at `place` has all of a phrase. */
  readonly notePhrase: (place: Place, phrase: number) => void;
  /** Notes that a piece stands in a row, and whether in a text that lives. */
  readonly noteInRow: (window: number, isLive: boolean) => void;
  /** Notes that a piece stands in a file, once every row was read. */
  readonly noteInFile: (place: Place, window: number) => void;
  /** Notes that a piece stands in the database file, wherever in it, once every row was read. */
  readonly noteInDatabase: (window: number) => void;
  readonly result: () => Traces;
}

export interface Traces {
  readonly traces: readonly Trace[];
  /** Deleted texts that cannot be told from texts that live, because each piece of them that is sought is in one. */
  readonly indistinct: number;
  /** Numbers of the phrases of which that is so, and that no row has as a whole. */
  readonly indistinctPhrases: readonly number[];
}

interface PlaceNotes {
  readonly place: Place;
  rows: number;
  readonly phrases: Set<number>;
  /** One bit for each text of which a piece stands there; null until the first one. */
  owners: Uint8Array | null;
}

const FREE_SPACE: Place = { kind: 'free-space' };

/** Begins a book of the texts in `sought`. */
export function traceBook({ windows, phrases, counts }: Sought): TraceBook {
  const isLiving = new Uint8Array(windows.size);
  const isInRow = new Uint8Array(windows.size);
  const places = new Map<string, PlaceNotes>();
  const all = phrases.length + counts.texts;
  const notesOf = (place: Place): PlaceNotes => {
    const key = JSON.stringify(place);
    const notes = places.get(key) ?? { place, rows: 0, phrases: new Set(), owners: null };
    places.set(key, notes);
    return notes;
  };
  const noteInFile: TraceBook['noteInFile'] = (place, window) => {
    // What lives may stand anywhere.
    if (isLiving[window] === 1) return;
    const notes = notesOf(place);
    notes.owners ??= new Uint8Array(Math.ceil(all / 8));
    setBit(notes.owners, windows.ownerOf(window));
  };
  return {
    noteRow: (place) => void (notesOf(place).rows += 1),
    notePhrase: (place, phrase) => void notesOf(place).phrases.add(phrase),
    noteInRow(window, isLive) {
      isInRow[window] = 1;
      if (isLive) isLiving[window] = 1;
    },
    noteInFile,
    noteInDatabase(window) {
      if (isInRow[window] !== 1) noteInFile(FREE_SPACE, window);
    },
    result() {
      const indistinct = withoutTellingPiece();
      const notes = [...places.values()];
      const isWhole = (phrase: number): boolean => notes.some((each) => each.phrases.has(phrase));
      return {
        traces: notes.map(traceOf).filter(({ texts, phrases: numbers }) => texts + numbers.length > 0),
        indistinct: indistinct.filter((owner) => owner >= phrases.length).length,
        indistinctPhrases: indistinct
          .filter((owner) => owner < phrases.length && !isWhole(owner))
          .map((owner) => owner + 1),
      };
    },
  };

  /** The texts of which every piece lives, in order. */
  function withoutTellingPiece(): readonly number[] {
    const [has, tells] = [new Uint8Array(Math.ceil(all / 8)), new Uint8Array(Math.ceil(all / 8))];
    for (let window = 0; window < windows.size; window += 1) {
      setBit(has, windows.ownerOf(window));
      if (isLiving[window] !== 1) setBit(tells, windows.ownerOf(window));
    }
    return bitsOf(has.map((byte, at) => byte & ~(tells[at] ?? 0)));
  }

  function traceOf({ place, rows, phrases: whole, owners }: PlaceNotes): Trace {
    const found = owners === null ? [] : bitsOf(owners);
    const named = [...whole, ...found.filter((owner) => owner < phrases.length)];
    return {
      place,
      texts: rows + found.filter((owner) => owner >= phrases.length).length,
      phrases: named.map((phrase) => phrase + 1).toSorted((a, b) => a - b),
    };
  }
}

function setBit(bits: Uint8Array, at: number): void {
  bits[at >>> 3] = (bits[at >>> 3] ?? 0) | (1 << (at & 7));
}

/** The numbers of the bits that are set, in order. */
function bitsOf(bits: Uint8Array): readonly number[] {
  const found: number[] = [];
  for (const [at, byte] of bits.entries()) {
    for (let bit = 0; byte >>> bit > 0; bit += 1) if (((byte >>> bit) & 1) === 1) found.push(8 * at + bit);
  }
  return found;
}
