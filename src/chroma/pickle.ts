/**
 * The part of Python's pickle format that Chroma writes into `index_metadata.pickle`, and nothing else: dicts of
 * strings, integers and None, and one object whose state is such a dict. CPython's pickler writes it (protocol 4 or 5,
 * 0.4.0 to 1.x), and Rust's serde_pickle 1.2.0 (protocol 3, 1.0.0 and later). No name is looked up, no code is run and
 * no value is kept, so a file of any size takes constant memory but for eight bytes for each memoised string.
 */
import { isUtf8 } from 'node:buffer';
import type { ByteReader } from './byte-reader.ts';

const OPCODES = {
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

const PROTOCOLS: readonly number[] = [3, 4, 5];

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

type VisitKey = ((key: PickledText | null) => void) | null;

export interface PickleVisitor {
  /** The only class whose instance may be in the file. */
  readonly className: { readonly module: string; readonly name: string };
  /** An attribute that is an integer, a string, or None. */
  scalar(attribute: string, value: bigint | string | null): void;
  /** An attribute that is a dict: returns what is to be called with each key (null: an integer), if anything is. */
  dict(attribute: string): VisitKey;
}

/**
 * Walks a whole pickle, to its STOP and the end of the file, and returns whether its attributes are those of an object
 * or the entries of a dict. Throws a {@link PickleError} or a RangeError for everything that Chroma does not write.
 */
export function walkPickle(reader: ByteReader, visitor: PickleVisitor): 'object' | 'dict' {
  return new PickleWalk(reader, visitor).run();
}

class PickleWalk {
  readonly #reader: ByteReader;
  readonly #visitor: PickleVisitor;
  /** Slot by slot, where in the file the opcode of a string is. */
  #memo = new Float64Array(1024);
  #memoised = 0;
  #memoizable = NOTHING;
  readonly #text: { -readonly [Key in keyof PickledText]: PickledText[Key] } = {
    buffer: Buffer.alloc(0),
    start: 0,
    end: 0,
  };

  constructor(reader: ByteReader, visitor: PickleVisitor) {
    this.#reader = reader;
    this.#visitor = visitor;
  }

  run(): 'object' | 'dict' {
    this.#expect(this.#reader.byte(), OPCODES.proto, 'the start of a pickle');
    const protocol = this.#reader.byte();
    if (!PROTOCOLS.includes(protocol)) throw new PickleError(`it has protocol ${protocol}, which Chroma never writes`);
    let opcode = this.#opcode();
    const form = opcode === OPCODES.emptyDict ? 'dict' : 'object';
    if (form === 'object') opcode = this.#newObject(opcode);
    opcode = this.#attributes(opcode);
    if (form === 'object') {
      this.#expect(opcode, OPCODES.build, 'the end of an object');
      opcode = this.#opcode();
    }
    this.#expect(opcode, OPCODES.stop, 'its end mark');
    if (this.#reader.remaining > 0) throw new PickleError(`${this.#reader.remaining} bytes follow its end mark`);
    return form;
  }

  /** Checks the name of the class, and steps over the call without arguments that makes its instance. */
  #newObject(first: number): number {
    const module = this.#string(first);
    const name = this.#string(this.#opcode());
    this.#expect(this.#opcode(), OPCODES.stackGlobal, 'a class');
    const allowed = this.#visitor.className;
    if (module !== allowed.module || name !== allowed.name) {
      throw new PickleError(`it names the class ${module}.${name}, which Chroma never writes`);
    }
    this.#memoizable = NOT_TEXT;
    this.#expect(this.#opcode(), OPCODES.emptyTuple, 'the arguments of the class');
    this.#expect(this.#opcode(), OPCODES.newobj, 'an object');
    this.#memoizable = NOT_TEXT;
    return this.#opcode();
  }

  /** Walks the dict that holds everything, and returns the opcode behind it. */
  #attributes(first: number): number {
    this.#expect(first, OPCODES.emptyDict, 'a dict');
    this.#memoizable = NOT_TEXT;
    const seen = new Set<string>();
    return this.#batches(this.#opcode(), (keyOpcode) => {
      const attribute = this.#string(keyOpcode);
      if (seen.has(attribute)) throw new PickleError(`it holds ${attribute} twice`);
      seen.add(attribute);
      const opcode = this.#opcode();
      if (opcode === OPCODES.emptyDict) return this.#map(this.#visitor.dict(attribute));
      this.#visitor.scalar(attribute, this.#scalar(opcode));
      return this.#opcode();
    });
  }

  /** Walks a dict of strings to integers or of integers to strings, and returns the opcode behind it. */
  #map(visit: VisitKey): number {
    this.#memoizable = NOT_TEXT;
    const opcode = this.#opcode();
    if (!this.#isLoneEntry(opcode)) return this.#batches(opcode, (keyOpcode) => this.#mapEntry(keyOpcode, visit));
    this.#expect(this.#mapEntry(opcode, visit), OPCODES.setitem, 'the end of an entry');
    return this.#opcode();
  }

  #mapEntry(keyOpcode: number, visit: VisitKey): number {
    if (this.#skipInteger(keyOpcode)) {
      visit?.(null);
      this.#skipText(this.#opcode());
      return this.#opcode();
    }
    if (visit === null) this.#skipText(keyOpcode);
    else visit(this.#readText(keyOpcode));
    const opcode = this.#opcode();
    if (!this.#skipInteger(opcode)) throw this.#unexpected(opcode, 'an integer');
    return this.#opcode();
  }

  /**
   * Whether the string or integer that follows a dict is its single entry, which CPython writes without a MARK, or
   * after an empty dict the next attribute: only the SETITEM behind the value tells.
   */
  #isLoneEntry(opcode: number): boolean {
    if (isInteger(opcode)) return true;
    if (!isText(opcode)) return false;
    const [position, memoised] = [this.#reader.position, this.#memoised];
    this.#skipText(opcode);
    const isLone = this.#skipInteger(this.#opcode()) && this.#opcode() === OPCODES.setitem;
    this.#reader.seek(position);
    this.#memoised = memoised;
    return isLone;
  }

  /**
   * Walks the batches of entries of a dict, each between MARK and SETITEMS, and returns the opcode behind the last.
   * `entry` is given the opcode of a key and returns the one behind the value.
   */
  #batches(first: number, entry: (keyOpcode: number) => number): number {
    let opcode = first;
    while (opcode === OPCODES.mark) {
      opcode = this.#opcode();
      while (opcode !== OPCODES.setitems) opcode = entry(opcode);
      opcode = this.#opcode();
    }
    return opcode;
  }

  /** The next opcode that says something; framing and memoising are done on the way. */
  #opcode(): number {
    for (;;) {
      const opcode = this.#reader.byte();
      if (opcode === OPCODES.memoize) this.#memoise();
      else if (opcode === OPCODES.frame) this.#frame();
      else return opcode;
    }
  }

  #frame(): void {
    const start = this.#reader.take(8);
    const length = this.#reader.window.readBigUInt64LE(start);
    if (length > BigInt(this.#reader.remaining)) {
      throw new PickleError(`a frame of ${length} bytes at byte ${this.#reader.position}, and the file ends before`);
    }
  }

  #memoise(): void {
    if (this.#memoizable === NOTHING) throw this.#unexpected(OPCODES.memoize, 'something else');
    if (this.#memoised === this.#memo.length) {
      const larger = new Float64Array(this.#memo.length * 2);
      larger.set(this.#memo);
      this.#memo = larger;
    }
    this.#memo[this.#memoised++] = this.#memoizable;
    this.#memoizable = NOTHING;
  }

  #scalar(opcode: number): bigint | string | null {
    if (opcode === OPCODES.none) return null;
    if (!isInteger(opcode)) return this.#string(opcode);
    const length = this.#integerLength(opcode);
    const start = this.#reader.take(length);
    const bytes = this.#reader.window.subarray(start, start + length);
    const unsigned = bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
    const isSigned = opcode === OPCODES.binint || opcode === OPCODES.long1;
    return isSigned ? BigInt.asIntN(length * 8, unsigned) : unsigned;
  }

  /** Steps over an integer, or returns false where something else stands. */
  #skipInteger(opcode: number): boolean {
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

  #string(opcode: number): string {
    const { buffer, start, end } = this.#readText(opcode);
    return buffer.toString('utf8', start, end);
  }

  /** The string that stands at an opcode, or that the opcode refers to. */
  #readText(opcode: number): PickledText {
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

  #skipText(opcode: number): void {
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
    throw this.#unexpected(opcode, 'a string');
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

  #expect(opcode: number, expected: number, what: string): void {
    if (opcode !== expected) throw this.#unexpected(opcode, what);
  }

  #unexpected(opcode: number, expected: string): PickleError {
    const byte = opcode.toString(16).padStart(2, '0');
    return new PickleError(`byte ${this.#reader.position - 1} is 0x${byte}, where Chroma writes ${expected}`);
  }
}

function isText(opcode: number): boolean {
  return opcode === OPCODES.shortBinunicode || opcode === OPCODES.binunicode || isReference(opcode);
}

function isReference(opcode: number): boolean {
  return opcode === OPCODES.binget || opcode === OPCODES.longBinget;
}

function isInteger(opcode: number): boolean {
  return (
    opcode === OPCODES.binint1 || opcode === OPCODES.binint2 || opcode === OPCODES.binint || opcode === OPCODES.long1
  );
}
