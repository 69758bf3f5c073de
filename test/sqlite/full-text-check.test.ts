import { describe, expect, it } from 'vitest';
import { checkFullText } from '../../src/sqlite/full-text-check.ts';
import { withWritable } from '../../src/sqlite/open.ts';
import { damagedFullText, databaseOf } from '../support/damage.ts';
import { FIXTURES, unpacked } from '../support/fixtures.ts';
import { bytesOf } from '../support/state.ts';

function problemsIn(dir: string): readonly string[] {
  return withWritable(databaseOf(dir), 0, checkFullText);
}

describe("FTS5's own check", () => {
  it.each(FIXTURES.map(({ name }) => name))('finds nothing in %s, and changes no byte', async (name) => {
    const dir = await unpacked(name);
    const before = bytesOf(dir);
    expect(problemsIn(dir)).toEqual([]);
    expect(bytesOf(dir)).toEqual(before);
  });

  it.each(['0.4.3', '0.5.5', '1.5.9-purge-off'])(
    'finds a document that the index does not know, in %s',
    async (name) => {
      const dir = await unpacked(name);
      damagedFullText(dir);
      expect(problemsIn(dir)).toEqual([expect.stringMatching(/^embedding_fulltext\w*: .*malformed/)]);
    },
  );
});
