/**
 * A file read once from front to back through a window, so that its size never matters. Looking back at bytes that
 * have left the window costs a read of their own.
 */

/** Fills `target` from byte `position` of a source and returns how many bytes were there. */
export type ReadBytes = (target: Uint8Array, position: number) => number;

const WINDOW_BYTES = 256 * 1024;

export class ByteReader {
  readonly size: number;
  readonly #read: ReadBytes;
  #window: Buffer;
  /** Where the window's first byte lies in the source. */
  #base = 0;
  #filled = 0;
  #cursor = 0;

  constructor(size: number, read: ReadBytes) {
    this.size = size;
    this.#read = read;
    this.#window = Buffer.allocUnsafe(Math.min(WINDOW_BYTES, Math.max(size, 1)));
  }

  /** Offset of the next byte in the source. */
  get position(): number {
    return this.#base + this.#cursor;
  }

  get remaining(): number {
    return this.size - this.position;
  }

  /** The next byte. Throws a RangeError past the end, as every method here does. */
  byte(): number {
    if (this.#cursor === this.#filled) this.#slide(1);
    return this.#window[this.#cursor++] as number;
  }

  /** Steps over the next `length` bytes and returns where they begin in `window`. */
  take(length: number): number {
    if (this.#filled - this.#cursor < length) this.#slide(length);
    const start = this.#cursor;
    this.#cursor += length;
    return start;
  }

  /** The bytes that `take` returns a place in, until the next call of `take` or `byte`. */
  get window(): Buffer {
    return this.#window;
  }

  /** Goes on at `position`. */
  seek(position: number): void {
    this.#base = position;
    this.#filled = 0;
    this.#cursor = 0;
  }

  /** `length` bytes that were read before, from `position` on. */
  bytesAt(position: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    this.#fill(bytes, 0, length, position);
    return bytes;
  }

  /** Moves the window so that it starts at the cursor and holds at least `length` bytes. */
  #slide(length: number): void {
    if (length > this.remaining) {
      throw new RangeError(`it ends at byte ${this.size}, ${length} bytes are announced at byte ${this.position}`);
    }
    const rest = this.#window.subarray(this.#cursor, this.#filled);
    const next = length > this.#window.length ? Buffer.allocUnsafe(length) : this.#window;
    next.set(rest);
    this.#base += this.#cursor;
    this.#cursor = 0;
    this.#window = next;
    this.#filled = this.#fill(next, rest.length, length, this.#base);
  }

  /** Reads on behind the `filled` bytes of `target` until there are `least`, and returns how many there are. */
  #fill(target: Buffer, filled: number, least: number, position: number): number {
    let end = filled;
    while (end < least) {
      const read = this.#read(target.subarray(end), position + end);
      if (read === 0) throw new RangeError(`it ends before byte ${position + least}`);
      end += read;
    }
    return end;
  }
}
