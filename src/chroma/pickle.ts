/**
 * The part of Python's pickle format that Chroma writes into `index_metadata.pickle`, and nothing else: dicts of
 * strings, integers and None, and one object whose state is such a dict. CPython's pickler writes it (protocol 4 or 5,
 * 0.4.0 to 1.x), and Rust's serde_pickle 1.2.0 (protocol 3, 1.0.0 and later). No name is looked up, no code is run and
 * no value is kept, so a file of any size takes constant memory but for eight bytes for each memoised string.
 */
import type { ByteReader } from './byte-reader.ts';
import { isInteger, isText, OPCODES, PickleError, PickleTokens, type PickledText } from './pickle-tokens.ts';

const PROTOCOLS: readonly number[] = [3, 4, 5];

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
  readonly #tokens: PickleTokens;
  readonly #visitor: PickleVisitor;

  constructor(reader: ByteReader, visitor: PickleVisitor) {
    this.#tokens = new PickleTokens(reader);
    this.#visitor = visitor;
  }

  run(): 'object' | 'dict' {
    this.#tokens.expect(this.#tokens.byte(), OPCODES.proto, 'the start of a pickle');
    const protocol = this.#tokens.byte();
    if (!PROTOCOLS.includes(protocol)) throw new PickleError(`it has protocol ${protocol}, which Chroma never writes`);
    let opcode = this.#tokens.opcode();
    const form = opcode === OPCODES.emptyDict ? 'dict' : 'object';
    if (form === 'object') opcode = this.#newObject(opcode);
    opcode = this.#attributes(opcode);
    if (form === 'object') {
      this.#tokens.expect(opcode, OPCODES.build, 'the end of an object');
      opcode = this.#tokens.opcode();
    }
    this.#tokens.expect(opcode, OPCODES.stop, 'its end mark');
    if (this.#tokens.remaining > 0) throw new PickleError(`${this.#tokens.remaining} bytes follow its end mark`);
    return form;
  }

  /** Checks the name of the class, and steps over the call without arguments that makes its instance. */
  #newObject(first: number): number {
    const module = this.#tokens.string(first);
    const name = this.#tokens.string(this.#tokens.opcode());
    this.#tokens.expect(this.#tokens.opcode(), OPCODES.stackGlobal, 'a class');
    const allowed = this.#visitor.className;
    if (module !== allowed.module || name !== allowed.name) {
      throw new PickleError(`it names the class ${module}.${name}, which Chroma never writes`);
    }
    this.#tokens.container();
    this.#tokens.expect(this.#tokens.opcode(), OPCODES.emptyTuple, 'the arguments of the class');
    this.#tokens.expect(this.#tokens.opcode(), OPCODES.newobj, 'an object');
    this.#tokens.container();
    return this.#tokens.opcode();
  }

  /** Walks the dict that holds everything, and returns the opcode behind it. */
  #attributes(first: number): number {
    this.#tokens.expect(first, OPCODES.emptyDict, 'a dict');
    this.#tokens.container();
    const seen = new Set<string>();
    return this.#batches(this.#tokens.opcode(), (keyOpcode) => {
      const attribute = this.#tokens.string(keyOpcode);
      if (seen.has(attribute)) throw new PickleError(`it holds ${attribute} twice`);
      seen.add(attribute);
      const opcode = this.#tokens.opcode();
      if (opcode === OPCODES.emptyDict) return this.#map(this.#visitor.dict(attribute));
      this.#visitor.scalar(attribute, this.#tokens.scalar(opcode));
      return this.#tokens.opcode();
    });
  }

  /** Walks a dict of strings to integers or of integers to strings, and returns the opcode behind it. */
  #map(visit: VisitKey): number {
    this.#tokens.container();
    const opcode = this.#tokens.opcode();
    if (!this.#isLoneEntry(opcode)) return this.#batches(opcode, (keyOpcode) => this.#mapEntry(keyOpcode, visit));
    this.#tokens.expect(this.#mapEntry(opcode, visit), OPCODES.setitem, 'the end of an entry');
    return this.#tokens.opcode();
  }

  #mapEntry(keyOpcode: number, visit: VisitKey): number {
    if (this.#tokens.skipInteger(keyOpcode)) {
      visit?.(null);
      this.#tokens.skipText(this.#tokens.opcode());
      return this.#tokens.opcode();
    }
    if (visit === null) this.#tokens.skipText(keyOpcode);
    else visit(this.#tokens.readText(keyOpcode));
    const opcode = this.#tokens.opcode();
    if (!this.#tokens.skipInteger(opcode)) throw this.#tokens.unexpected(opcode, 'an integer');
    return this.#tokens.opcode();
  }

  /**
   * Whether the string or integer that follows a dict is its single entry, which CPython writes without a MARK, or
   * after an empty dict the next attribute: only the SETITEM behind the value tells.
   */
  #isLoneEntry(opcode: number): boolean {
    if (isInteger(opcode)) return true;
    if (!isText(opcode)) return false;
    return this.#tokens.ahead(() => {
      this.#tokens.skipText(opcode);
      return this.#tokens.skipInteger(this.#tokens.opcode()) && this.#tokens.opcode() === OPCODES.setitem;
    });
  }

  /**
   * Walks the batches of entries of a dict, each between MARK and SETITEMS, and returns the opcode behind the last.
   * `entry` is given the opcode of a key and returns the one behind the value.
   */
  #batches(first: number, entry: (keyOpcode: number) => number): number {
    let opcode = first;
    while (opcode === OPCODES.mark) {
      opcode = this.#tokens.opcode();
      while (opcode !== OPCODES.setitems) opcode = entry(opcode);
      opcode = this.#tokens.opcode();
    }
    return opcode;
  }
}
