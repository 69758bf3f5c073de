import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idsNotIndexed, readIndexMetadata } from '../../src/chroma/index-metadata.ts';
import {
  emptyPickle,
  garbagePickle,
  missingPickle,
  pickleOf,
  pickleWithoutMaxSeqId,
  truncatedPickle,
} from '../support/damage.ts';
import { FIXTURES, fixture, temporaryDirectory, unpacked } from '../support/fixtures.ts';
import {
  dictPickle,
  metadataIn,
  parseIndexMetadata,
  pickleIn,
  realPickle,
  unicode,
  WRITERS,
  type Pickle,
} from './pickles.ts';
import { savedSegments } from './segments.ts';

const NAMES = FIXTURES.map(({ name }) => name);
function pickleOfSegment(path: string): Pickle {
  return pickleIn(readFileSync(join(path, 'index_metadata.pickle')));
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

/** What table and manifest say against what the pickle says, for every saved segment of a live collection. */
function contradictions(persistDir: string, vectorsMissing: ReadonlySet<string>): readonly string[] {
  return savedSegments(persistDir).flatMap(({ path, collection, recorded, everNamed, stored }) => {
    if (collection === null) return [];
    const { ids, maxSeqId } = pickleOfSegment(path);
    const position = recorded ?? maxSeqId ?? 0n;
    const strange = [...ids].filter((id) => !everNamed.has(id));
    const lacking = [...stored].filter(([id, at]) => at <= position && !ids.has(id) && !vectorsMissing.has(id));
    return [
      ...strange.map((id) => `${collection} never had ${id}`),
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
      const { records } = metadataIn(readIndexMetadata(path));
      // The deleted collection's segment had a hundred records when it was persisted.
      expect(records).toBeGreaterThanOrEqual(collection === null ? 100 : 1);
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
    expect(pickleIn(await realPickle(name)).ids.has('__proto__')).toBe(true);
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
    ['garbage with an end mark', garbagePickle, 'it cannot be parsed: byte 0 is 0x'],
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
          detail: `it cannot be parsed: ${extra.length} bytes follow its end mark`,
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
    const { ids, maxSeqId } = pickleIn(whole);
    const differing: number[] = [];
    for (let length = 0; length < whole.length; length += 1) {
      const completed = parseIndexMetadata(Buffer.concat([whole.subarray(0, length), Buffer.from('.')]));
      if (completed.kind !== 'read') continue;
      const { metadata } = completed;
      if (metadata.records !== ids.size || metadata.maxSeqId !== maxSeqId) differing.push(length);
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
    expect([...pickleIn(dictPickle([0x4b, 7], ids)).ids]).toEqual(['\uFEFFx']);
  });
});

describe('the ids that an index lacks', () => {
  it.each(WRITERS)('are those that its pickle does not name: %s', async (name) => {
    const dir = await unpacked(name);
    const segment = dirname(pickleOf(dir, 'notes'));
    const { ids } = pickleOfSegment(segment);
    expect(idsNotIndexed(segment, ids)).toEqual(new Set());
    const strangers = [...ids].map((id) => `${id} `);
    expect(idsNotIndexed(segment, new Set([...ids, ...strangers]))).toEqual(new Set(strangers));
  });

  it('are all of them where the pickle is missing or cut short', async () => {
    const dir = await unpacked('0.5.5');
    const segment = dirname(pickleOf(dir, 'notes'));
    const { ids } = pickleOfSegment(segment);
    truncatedPickle(dir, 'notes');
    expect(idsNotIndexed(segment, ids)).toEqual(ids);
    missingPickle(dir, 'notes');
    expect(idsNotIndexed(segment, ids)).toEqual(ids);
  });
});
