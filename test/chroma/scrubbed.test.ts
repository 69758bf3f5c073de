/**
 * Scrubbing takes nothing away that Chroma still answers with, the full-text index included, and Chroma goes on with it.
 */
import { describe, expect, it } from 'vitest';
import { differencesAfter, judgesOf, lossesAfter, ownVersion, SELECTED } from './support.ts';

const CASES = SELECTED.filter((each) => judgesOf(each).includes(ownVersion(each)));

describe.each(CASES)('$name, scrubbed, to the version that wrote it', (fixture) => {
  const judge = ownVersion(fixture);

  it('says the same as an untouched copy', async () => {
    expect(await differencesAfter('scrub', fixture, judge)).toEqual([]);
  });

  it('keeps what is written to it afterwards', async () => {
    expect(await lossesAfter('scrub', fixture, judge)).toEqual([]);
  });
});
