import { describe, expect, it } from 'vitest';
import { differencesAfter, judgesOf, lossesAfter, ownVersion, SELECTED } from './support.ts';

const CASES = SELECTED.filter((each) => judgesOf(each).includes(ownVersion(each)));

describe.each(CASES)('$name backed up, vacuumed and restored', (fixture) => {
  const judge = ownVersion(fixture);

  it(`Chroma ${judge} returns the same from it as from an untouched copy`, async () => {
    expect(await differencesAfter('restore', fixture, judge)).toEqual([]);
  });

  it(`Chroma ${judge} keeps what it writes to it`, async () => {
    expect(await lossesAfter('restore', fixture, judge)).toEqual([]);
  });
});
