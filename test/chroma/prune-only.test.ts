import { describe, expect, it } from 'vitest';
import { differencesAfter, judged, judgesOf, lossesAfter, SELECTED } from './support.ts';

/** One of each kind of watermark: in the pickle, in the table, as an INTEGER, as a BLOB in the INTEGER column. */
const KINDS = ['0.4.14', '0.5.5', '0.6.3-purge-off', '1.5.9-purge-off', 'chain-0.6.3-1.5.9-0.6.3'].map(judged);
const CASES = KINDS.filter((each) => SELECTED.includes(each)).flatMap((fixture) =>
  judgesOf(fixture).map((judge) => ({ fixture, name: fixture.name, judge })),
);

describe.each(CASES)('$name pruned and not vacuumed', ({ fixture, judge }) => {
  it(`Chroma ${judge} returns the same from a pruned copy as from an untouched one`, async () => {
    expect(await differencesAfter('prune', fixture, judge)).toEqual([]);
  });

  it(`Chroma ${judge} keeps what it writes to a pruned copy`, async () => {
    expect(await lossesAfter('prune', fixture, judge)).toEqual([]);
  });
});
