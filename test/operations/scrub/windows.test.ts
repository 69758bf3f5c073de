import { createCipheriv } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HIGHEST_RANK, PIECE_BYTES, piecesOf, type Piece } from '../../../src/operations/scrub/pieces.ts';
import { collectWindows, type Windows } from '../../../src/operations/scrub/windows.ts';

/** Few different bytes, so that pieces repeat and nearly match. */
const bytes = (most: number): fc.Arbitrary<Buffer> =>
  fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: most }).map((values) => Buffer.from(values));
const window = fc
  .array(fc.integer({ min: 0, max: 3 }), { minLength: PIECE_BYTES, maxLength: PIECE_BYTES })
  .map((values) => Buffer.from(values));

/** One that is never left out. */
function kept(bytes_: Buffer): Piece {
  return { bytes: bytes_, rank: HIGHEST_RANK };
}

function placesOf(window_: Buffer, text: Buffer): number {
  let places = 0;
  for (let at = text.indexOf(window_); at !== -1; at = text.indexOf(window_, at + 1)) places += 1;
  return places;
}

describe('windows', () => {
  it('are found wherever they stand, and nowhere else', () => {
    const sought = fc.uniqueArray(window, { minLength: 1, maxLength: 30, selector: (each) => each.toString('hex') });
    fc.assert(
      fc.property(sought, bytes(200), fc.array(fc.nat(29), { maxLength: 5 }), (windows, noise, inserted) => {
        const collector = collectWindows();
        for (const [owner, each] of windows.entries()) collector.add(kept(each), owner);
        const text = Buffer.concat([noise, ...inserted.map((at) => windows[at % windows.length] ?? noise), noise]);
        const found = new Map<number, number>();
        const all = collector.finish();
        all.findIn(text, (each) => found.set(all.ownerOf(each), (found.get(all.ownerOf(each)) ?? 0) + 1));
        const expected = windows.map((each, owner) => [owner, placesOf(each, text)] as const);
        expect(new Map([...found].toSorted(([a], [b]) => a - b))).toEqual(
          new Map(expected.filter(([, places]) => places > 0)),
        );
      }),
    );
  });

  it('that come twice belong to the text that came first', () => {
    const collector = collectWindows();
    const same = Buffer.from('0123456789abcdef');
    collector.add(kept(same), 4);
    collector.add(kept(same), 5);
    const windows = collector.finish();
    expect([windows.size, windows.ownerOf(0)]).toEqual([1, 4]);
  });

  it('are not found in other bytes that have the hash of one by chance', () => {
    const random = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(4_000_000));
    const collector = collectWindows();
    for (let at = 0; at < 1_600_000; at += PIECE_BYTES) collector.add(kept(random.subarray(at, at + PIECE_BYTES)), at);
    let found = 0;
    // 100,000 windows in 2,400,000 places: 50 of them have the hash of one.
    collector.finish().findIn(random.subarray(1_600_000), () => (found += 1));
    expect(found).toBe(0);
  });

  it('find nothing where there are none, and nothing in bytes that are too few', () => {
    const none = collectWindows().finish();
    none.findIn(Buffer.alloc(100), () => expect.unreachable());
    const collector = collectWindows();
    collector.add(kept(Buffer.from('0123456789abcdef')), 0);
    collector.finish().findIn(Buffer.from('0123456789abcde'), () => expect.unreachable());
  });
});

/** A text whose pieces are all different, and different from those of other texts. */
function longText(number: number, bytes_: number): Buffer {
  const words = Array.from({ length: Math.ceil(bytes_ / 4) }, (_, at) => `<${number}:${at * 7919}>`);
  return Buffer.from(words.join(' ')).subarray(0, bytes_);
}

function collected(texts: readonly Buffer[], most: number): Windows {
  const collector = collectWindows(most);
  for (const [owner, text] of texts.entries()) for (const piece of piecesOf(text)) collector.add(piece, owner);
  return collector.finish();
}

function ownersIn(windows: Windows, bytes_: Buffer): readonly number[] {
  const owners = new Set<number>();
  windows.findIn(bytes_, (window_) => owners.add(windows.ownerOf(window_)));
  return [...owners];
}

describe('more pieces than there is room for', () => {
  const texts = Array.from({ length: 20 }, (_, number) => longText(number, 1_600));

  it('are left out of all texts alike, and it is told how far apart the others stand', () => {
    expect(collected(texts, 2 ** 12)).toMatchObject({ size: 2_000, step: 16 });
    const thinned = collected(texts, 400);
    expect(thinned.size).toBeLessThanOrEqual(400);
    expect(thinned.step).toBe(128);
    for (const [owner, text] of texts.entries()) {
      expect(ownersIn(thinned, text)).toEqual([owner]);
      expect(ownersIn(thinned, text.subarray(400, 400 + thinned.step + PIECE_BYTES))).toEqual([owner]);
    }
  });

  it('leave the first and the last one of each', () => {
    const thinned = collected(texts, 40);
    expect(thinned.size).toBe(40);
    for (const [owner, text] of texts.entries()) {
      expect(ownersIn(thinned, text.subarray(0, PIECE_BYTES))).toEqual([owner]);
      expect(ownersIn(thinned, text.subarray(-PIECE_BYTES))).toEqual([owner]);
    }
  });
});
