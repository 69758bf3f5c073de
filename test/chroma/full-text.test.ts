/** The full-text index made anew: real Chroma finds by it what it finds in an undamaged copy, and writes to it. */
import { describe, expect, it } from 'vitest';
import { unpacked } from '../support/fixtures.ts';
import { damagedFullTextPage, droppedFullText } from '../support/full-text-damage.ts';
import { withDatabase } from '../support/state.ts';
import { differences, type Dump } from './differences.ts';
import { printed } from './processes.ts';
import { add, dump, judged, judgesOf, lossesIn, lostWrites, NEWEST, ownVersion, SELECTED } from './support.ts';

const WORDS = ['meadow', 'Document 1', 'наука, 科学', 'ocument 20'];
/** One of each kind: a table without trigrams, with them, before and after Rust. */
const NAMES = ['0.4.3', '0.4.24', '0.6.3-purge-off', '1.5.9-purge-off'];
const CASES = SELECTED.filter((each) => NAMES.includes(each.name) && judgesOf(each).includes(ownVersion(each)));

const DAMAGES: readonly (readonly [string, (dir: string) => void])[] = [
  ['was dropped', droppedFullText],
  ['has a damaged page', (dir) => damagedFullTextPage(dir, 'data')],
];

function rebuild(dir: string): Promise<string> {
  return printed(['fts', 'rebuild', dir, '--yes', '--json']);
}

describe.each(CASES)('the full-text index of $name, where it', (fixture) => {
  const [judge, asked] = [ownVersion(fixture), { ...fixture, words: WORDS }];

  it.each(DAMAGES)(`%s and is made anew, is as good to Chroma ${judge} as an undamaged one`, async (_, damage) => {
    const [untouched, treated] = [await unpacked(fixture.name), await unpacked(fixture.name)];
    damage(treated);
    await rebuild(treated);
    const before = await dump(untouched, judge, asked);
    for (const word of WORDS) expect(hitsOf(before, word), word).not.toEqual([]);
    expect(differences(before, await dump(treated, judge, asked))).toEqual([]);
    expect(await lossesIn({ untouched, treated }, asked, judge)).toEqual([]);
  });
});

/** Migration metadb/3 of 0.4.6 fills the new table with the row numbers of another table. */
describe('a directory of 0.4.3 that Chroma 0.6.3 has opened', () => {
  const asked = { ...judged('0.4.3'), words: WORDS };

  it(`finds what it should, and takes documents from Chroma ${NEWEST}, once its index is made anew`, async () => {
    const [untouched, treated] = [await unpacked('0.4.3'), await unpacked('0.4.3')];
    for (const dir of [untouched, treated]) {
      expect(hitsOf(await dump(dir, '0.6.3', asked), 'meadow')).not.toEqual(documentsWith(dir, 'meadow'));
    }
    await rebuild(treated);
    const after = await dump(treated, '0.6.3', asked);
    for (const word of WORDS) expect(hitsOf(after, word), word).toEqual(documentsWith(treated, word));

    expect(await add(untouched, NEWEST, asked, true)).not.toEqual([]);
    expect(await add(treated, NEWEST, asked, true)).toEqual([]);
    expect(await lostWrites(treated, NEWEST, asked)).toEqual([]);
    // What Chroma had refused is in its log, and is taken from there.
    await rebuild(untouched);
    expect(await lostWrites(untouched, NEWEST, asked)).toEqual([]);
  });
});

function hitsOf({ collections }: Dump, word: string): readonly string[] {
  return collections
    .flatMap(({ name, fullText }) =>
      (fullText?.find(({ contains }) => contains === word)?.ids ?? []).map((id) => `${name} ${id}`),
    )
    .toSorted();
}

/** The records whose document has the word, read from the documents. */
function documentsWith(dir: string, word: string): readonly string[] {
  const sql = `
    SELECT c.name || ' ' || e.embedding_id FROM collections AS c
    JOIN segments AS s ON s.collection = c.id JOIN embeddings AS e ON e.segment_id = s.id
    JOIN embedding_metadata AS m ON m.id = e.id AND m.key = 'chroma:document'
    WHERE instr(m.string_value, ?) > 0`;
  return withDatabase(dir, (db) => db.prepare<[string], string>(sql).pluck().all(word)).toSorted();
}
