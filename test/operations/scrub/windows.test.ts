import { createCipheriv } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collectWindows, isSearchable, WINDOW_BYTES, windowsOf } from '../../../src/operations/scrub/windows.ts';

/** Few different bytes, so that pieces repeat and nearly match. */
const bytes = (most: number): fc.Arbitrary<Buffer> =>
  fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: most }).map((values) => Buffer.from(values));
const window = fc
  .array(fc.integer({ min: 0, max: 3 }), { minLength: WINDOW_BYTES, maxLength: WINDOW_BYTES })
  .map((values) => Buffer.from(values));

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
        for (const [owner, each] of windows.entries()) collector.add(each, owner);
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
    collector.add(same, 4);
    collector.add(same, 5);
    const windows = collector.finish();
    expect([windows.size, windows.ownerOf(0)]).toEqual([1, 4]);
  });

  it('are not found in other bytes that have the hash of one by chance', () => {
    const random = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(4_000_000));
    const collector = collectWindows();
    for (let at = 0; at < 1_600_000; at += WINDOW_BYTES) collector.add(random.subarray(at, at + WINDOW_BYTES), at);
    let found = 0;
    // 100,000 windows in 2,400,000 places: 50 of them have the hash of one.
    collector.finish().findIn(random.subarray(1_600_000), () => (found += 1));
    expect(found).toBe(0);
  });

  it('find nothing where there are none, and nothing in bytes that are too few', () => {
    const none = collectWindows().finish();
    none.findIn(Buffer.alloc(100), () => expect.unreachable());
    const collector = collectWindows();
    collector.add(Buffer.from('0123456789abcdef'), 0);
    collector.finish().findIn(Buffer.from('0123456789abcde'), () => expect.unreachable());
  });
});

describe('the windows of a text', () => {
  it('are pieces of it, from its beginning to its end', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 20, maxLength: 2_000 }), (text) => {
        const form = Buffer.from(text, 'utf8');
        for (const piece of windowsOf(form)) {
          expect(piece).toHaveLength(WINDOW_BYTES);
          expect(form.includes(piece)).toBe(true);
        }
      }),
    );
    const long = Buffer.from(Array.from({ length: 500 }, (_, at) => `word${at} `).join(''));
    const pieces = windowsOf(long);
    expect(pieces).toHaveLength(4);
    expect([pieces[0], pieces.at(-1)]).toEqual([long.subarray(0, 16), long.subarray(-16)]);
  });

  it('are none where a text says too little', () => {
    expect(['', 'short', ' '.repeat(500), 'ababababababababab'].filter(isSearchable)).toEqual([]);
    expect(isSearchable('the quick brown fox')).toBe(true);
  });

  it('pass over what says nothing', () => {
    const text = Buffer.from(`${'-'.repeat(30)}the quick brown fox`);
    expect(windowsOf(text).map((piece) => piece.toString())).toContain('-----------the q');
    expect(windowsOf(Buffer.from('-'.repeat(200)))).toEqual([]);
  });
});
