/**
 * The words of a pickle: the opcodes that Chroma's writers use, with what follows each. pickle.ts knows their order.
 */
import { isUtf8 } from 'node:buffer';
import type { ByteReader } from './byte-reader.ts';

export const OPCODES = {
  mark: 0x28,
  emptyTuple: 0x29,
  stop: 0x2e,
  binint: 0x4a,
  binint1: 0x4b,
  binint2: 0x4d,
  none: 0x4e,
  binunicode: 0x58,
  build: 0x62,
  binget: 0x68,
  longBinget: 0x6a,
  setitem: 0x73,
  setitems: 0x75,
  emptyDict: 0x7d,
  proto: 0x80,
  newobj: 0x81,
  long1: 0x8a,
  shortBinunicode: 0x8c,
  stackGlobal: 0x93,
  memoize: 0x94,
  frame: 0x95,
} as const;

/** Bytes of the longest integer: 64 bits and a sign, as serde_pickle spells it. */
const LONGEST_INTEGER = 9;

/** In the memo: not a string. As what MEMOIZE would take: nothing. */
const NOT_TEXT = -1;
const NOTHING = -2;

/** Bytes that are not what Chroma writes. */
export class PickleError extends Error {
  override readonly name = 'PickleError';
}

/** UTF-8 text in a buffer that is used again: it holds until the function it was given to returns. */
export interface PickledText {
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
}

export class PickleTokens {
  readonly #reader: ByteReader;
  /** Slot by slot, where in the file the opcode of a string is. */
  #memo = new Float64Array(1024);
  #memoised = 0;
  #memoizable = NOTHING;
  readonly #text: { -readonly [Key in keyof PickledText]: PickledText[Key] } = {
    buffer: Buffer.alloc(0),
    start: 0,
    end: 0,
  };

  constructor(reader: ByteReader) {
    this.#reader = reader;
  }

  get remaining(): number {
    return this.#reader.remaining;
  }

  byte(): number {
    return this.#reader.byte();
  }

  /** The next opcode that says something; framing and memoising are done on the way. */
  opcode(): number {
    for (;;) {
      const opcode = this.#reader.byte();
      if (opcode === OPCODES.memoize) this.#memoise();
      else if (opcode === OPCODES.frame) this.#frame();
      else return opcode;
    }
  }

  /** Says that a dict, a class or an object has just been read: the memo takes it, and nothing may refer to it. */
  container(): void {
    this.#memoizable = NOT_TEXT;
  }

  /** Returns what `look` finds ahead, and goes back. */
  ahead<T>(look: () => T): T {
    const [position, memoised] = [this.#reader.position, this.#memoised];
    const found = look();
    this.#reader.seek(position);
    this.#memoised = memoised;
    return found;
  }

  #frame(): void {
    const start = this.#reader.take(8);
    const length = this.#reader.window.readBigUInt64LE(start);
    if (length > BigInt(this.#reader.remaining)) {
      throw new PickleError(`a frame of ${length} bytes at byte ${this.#reader.position}, and the file ends before`);
    }
  }

  #memoise(): void {
    if (this.#memoizable === NOTHING) throw this.unexpected(OPCODES.memoize, 'something else');
    if (this.#memoised === this.#memo.length) {
      const larger = new Float64Array(this.#memo.length * 2);
      larger.set(this.#memo);
      this.#memo = larger;
    }
    this.#memo[this.#memoised++] = this.#memoizable;
    this.#memoizable = NOTHING;
  }

  /** An integer, a string, or null for None. */
  scalar(opcode: number): bigint | string | null {
    if (opcode === OPCODES.none) return null;
    if (isText(opcode)) return this.string(opcode);
    if (!isInteger(opcode)) throw this.unexpected(opcode, 'an integer, a string or None');
    const length = this.#integerLength(opcode);
    const start = this.#reader.take(length);
    const bytes = this.#reader.window.subarray(start, start + length);
    const unsigned = bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
    const isSigned = opcode === OPCODES.binint || opcode === OPCODES.long1;
    return isSigned ? BigInt.asIntN(length * 8, unsigned) : unsigned;
  }

  /** Steps over an integer, or returns false where something else stands. */
  skipInteger(opcode: number): boolean {
    if (!isInteger(opcode)) return false;
    this.#reader.take(this.#integerLength(opcode));
    return true;
  }

  #integerLength(opcode: number): number {
    this.#memoizable = NOTHING;
    if (opcode === OPCODES.binint1) return 1;
    if (opcode === OPCODES.binint2) return 2;
    if (opcode === OPCODES.binint) return 4;
    const length = this.#reader.byte();
    if (length > LONGEST_INTEGER) throw new PickleError(`it holds an integer of ${length} bytes`);
    return length;
  }

  string(opcode: number): string {
    const { buffer, start, end } = this.readText(opcode);
    return buffer.toString('utf8', start, end);
  }

  /** The string that stands at an opcode, or that the opcode refers to. */
  readText(opcode: number): PickledText {
    if (!isReference(opcode)) return this.#literal(opcode);
    const position = this.#memoisedAt(opcode);
    const head = this.#reader.bytesAt(position, 5);
    const isShort = head[0] === OPCODES.shortBinunicode;
    const bytes = this.#reader.bytesAt(
      position + (isShort ? 2 : 5),
      isShort ? head.readUInt8(1) : head.readUInt32LE(1),
    );
    return this.#textIn(bytes, 0, bytes.length);
  }

  /** Steps over a string, with the same checks. */
  skipText(opcode: number): void {
    if (isReference(opcode)) this.#memoisedAt(opcode);
    else this.#literal(opcode);
  }

  #literal(opcode: number): PickledText {
    const position = this.#reader.position - 1;
    const length = this.#textLength(opcode);
    const start = this.#reader.take(length);
    this.#memoizable = position;
    return this.#textIn(this.#reader.window, start, start + length);
  }

  /** Where in the file the string is that a BINGET refers to. */
  #memoisedAt(opcode: number): number {
    const slot = opcode === OPCODES.binget ? this.#reader.byte() : this.#uint32();
    this.#memoizable = NOTHING;
    const position = slot < this.#memoised ? (this.#memo[slot] ?? NOT_TEXT) : NOT_TEXT;
    if (position === NOT_TEXT) throw new PickleError(`it refers to slot ${slot}, which holds no string`);
    return position;
  }

  #textLength(opcode: number): number {
    if (opcode === OPCODES.shortBinunicode) return this.#reader.byte();
    if (opcode === OPCODES.binunicode) return this.#uint32();
    throw this.unexpected(opcode, 'a string');
  }

  #textIn(buffer: Buffer, start: number, end: number): PickledText {
    // Broken UTF-8 would be repaired into another id without a word. The loop is many times faster than a call of
    // isUtf8 for each of a million short strings.
    let bits = 0;
    for (let at = start; at < end; at += 1) bits |= buffer[at] as number;
    if (bits > 0x7f && !isUtf8(buffer.subarray(start, end))) {
      throw new PickleError(`a string that is not UTF-8 before byte ${this.#reader.position}`);
    }
    this.#text.buffer = buffer;
    this.#text.start = start;
    this.#text.end = end;
    return this.#text;
  }

  #uint32(): number {
    const start = this.#reader.take(4);
    return this.#reader.window.readUInt32LE(start);
  }

  /** Throws a {@link PickleError} unless `opcode` is the one that `what` begins with. */
  expect(opcode: number, expected: number, what: string): void {
    if (opcode !== expected) throw this.unexpected(opcode, what);
  }

  /** The error for an `opcode` that stands where Chroma writes something else. */
  unexpected(opcode: number, expected: string): PickleError {
    const byte = opcode.toString(16).padStart(2, '0');
    return new PickleError(`byte ${this.#reader.position - 1} is 0x${byte}, where Chroma writes ${expected}`);
  }
}

export function isText(opcode: number): boolean {
  return opcode === OPCODES.shortBinunicode || opcode === OPCODES.binunicode || isReference(opcode);
}

function isReference(opcode: number): boolean {
  return opcode === OPCODES.binget || opcode === OPCODES.longBinget;
}

export function isInteger(opcode: number): boolean {
  return (
    opcode === OPCODES.binint1 || opcode === OPCODES.binint2 || opcode === OPCODES.binint || opcode === OPCODES.long1
  );
}
