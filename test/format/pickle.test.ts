import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { inflateSync } from 'node:zlib';
import * as fc from 'fast-check';
import { Parser } from 'pickleparser';
import { describe, expect, it } from 'vitest';
import { readIndexMetadata } from '../../src/chroma/index-metadata.ts';
import { pickleCalling, pickleOf, pickleWithForbiddenClass } from '../support/damage.ts';
import { temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { dictPickle, metadataIn, parseIndexMetadata, pickleIn, realPickle, unicode, WRITERS } from './pickles.ts';

const run = promisify(execFile);

interface CPythonPickle {
  readonly name: string;
  readonly ids: readonly string[];
  readonly maxSeqId: string | null;
  readonly bytes: Buffer;
}

function inflated(text: string): Buffer {
  return inflateSync(Buffer.from(text, 'base64'));
}

/** Written by fixtures/pickles.py. */
function cpythonPickles(): readonly CPythonPickle[] {
  const path = new URL('../../fixtures/pickles.json', import.meta.url);
  const stored = JSON.parse(readFileSync(path, 'utf8')) as {
    name: string;
    ids: string;
    maxSeqId: string;
    pickle: string;
  }[];
  return stored.map(({ name, ids, maxSeqId, pickle }) => ({
    name,
    ids: JSON.parse(inflated(ids).toString()) as string[],
    maxSeqId,
    bytes: inflated(pickle),
  }));
}

/** What pickleparser reads of the same bytes: another reader, which knows every opcode there is. */
function oracle(bytes: Buffer): { maxSeqId: unknown; ids: ReadonlySet<unknown> } {
  class Holder {
    state = new Map<string, unknown>();
    __setstate__(state: Map<string, unknown>): void {
      this.state = state;
    }
  }
  const parser = new Parser({ nameResolver: { resolve: () => Holder }, unpicklingTypeOfDictionary: 'Map' });
  const parsed = parser.parse<Holder | Map<string, unknown>>(bytes);
  const state = parsed instanceof Holder ? parsed.state : parsed;
  const maxSeqId = (state.get('max_seq_id') ?? null) as number | null;
  return {
    maxSeqId: maxSeqId === null ? null : String(maxSeqId),
    ids: new Set((state.get('id_to_label') as Map<unknown, unknown>).keys()),
  };
}

function intKeys(): Buffer {
  return Buffer.concat([Buffer.from([0x7d, 0x28, 0x4b, 1]), unicode('a'), Buffer.from('u')]);
}

function twice(attribute: string): Buffer {
  const entry = Buffer.concat([unicode(attribute), Buffer.from([0x7d])]);
  return Buffer.concat([Buffer.from([0x80, 3, 0x7d, 0x28]), entry, entry, Buffer.from('u.')]);
}

/** An id under slot 2, then the string of another slot as a second id. */
function memoised(slot: number): Buffer {
  return Buffer.concat([
    Buffer.from([0x80, 4, 0x7d, 0x94, 0x28]),
    unicode('id_to_label'),
    Buffer.from([0x7d, 0x94, 0x28]),
    unicode('a'),
    Buffer.from([0x94, 0x4b, 1, 0x68, slot, 0x4b, 2]),
    Buffer.from('uu.'),
  ]);
}

describe('a pickle of CPython', () => {
  const pickles = cpythonPickles().map((each) => [each.name, each] as const);

  it.each(pickles)('is read whole: %s', (_, { bytes, ids, maxSeqId }) => {
    const read = pickleIn(bytes);
    expect([...read.ids]).toEqual(ids);
    expect(read.maxSeqId).toBe(maxSeqId === null ? null : BigInt(maxSeqId));
  });

  it.each(pickles.filter(([, { bytes }]) => bytes.length < 1000))('is never accepted when cut: %s', (_, { bytes }) => {
    for (let length = 0; length < bytes.length; length += 1) {
      expect(parseIndexMetadata(bytes.subarray(0, length)).kind).toBe('unreadable');
      expect(parseIndexMetadata(Buffer.concat([bytes.subarray(0, length), Buffer.from('.')])).kind).toBe(
        length === bytes.length - 1 ? 'read' : 'unreadable',
      );
    }
  });

  it.each(pickles)('is read alike where the system gives three bytes at a time: %s', (_, { bytes }) => {
    const [whole, dripping] = [new Array<string>(), new Array<string>()];
    expect(parseIndexMetadata(bytes, dripping, 3)).toEqual(parseIndexMetadata(bytes, whole));
    expect(dripping).toEqual(whole);
  });
});

describe('against pickleparser', () => {
  it.each(WRITERS)('the same is read of what Chroma wrote: %s', async (name) => {
    const bytes = await realPickle(name);
    const { maxSeqId, ids } = pickleIn(bytes);
    expect({ maxSeqId: maxSeqId?.toString() ?? null, ids }).toEqual(oracle(bytes));
  });

  it.each(WRITERS)('what is still accepted after damage is read the same, or refused: %s', async (name) => {
    const whole = await realPickle(name);
    const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 });
    const cuts = fc.tuple(fc.nat(whole.length), fc.nat(40), fc.uint8Array({ maxLength: 8 }));
    fc.assert(
      fc.property(changes, fc.option(cuts), (bytesAt, cut) => {
        const bytes = Buffer.from(whole);
        for (const [at, byte] of bytesAt) bytes[at] = byte;
        const mutated =
          cut === null ? bytes : Buffer.concat([bytes.subarray(0, cut[0]), cut[2], bytes.subarray(cut[0] + cut[1])]);
        const reading = parseIndexMetadata(mutated);
        if (reading.kind !== 'read') return;
        // The oracle takes integers of eight bytes for unsigned and loses digits above 2^53; both are left out.
        if ((reading.metadata.maxSeqId ?? 0n) > 2n ** 53n) return;
        const { maxSeqId, ids } = oracle(mutated);
        const own: string[] = [];
        parseIndexMetadata(mutated, own);
        expect(new Set(own)).toEqual(ids);
        expect(reading.metadata.maxSeqId?.toString() ?? null).toBe(maxSeqId);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a hostile pickle', () => {
  it('never runs what it names, and is unreadable', async () => {
    const dir = await unpacked('0.5.5');
    const witness = join(temporaryDirectory(), 'it-ran');
    pickleWithForbiddenClass(dir, 'notes', witness);
    expect(readIndexMetadata(dirname(pickleOf(dir, 'notes')))).toEqual({
      kind: 'unreadable',
      detail: 'it cannot be parsed: it names the class posix.system, which Chroma never writes',
    });
    expect(existsSync(witness)).toBe(false);
  });

  it.each([
    ['builtins', 'eval'],
    ['os', 'system'],
    ['constructor', 'constructor'],
    ['chromadb.segment.impl.vector.local_persistent_hnsw', 'PersistentLocalHnswSegment'],
    ['chromadb', 'PersistentData'],
  ])('is refused for the class %s.%s, in every spelling', (module, name) => {
    const detail = `it cannot be parsed: it names the class ${module}.${name}, which Chroma never writes`;
    expect(parseIndexMetadata(pickleCalling(module, name, 'x'))).toEqual({ kind: 'unreadable', detail });
    for (const older of [`c${module}\n${name}\n(S'x'\ntR.`, `(S'x'\ni${module}\n${name}\n.`]) {
      const bytes = Buffer.concat([Buffer.from([0x80, 4]), Buffer.from(older)]);
      expect(parseIndexMetadata(bytes).kind).toBe('unreadable');
    }
  });

  it.each([
    ['None', dictPickle([0x4e], [0x4e]), 'it holds no id_to_label'],
    ['a list', dictPickle([0x4e], [0x5d]), 'byte 30 is 0x5d, where Chroma writes an integer, a string or None'],
    ['of integers', dictPickle([0x4e], intKeys()), 'an id in id_to_label is not a string'],
    ['there twice', twice('id_to_label'), 'it holds id_to_label twice'],
  ])('is unreadable where id_to_label is %s', (_, bytes, detail) => {
    expect(parseIndexMetadata(bytes)).toEqual({
      kind: 'unreadable',
      detail: expect.stringContaining(detail) as string,
    });
  });

  it('is unreadable where it is something else altogether', () => {
    for (const text of ['N.', 'K\u0001.', '].', '}.', '}u.', '(.']) {
      const bytes = Buffer.concat([Buffer.from([0x80, 4]), Buffer.from(text)]);
      expect(parseIndexMetadata(bytes).kind).toBe('unreadable');
    }
  });

  it.each([
    ['0', [0x4b, 0], 'its max_seq_id is the value 0'],
    ['-1', [0x4a, 0xff, 0xff, 0xff, 0xff], 'its max_seq_id is the value -1'],
    [
      'a negative number of five bytes',
      [0x8a, 5, 0xff, 0xff, 0xff, 0x7f, 0xff],
      'its max_seq_id is the value -2147483649',
    ],
    ['2^63', [0x8a, 9, 0, 0, 0, 0, 0, 0, 0, 0x80, 0], 'more than SQLite can count to'],
    ['an integer of 10 bytes', [0x8a, 10, ...Buffer.alloc(10)], 'it holds an integer of 10 bytes'],
    ['True', [0x88], 'is 0x88, where Chroma writes'],
    ['a text', [...unicode('7')], 'its max_seq_id is a TEXT'],
    ['a dict', [0x7d], 'its max_seq_id is a dict'],
  ])('is unreadable where max_seq_id is %s', (_, opcodes, detail) => {
    expect(parseIndexMetadata(dictPickle(opcodes))).toEqual({
      kind: 'unreadable',
      detail: expect.stringContaining(detail) as string,
    });
  });

  it.each([
    ['K', [0x4b, 200], 200n],
    ['M', [0x4d, 0x34, 0x12], 0x1234n],
    ['J', [0x4a, 0, 0, 1, 0], 65_536n],
    ['LONG1', [0x8a, 5, 0, 0, 0, 0, 1], 2n ** 32n],
    ['LONG1 of 60 bits', [0x8a, 8, 0, 0, 0, 0, 0, 0, 0, 0x10], 2n ** 60n],
  ])('may spell max_seq_id as %s', (_, opcodes, expected) => {
    expect(metadataIn(parseIndexMetadata(dictPickle(opcodes))).maxSeqId).toBe(expected);
  });

  it('is unreadable where it refers to what was never memoised, or is no string', () => {
    expect(parseIndexMetadata(memoised(2)).kind).toBe('read');
    for (const slot of [0, 1, 3, 255]) {
      expect(parseIndexMetadata(memoised(slot))).toEqual({
        kind: 'unreadable',
        detail: `it cannot be parsed: it refers to slot ${slot}, which holds no string`,
      });
    }
  });

  it('ends the parser, not the program, where a length is negative', async () => {
    const folder = temporaryDirectory();
    // BINBYTES -5: its bytes "end" where its own opcode begins, so a reader that steps back reads it for ever.
    writeFileSync(join(folder, 'index_metadata.pickle'), Buffer.from('8004 42fbffffff 2e'.replaceAll(' ', ''), 'hex'));
    const module = fileURLToPath(new URL('../../dist/chroma/index-metadata.js', import.meta.url));
    const script = `import(${JSON.stringify(module)}).then((m) => console.log(m.readIndexMetadata(process.argv[1]).kind))`;
    const child = run(process.execPath, ['--max-old-space-size=64', '-e', script, folder], { timeout: 30_000 });
    const { stdout } = await child.catch((error: { stdout?: string }) => ({
      stdout: `it died: ${error.stdout ?? ''}`,
    }));
    expect(stdout.trim()).toBe('unreadable');
  });
});
