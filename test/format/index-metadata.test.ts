import { execFile } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  parseIndexMetadata,
  readIndexMetadata,
  type IndexMetadata,
  type IndexMetadataReading,
} from '../../src/chroma/index-metadata.ts';
import {
  emptyPickle,
  garbagePickle,
  missingPickle,
  pickleCalling,
  pickleOf,
  pickleOver128MiB,
  pickleWithForbiddenClass,
  pickleWithoutMaxSeqId,
  truncatedPickle,
} from '../support/damage.ts';
import { FIXTURES, fixture, temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { savedSegments } from './segments.ts';

const run = promisify(execFile);
const NAMES = FIXTURES.map(({ name }) => name);
/** One pickle of every writer: objects of three layouts, a dict, a dict that carries a Python predecessor's values. */
const WRITERS = ['0.4.3', '0.5.5', '0.6.3-purge-off', '1.5.9-purge-off', 'chain-0.5.5-1.5.9'];

function metadataIn(reading: IndexMetadataReading): IndexMetadata {
  if (reading.kind !== 'read') throw new Error(`it is ${reading.kind}`);
  return reading.metadata;
}

async function realPickle(name: string): Promise<Buffer> {
  return readFileSync(pickleOf(await unpacked(name), 'notes'));
}

/** Runs `work` and returns what was printed meanwhile, by whatever way a library may print. */
function printedBy(work: () => void): readonly string[] {
  const printed: string[] = [];
  const real = { ...globalThis.console };
  const record = (...words: readonly unknown[]): void => void printed.push(words.join(' '));
  Object.assign(globalThis.console, { log: record, info: record, warn: record, error: record, debug: record });
  try {
    work();
  } finally {
    Object.assign(globalThis.console, real);
  }
  return printed;
}

function unicode(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x8c, Buffer.byteLength(text)]), Buffer.from(text)]);
}

/** A dict as Rust writes it, with the opcodes given for the two values that are read. */
function dictPickle(maxSeqId: readonly number[], ids: readonly number[] | Buffer = [0x7d]): Buffer {
  const head = [Buffer.from([0x80, 3, 0x7d, 0x28]), unicode('max_seq_id'), Buffer.from(maxSeqId)];
  return Buffer.concat([...head, unicode('id_to_label'), Buffer.from(ids), Buffer.from('u.')]);
}

/** What table and manifest say against what the pickle says, for every saved segment of a live collection. */
function contradictions(persistDir: string, vectorsMissing: ReadonlySet<string>): readonly string[] {
  return savedSegments(persistDir).flatMap(({ path, collection, recorded, everNamed, stored }) => {
    if (collection === null) return [];
    const { ids, maxSeqId } = metadataIn(readIndexMetadata(path));
    const position = recorded ?? maxSeqId ?? 0n;
    const strange = [...ids.keys()].filter((id) => !everNamed.has(id as string));
    const lacking = [...stored].filter(([id, at]) => at <= position && !ids.has(id) && !vectorsMissing.has(id));
    return [
      ...strange.map((id) => `${collection} never had ${String(id)}`),
      ...lacking.map(([id]) => `${collection} lacks ${id}`),
    ];
  });
}

describe('the index metadata that real Chroma wrote', () => {
  it.each(NAMES)('is read whole, and agrees with the tables, in %s', async (name) => {
    const dir = await unpacked(name);
    const saved = savedSegments(dir);
    const { chroma } = fixture(name) as unknown as { chroma: { collections: { withoutEmbedding: string[] }[] } };
    const damagedByChroma = new Set(chroma.collections.flatMap(({ withoutEmbedding }) => withoutEmbedding));
    expect(saved.length).toBeGreaterThan(1);
    expect(contradictions(dir, damagedByChroma)).toEqual([]);
    for (const { path, collection } of saved) {
      const { ids } = metadataIn(readIndexMetadata(path));
      // The deleted collection's segment had a hundred records when it was persisted.
      expect(ids.size).toBeGreaterThanOrEqual(collection === null ? 100 : 1);
      expect([...ids.keys()].every((id) => typeof id === 'string')).toBe(true);
    }
  });

  it.each(NAMES)('is an object where Python wrote it last and a dict where Rust did, in %s', async (name) => {
    const last = fixture(name).chain.at(-1) ?? '';
    const segments = savedSegments(await unpacked(name)).filter(({ collection }) => collection !== null);
    const forms = new Set(segments.map(({ path }) => metadataIn(readIndexMetadata(path)).form));
    expect([...forms]).toEqual([last.startsWith('0.') ? 'object' : 'dict']);
  });

  it.each(FIXTURES.filter(({ chain }) => chain.at(-1)?.startsWith('0.4') || chain.at(-1) === '0.5.5'))(
    'carries the watermark up to 0.5.5, as in $name',
    async ({ name, expected }) => {
      const dir = await unpacked(name);
      const { watermark } =
        expected.collections.find(({ database, name: own }) => `${database}/${own}` === 'default_database/notes') ?? {};
      const { maxSeqId } = metadataIn(readIndexMetadata(dirname(pickleOf(dir, 'notes'))));
      expect(String(maxSeqId)).toBe(watermark);
    },
  );

  it.each([
    ['0.6.3-purge-off', null],
    ['1.5.9-purge-off', null],
    // Written by 0.5.5 and never touched again by the newer versions, whose table says 1085 and 905.
    ['chain-0.5.5-0.6.3', 785n],
    ['chain-0.5.5-1.5.9', 785n],
  ])('carries no watermark from 0.5.6 on, or a stale one: %s', async (name, expected) => {
    const { maxSeqId } = metadataIn(readIndexMetadata(dirname(pickleOf(await unpacked(name), 'notes'))));
    expect(maxSeqId).toBe(expected);
  });

  it.each(WRITERS)('keeps an id called __proto__ as a key like any other: %s', async (name) => {
    const { ids } = metadataIn(parseIndexMetadata(await realPickle(name)));
    expect([ids.has('__proto__'), typeof ids.get('__proto__')]).toEqual([true, 'number']);
    expect(Object.getPrototypeOf(ids)).toBe(Map.prototype);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});

describe('damaged index metadata', () => {
  it('is absent where the file or the whole directory is', async () => {
    const dir = await unpacked('0.5.5');
    const segment = dirname(pickleOf(dir, 'notes'));
    missingPickle(dir, 'notes');
    expect(readIndexMetadata(segment)).toEqual({ kind: 'absent' });
    expect(readIndexMetadata(join(dir, 'no-such-segment'))).toEqual({ kind: 'absent' });
  });

  const damages: readonly (readonly [string, (dir: string, collection: string) => void, string])[] = [
    ['empty', emptyPickle, 'it is empty (0 bytes)'],
    ['cut in the middle', truncatedPickle, 'it is cut short'],
    ['garbage with an end mark', garbagePickle, 'it cannot be parsed: Unsupported opcode'],
    ['enormous', pickleOver128MiB, 'more than chroma-maint reads'],
  ];
  it.each(damages.flatMap((damage) => ['0.5.5', '1.5.9-purge-off'].map((name) => [name, ...damage] as const)))(
    'of %s is unreadable where it is %s, and says so',
    async (name, _, damage, detail) => {
      const dir = await unpacked(name);
      const segment = dirname(pickleOf(dir, 'notes'));
      damage(dir, 'notes');
      expect(readIndexMetadata(segment)).toMatchObject({
        kind: 'unreadable',
        detail: expect.stringContaining(detail) as string,
      });
    },
  );

  it('is unreadable where a directory stands in its place', () => {
    const segment = temporaryDirectory();
    mkdirSync(join(segment, 'index_metadata.pickle'));
    expect(readIndexMetadata(segment)).toEqual({ kind: 'unreadable', detail: 'it is not a regular file' });
  });

  it('has no watermark where the attribute is missing, and still its ids', async () => {
    const dir = await unpacked('0.5.5');
    const segment = dirname(pickleOf(dir, 'notes'));
    const before = metadataIn(readIndexMetadata(segment));
    pickleWithoutMaxSeqId(dir, 'notes');
    expect(metadataIn(readIndexMetadata(segment))).toEqual({ ...before, maxSeqId: null });
  });

  it.each(WRITERS)('is refused with anything after its end mark: %s', async (name) => {
    const dir = await unpacked(name);
    const path = pickleOf(dir, 'notes');
    const whole = readFileSync(path);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 20 }), (extra) => {
        expect(parseIndexMetadata(Buffer.concat([whole, extra]))).toEqual({
          kind: 'unreadable',
          detail: `${extra.length} bytes follow its end mark`,
        });
      }),
      { numRuns: 50 },
    );
    appendFileSync(path, '.');
    expect(readIndexMetadata(dirname(path))).toMatchObject({ kind: 'unreadable' });
  });

  it.each(WRITERS)('is never accepted when cut, at whatever length: %s', async (name) => {
    const whole = await realPickle(name);
    const accepted: number[] = [];
    for (let length = 0; length < whole.length; length += 1) {
      if (parseIndexMetadata(whole.subarray(0, length)).kind !== 'unreadable') accepted.push(length);
    }
    expect(accepted).toEqual([]);
  });

  it.each(WRITERS)('that was cut loses no id unnoticed, even where an end mark happens to follow: %s', async (name) => {
    const whole = await realPickle(name);
    const { ids, maxSeqId } = metadataIn(parseIndexMetadata(whole));
    const differing: number[] = [];
    for (let length = 0; length < whole.length; length += 1) {
      const completed = parseIndexMetadata(Buffer.concat([whole.subarray(0, length), Buffer.from('.')]));
      if (completed.kind !== 'read') continue;
      const { metadata } = completed;
      if (metadata.ids.size !== ids.size || metadata.maxSeqId !== maxSeqId) differing.push(length);
    }
    expect(differing).toEqual([]);
  });

  it.each(WRITERS)('with flipped bytes is read or unreadable, and nothing is thrown or printed: %s', async (name) => {
    const whole = await realPickle(name);
    const flips = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    const printed = printedBy(() =>
      fc.assert(
        fc.property(flips, (changes) => {
          const bytes = Buffer.from(whole);
          for (const [at, mask] of changes) bytes[at] = (bytes[at] ?? 0) ^ mask;
          expect(['read', 'unreadable']).toContain(parseIndexMetadata(bytes).kind);
        }),
        { numRuns: 1000 },
      ),
    );
    expect(printed).toEqual([]);
  });

  it('of random bytes is unreadable', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(parseIndexMetadata(bytes).kind).toBe('unreadable');
      }),
      { numRuns: 1000 },
    );
  });

  it('is unreadable where an id is not UTF-8, instead of being repaired into another id', async () => {
    const bytes = await realPickle('1.5.9-purge-off');
    bytes[bytes.indexOf('note-')] = 0xff;
    expect(parseIndexMetadata(bytes)).toMatchObject({ kind: 'unreadable' });
  });

  it('keeps a byte order mark at the start of an id', () => {
    const ids = Buffer.concat([Buffer.from('}'), unicode('\uFEFFx'), Buffer.from([0x4b, 1]), Buffer.from('s')]);
    expect([...metadataIn(parseIndexMetadata(dictPickle([0x4b, 7], ids))).ids.keys()]).toEqual(['\uFEFFx']);
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
    const detail = expect.stringContaining(`it names the class ${module}.${name}`) as string;
    const spellings = [
      pickleCalling(module, name, 'x'),
      Buffer.from(`c${module}\n${name}\n(S'x'\ntR.`),
      Buffer.from(`(S'x'\ni${module}\n${name}\n.`),
    ];
    for (const bytes of spellings) expect(parseIndexMetadata(bytes)).toEqual({ kind: 'unreadable', detail });
  });

  it.each([
    ['missing', dictPickle([0x4e], [0x4e]), 'it holds no id_to_label'],
    ['a list', dictPickle([0x4e], [0x5d]), 'it holds no id_to_label'],
  ])('is unreadable where id_to_label is %s', (_, bytes, detail) => {
    expect(parseIndexMetadata(bytes)).toEqual({ kind: 'unreadable', detail });
  });

  it('is unreadable where it is something else altogether', () => {
    const detail = 'it does not hold what Chroma writes';
    for (const bytes of ['N.', 'K\u0001.', '].']) {
      expect(parseIndexMetadata(Buffer.from(bytes))).toEqual({ kind: 'unreadable', detail });
    }
  });

  it.each([
    ['0', [0x4b, 0]],
    ['-1', [0x4a, 0xff, 0xff, 0xff, 0xff]],
    ['a negative number of five bytes', [0x8a, 5, 0xff, 0xff, 0xff, 0x7f, 0xff]],
    ['True', [0x88]],
    ['a text', [...unicode('7')]],
    ['2^60', [0x8a, 8, 0, 0, 0, 0, 0, 0, 0, 0x10]],
  ])('is unreadable where max_seq_id is %s, and nothing is printed about it', (_, opcodes) => {
    const printed = printedBy(() => {
      expect(parseIndexMetadata(dictPickle(opcodes))).toMatchObject({
        kind: 'unreadable',
        detail: expect.stringContaining('max_seq_id') as string,
      });
    });
    expect(printed).toEqual([]);
  });

  it.each([
    ['K', [0x4b, 200], 200n],
    ['M', [0x4d, 0x34, 0x12], 0x1234n],
    ['J', [0x4a, 0, 0, 1, 0], 65_536n],
    ['LONG1', [0x8a, 5, 0, 0, 0, 0, 1], 2n ** 32n],
  ])('may spell max_seq_id as %s', (_, opcodes, expected) => {
    expect(metadataIn(parseIndexMetadata(dictPickle(opcodes))).maxSeqId).toBe(expected);
  });

  it('cannot replace the methods of the map that holds its ids', () => {
    const ids = Buffer.concat([Buffer.from('('), unicode('has'), Buffer.from('Nd')]);
    const reading = parseIndexMetadata(dictPickle([0x4b, 7], ids));
    const has = reading.kind === 'read' ? reading.metadata.ids.has('x') : false;
    expect(has).toBe(false);
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
