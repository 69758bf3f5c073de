/**
 * Many pieces of texts sought at once in any bytes. Rabin-Karp: one hash of the window that rolls over them, a filter, a
 * table; what the table finds is compared byte for byte.
 */
import { HIGHEST_RANK, PIECE_BYTES, type Piece } from './pieces.ts';

/** The pieces that are sought, each with the number of the text that it came from first. */
export interface Windows {
  readonly size: number;
  /** Bytes from the beginning of one piece of a text to that of the next: more than a piece has where there were too many. */
  readonly step: number;
  /** The number of the text that piece `window` came from. */
  readonly ownerOf: (window: number) => number;
  /** Calls `onWindow` with every piece that stands in `bytes`, as often as it does. */
  readonly findIn: (bytes: Buffer, onWindow: (window: number) => void) => void;
}

export interface WindowCollector {
  readonly add: (piece: Piece, owner: number) => void;
  readonly finish: () => Windows;
}

/** Together 34 bytes each. */
const MOST_WINDOWS = 2 ** 21;
const FIRST_WINDOWS = 1024;

interface Table {
  size: number;
  readonly bytes: Buffer;
  readonly owners: Uint32Array;
  readonly ranks: Uint8Array;
  readonly hashes: Uint32Array;
  /** The number of a window and one, by its hash; 0 where there is none. Twice as many as there may be windows. */
  readonly slots: Uint32Array;
}

function emptyTable(windows: number): Table {
  return {
    size: 0,
    bytes: Buffer.alloc(windows * PIECE_BYTES),
    owners: new Uint32Array(windows),
    ranks: new Uint8Array(windows),
    hashes: new Uint32Array(windows),
    slots: new Uint32Array(powerAbove(2 * windows)),
  };
}

/** Collects pieces. The same bytes are kept once, for the first text that came with them. Where there are more than
 * `most`, those of the lowest rank are left out, of all texts alike. */
export function collectWindows(most = MOST_WINDOWS): WindowCollector {
  let table = emptyTable(Math.min(FIRST_WINDOWS, most));
  let lowestRank = 0;
  const makeRoom = (): void => {
    if (table.owners.length < most) {
      table = copied(table, Math.min(2 * table.owners.length, most), lowestRank);
      return;
    }
    while (table.size === most) {
      if (lowestRank === HIGHEST_RANK) throw new Error('more pieces that must be kept than there is room for');
      lowestRank += 1;
      table = copied(table, most, lowestRank);
    }
  };
  return {
    add(piece, owner) {
      const hash = mixed(hashOf(piece.bytes, 0));
      if (table.size === table.owners.length && slotOf(table, hash, piece.bytes, 0).window < 0) makeRoom();
      if (piece.rank >= lowestRank) put(table, hash, piece, owner);
    },
    finish: () => windowsOf(table, PIECE_BYTES * 2 ** lowestRank),
  };
}

function copied(from: Table, windows: number, lowestRank: number): Table {
  const table = emptyTable(windows);
  for (let window = 0; window < from.size; window += 1) {
    const rank = from.ranks[window] ?? 0;
    const bytes = from.bytes.subarray(window * PIECE_BYTES, (window + 1) * PIECE_BYTES);
    if (rank >= lowestRank) put(table, from.hashes[window] ?? 0, { bytes, rank }, from.owners[window] ?? 0);
  }
  return table;
}

function put(table: Table, hash: number, { bytes, rank }: Piece, owner: number): void {
  const { slot, window } = slotOf(table, hash, bytes, 0);
  if (window >= 0) {
    table.ranks[window] = Math.max(table.ranks[window] ?? 0, rank);
    return;
  }
  const { size } = table;
  bytes.copy(table.bytes, size * PIECE_BYTES);
  table.owners[size] = owner;
  table.ranks[size] = rank;
  table.hashes[size] = hash;
  table.slots[slot] = size + 1;
  table.size = size + 1;
}

/** Where the window at `from` in `bytes` is, or would be: `window` is -1 where there is none with these bytes. */
function slotOf(
  { bytes: all, hashes, slots }: Table,
  hash: number,
  bytes: Buffer,
  from: number,
): { readonly slot: number; readonly window: number } {
  for (let slot = hash & (slots.length - 1); ; slot = (slot + 1) & (slots.length - 1)) {
    const window = (slots[slot] ?? 0) - 1;
    if (window < 0) return { slot, window };
    // Comparing bytes takes far longer than the rest.
    if (hashes[window] !== hash) continue;
    const start = window * PIECE_BYTES;
    if (all.compare(bytes, from, from + PIECE_BYTES, start, start + PIECE_BYTES) === 0) return { slot, window };
  }
}

/** Bits of the filter for each window. */
const BITS_PER_WINDOW = 16;
const LEAST_FILTER = 1024;

function windowsOf(table: Table, step: number): Windows {
  const { size, owners, hashes } = table;
  const filter = new Uint32Array(powerAbove(Math.max((size * BITS_PER_WINDOW) / 32, LEAST_FILTER)));
  for (let window = 0; window < size; window += 1) {
    const hash = hashes[window] ?? 0;
    const word = wordOf(filter, hash);
    filter[word] = (filter[word] ?? 0) | bitsOf(hash);
  }
  return {
    size,
    step,
    ownerOf: (window) => owners[window] ?? 0,
    findIn(bytes, onWindow) {
      if (size === 0 || bytes.length < PIECE_BYTES) return;
      let rolling = hashOf(bytes, 0);
      for (let from = 0; ; from += 1) {
        const hash = mixed(rolling);
        const bits = bitsOf(hash);
        // Never undefined within the bounds; `?? 0` would cost half the speed here.
        if ((filter[wordOf(filter, hash)]! & bits) === bits) {
          const { window } = slotOf(table, hash, bytes, from);
          if (window >= 0) onWindow(window);
        }
        const next = from + PIECE_BYTES;
        if (next >= bytes.length) return;
        rolling = (Math.imul(rolling, BASE) + bytes[next]! - Math.imul(bytes[from]!, LEAVING)) | 0;
      }
    },
  };
}

const BASE = 0x01000193;
/** BASE to the power of a piece's length, modulo 2^32: what a byte has become when it leaves the window. */
const LEAVING = Array.from({ length: PIECE_BYTES }).reduce<number>((power) => Math.imul(power, BASE), 1);

function hashOf(bytes: Buffer, from: number): number {
  let hash = 0;
  for (let at = from; at < from + PIECE_BYTES; at += 1) hash = (Math.imul(hash, BASE) + (bytes[at] ?? 0)) | 0;
  return hash;
}

/** The low bits of a rolling hash know little of its first bytes. */
function mixed(hash: number): number {
  const half = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (half ^ (half >>> 16)) >>> 0;
}

/** Two bits in one word, so that a window which is not there is told with one look into memory. */
function wordOf(filter: Uint32Array, hash: number): number {
  return (hash >>> 10) & (filter.length - 1);
}

function bitsOf(hash: number): number {
  return (1 << (hash & 31)) | (1 << ((hash >>> 5) & 31));
}

function powerAbove(least: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(least, 2)));
}
