/**
 * Many texts sought at once in any bytes. Each is represented by a few short pieces of it (windows), so that it is found
 * where only a part of it is left, and where SQLite has cut it at the end of a page. Rabin-Karp: one rolling hash, a
 * filter, a table; what the table finds is compared byte for byte.
 */

/** Bytes of a window: long enough that bytes which are no text do not have it by chance. */
export const WINDOW_BYTES = 16;

/** A window with fewer different bytes, as sixteen spaces, says nothing about where it comes from. */
const FEWEST_DIFFERENT = 6;
/** How far from its place another window is taken where that one says nothing. */
const MOST_SHIFT = 64;
const MOST_WINDOWS = 4;

/** Windows of one form of a text, evenly spread; none where it is too short, or says nothing. */
export function windowsOf(form: Buffer): readonly Buffer[] {
  const room = form.length - WINDOW_BYTES;
  if (room < 0) return [];
  const many = Math.min(MOST_WINDOWS, 1 + Math.floor(form.length / (2 * WINDOW_BYTES)));
  const windows: Buffer[] = [];
  for (let at = 0; at < many; at += 1) {
    const window = telling(form, many === 1 ? 0 : Math.floor((room * at) / (many - 1)));
    if (window !== null) windows.push(window);
  }
  return windows;
}

/** True for a text that can be told from other data. */
export function isSearchable(text: string): boolean {
  return windowsOf(Buffer.from(text, 'utf8')).length > 0;
}

function telling(form: Buffer, from: number): Buffer | null {
  const last = Math.min(from + MOST_SHIFT, form.length - WINDOW_BYTES);
  for (let at = from; at <= last; at += 1) {
    const window = form.subarray(at, at + WINDOW_BYTES);
    if (new Set(window).size >= FEWEST_DIFFERENT) return window;
  }
  return null;
}

/** The windows that are sought, each with the number of the text that it came from first. */
export interface Windows {
  readonly size: number;
  /** The number of the text that window `window` came from. */
  readonly ownerOf: (window: number) => number;
  /** Calls `onWindow` with every window that stands in `bytes`, as often as it does. */
  readonly findIn: (bytes: Buffer, onWindow: (window: number) => void) => void;
}

export interface WindowCollector {
  readonly add: (window: Buffer, owner: number) => void;
  readonly finish: () => Windows;
}

/** Collects windows. The same bytes are kept once, for the first that came with them. */
export function collectWindows(): WindowCollector {
  const owners = new Map<string, number>();
  return {
    add(window, owner) {
      const bytes = window.toString('latin1');
      if (!owners.has(bytes)) owners.set(bytes, owner);
    },
    finish: () => windowsAmong(owners),
  };
}

const BASE = 0x01000193;
/** BASE to the power of the window's length, modulo 2^32: what a byte has become when it leaves the window. */
const LEAVING = Array.from({ length: WINDOW_BYTES }).reduce<number>((power) => Math.imul(power, BASE), 1);
/** Slots of the table, and bits of the filter, for each window. */
const SLOTS_PER_WINDOW = 2;
const BITS_PER_WINDOW = 16;
const LEAST_FILTER = 1024;
const EMPTY = 0;

function windowsAmong(owners: ReadonlyMap<string, number>): Windows {
  const all = Buffer.from([...owners.keys()].join(''), 'latin1');
  const ownerOf = Uint32Array.from(owners.values());
  const slots = new Uint32Array(powerAbove(owners.size * SLOTS_PER_WINDOW));
  const filter = new Uint32Array(powerAbove(Math.max((owners.size * BITS_PER_WINDOW) / 32, LEAST_FILTER)));
  const hashes = new Uint32Array(owners.size);
  for (let window = 0; window < owners.size; window += 1) {
    const hash = mixed(hashOf(all, window * WINDOW_BYTES));
    hashes[window] = hash;
    setBit(filter, hash);
    let slot = hash & (slots.length - 1);
    while (slots[slot] !== EMPTY) slot = (slot + 1) & (slots.length - 1);
    slots[slot] = window + 1;
  }
  const at = (bytes: Buffer, from: number, hash: number): number | null => {
    for (let slot = hash & (slots.length - 1); ; slot = (slot + 1) & (slots.length - 1)) {
      const window = (slots[slot] ?? EMPTY) - 1;
      if (window < 0) return null;
      // Comparing bytes takes far longer than the rest.
      if (hashes[window] !== hash) continue;
      const start = window * WINDOW_BYTES;
      if (all.compare(bytes, from, from + WINDOW_BYTES, start, start + WINDOW_BYTES) === 0) return window;
    }
  };
  return {
    size: owners.size,
    ownerOf: (window) => ownerOf[window] ?? 0,
    findIn(bytes, onWindow) {
      if (owners.size === 0 || bytes.length < WINDOW_BYTES) return;
      let rolling = hashOf(bytes, 0);
      for (let from = 0; ; from += 1) {
        const hash = mixed(rolling);
        if (hasBit(filter, hash)) {
          const window = at(bytes, from, hash);
          if (window !== null) onWindow(window);
        }
        const next = from + WINDOW_BYTES;
        if (next >= bytes.length) return;
        // Never undefined within the bounds; `?? 0` would cost half the speed here.
        rolling = (Math.imul(rolling, BASE) + bytes[next]! - Math.imul(bytes[from]!, LEAVING)) | 0;
      }
    },
  };
}

function hashOf(bytes: Buffer, from: number): number {
  let hash = 0;
  for (let at = from; at < from + WINDOW_BYTES; at += 1) hash = (Math.imul(hash, BASE) + (bytes[at] ?? 0)) | 0;
  return hash;
}

/** The low bits of a rolling hash know little of its first bytes. */
function mixed(hash: number): number {
  const half = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (half ^ (half >>> 16)) >>> 0;
}

function setBit(filter: Uint32Array, hash: number): void {
  const word = (hash >>> 5) & (filter.length - 1);
  filter[word] = (filter[word] ?? 0) | (1 << (hash & 31));
}

function hasBit(filter: Uint32Array, hash: number): boolean {
  return (filter[(hash >>> 5) & (filter.length - 1)]! & (1 << (hash & 31))) !== 0;
}

function powerAbove(least: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(least, 2)));
}
