import { describe, expect, it } from 'vitest';
import { differencesAfter, judgesOf, lossesAfter, NEWEST, ownVersion, SELECTED } from './support.ts';

const CASES = SELECTED.filter((each) => ownVersion(each) !== NEWEST && judgesOf(each).includes(ownVersion(each)));

describe.each(CASES)('the version that wrote $name', (fixture) => {
  const judge = ownVersion(fixture);

  it(`Chroma ${judge} returns the same from a vacuumed copy as from an untouched one`, async () => {
    expect(await differencesAfter('vacuum', fixture, judge)).toEqual([]);
  });

  it(`Chroma ${judge} keeps what it writes to a vacuumed copy`, async () => {
    expect(await lossesAfter('vacuum', fixture, judge)).toEqual([]);
  });
});
