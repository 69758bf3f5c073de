/** Which texts a scrub looks for, and how it counts them. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { locatePersistDir } from '../../../src/chroma/persist-dir.ts';
import { readSought, type Sought } from '../../../src/operations/scrub/sought.ts';
import { withReadOnly } from '../../../src/sqlite/open.ts';
import { missingPosition } from '../../support/damage.ts';
import { unpacked } from '../../support/fixtures.ts';
import { inFullTextTable, inLeftRecord } from '../../support/scrub.ts';
import { withDatabase } from '../../support/state.ts';
import { appendRows } from '../../support/wal.ts';

const TOPIC = `persistent://default/default/${randomUUID()}`;

function soughtIn(dir: string, phrases: readonly string[] = []): Sought {
  const place = locatePersistDir(dir);
  return withReadOnly(place.databasePath, 0, (db) => readSought(db, place, phrases));
}

function metadataWith(text: string): string {
  return JSON.stringify({ 'chroma:document': text });
}

/** A row of no collection, and one that is the last. */
function deletedRow(metadata: object): Parameters<typeof appendRows>[1] {
  return [
    { topic: TOPIC, id: 'gone', metadata: JSON.stringify(metadata) },
    { id: 'last', operation: 3n },
  ];
}

/** By how much the texts that are sought, and those that are too short for it, grow with `work`. */
function grown(dir: string, work: () => unknown): readonly [texts: number, tooShort: number] {
  const before = soughtIn(dir);
  work();
  const after = soughtIn(dir);
  return [after.counts.texts - before.counts.texts, after.short.size - before.short.size];
}

describe('a row that the metadata segment has not read yet', () => {
  it.each([
    ['a recorded position', () => undefined],
    ['none', (dir: string) => missingPosition(dir, 'drafts', 'METADATA')],
  ])('has a text that lives until another row deletes its record, with %s', async (_, spoil) => {
    const dir = await unpacked('0.5.5');
    spoil(dir);
    const metadata = metadataWith('a text that is still on its way');
    expect(grown(dir, () => appendRows(dir, [{ id: 'pending', metadata }]))).toEqual([0, 0]);
    expect(grown(dir, () => appendRows(dir, [{ id: 'pending', operation: 3n }]))).toEqual([1, 0]);
  });
});

describe('a deleted text', () => {
  it('is counted once, however many rows have it', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const text = 'the same text in several places';
    const row = { topic: TOPIC, id: 'gone', metadata: metadataWith(text) };
    expect(grown(dir, () => appendRows(dir, [row, row, { id: 'last', operation: 3n }]))).toEqual([1, 0]);
    expect(grown(dir, () => inLeftRecord(dir, text))).toEqual([0, 0]);
  });

  it('is sought with its key where it is short, and is too short where that says too little as well', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    expect(grown(dir, () => appendRows(dir, deletedRow({ 'chroma:document': 'short' })))).toEqual([1, 0]);
    expect(grown(dir, () => appendRows(dir, deletedRow({ email: 'a@b.example' })))).toEqual([1, 0]);
    expect(grown(dir, () => appendRows(dir, deletedRow({ k: 'v', empty: '', number: 1 })))).toEqual([0, 1]);
    expect(grown(dir, () => inLeftRecord(dir, 'brief'))).toEqual([1, 0]);
  });

  it('may be any value of a record that has another one now, or one of a list', async () => {
    const dir = await unpacked('1.5.9-purge-off');
    const metadata = {
      title: 'the title of a record that is gone',
      tags: ['a tag that is long enough', 'and another one'],
    };
    const row = { topic: TOPIC, id: 'gone', metadata: JSON.stringify(metadata) };
    expect(grown(dir, () => appendRows(dir, [row, { id: 'last', operation: 3n }]))).toEqual([3, 0]);
  });

  it('may stand in the full-text table alone', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    expect(grown(dir, () => inFullTextTable(dir, 'what only the full-text table still has'))).toEqual([1, 0]);
  });

  it('is not sought beyond the first quarter of a million: the rows with others are counted', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const { counts } = soughtIn(dir);
    withDatabase(dir, (db) => {
      db.prepare(
        `WITH RECURSIVE counter(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < 250005)
         INSERT INTO embeddings_queue (operation, topic, id, metadata)
         SELECT 0, ?, 'gone-' || n, '{"chroma:document": "the document with number ' || n || '"}' FROM counter`,
      ).run(TOPIC);
    });
    const { counts: after } = soughtIn(dir);
    expect(after.texts).toBe(250_000);
    expect(after.rowsBeyond).toBeGreaterThanOrEqual(5 + counts.texts);
  });
});

it('texts have numbers behind those of the phrases', async () => {
  const phrases = ['the first phrase is here', 'the second phrase is here'];
  const { windows, counts } = soughtIn(await unpacked('0.6.3-purge-off'), phrases);
  const owners = new Set(Array.from({ length: windows.size }, (_, window) => windows.ownerOf(window)));
  expect(Math.max(...owners)).toBeLessThan(phrases.length + counts.texts);
  const found = new Set<number>();
  for (const phrase of phrases) windows.findIn(Buffer.from(phrase), (window) => found.add(windows.ownerOf(window)));
  expect([...found]).toEqual([0, 1]);
  const others = soughtIn(await unpacked('0.6.3-purge-off'));
  expect(owners.size - phrases.length).toBe(
    new Set(Array.from({ length: others.windows.size }, (_, window) => others.windows.ownerOf(window))).size,
  );
});
