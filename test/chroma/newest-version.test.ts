import { describe, expect, it } from 'vitest';
import {
  copies,
  differencesAfter,
  judgesOf,
  lossesAfter,
  NEWEST,
  refusal,
  SELECTED,
  takesDocuments,
} from './support.ts';

const OPENED = SELECTED.filter((each) => judgesOf(each).includes(NEWEST));
const REFUSED = SELECTED.filter((each) => !each.judges.includes(NEWEST));

describe.each(OPENED)('the newest version on $name', (fixture) => {
  const written = takesDocuments(fixture, NEWEST)
    ? 'what it writes'
    : 'records without documents (it refuses documents there, pruned or not)';

  it(`Chroma ${NEWEST} returns the same from a vacuumed copy as from an untouched one`, async () => {
    expect(await differencesAfter('vacuum', fixture, NEWEST)).toEqual([]);
  });

  it(`Chroma ${NEWEST} keeps ${written} to a vacuumed copy`, async () => {
    expect(await lossesAfter('vacuum', fixture, NEWEST)).toEqual([]);
  });
});

it.each(REFUSED)(`Chroma ${NEWEST} refuses $name for the same reason after a vacuum as before`, async (fixture) => {
  const { untouched, treated } = await copies(fixture, 'vacuum');
  const reason = await refusal(untouched, NEWEST, fixture);
  expect(reason).toMatch(/Inconsistent hash|not compatible with SQL type/);
  expect(await refusal(treated, NEWEST, fixture)).toBe(reason);
});
