/** Directories of 0.5.0 and older in which the log holds vectors that exist nowhere else, below the watermark. */
import Database from 'better-sqlite3';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { unpacked } from '../support/fixtures.ts';
import { differences } from './differences.ts';
import { copies, dump, judged, NEWEST } from './support.ts';

const FIXTURE = judged('0.5.0-readd');
const SKIPPED = FIXTURE.expected.collections.find(({ skip }) => skip === 'vectors-missing-from-index');

it(`Chroma ${NEWEST} brings lost vectors back from the log of a vacuumed directory as from an untouched one`, async () => {
  expect(FIXTURE.expected.exitCode).toBe(3);
  const { untouched, treated } = await copies(FIXTURE, 'vacuum');
  const [before, after] = [await dump(untouched, NEWEST, FIXTURE), await dump(treated, NEWEST, FIXTURE)];
  expect(before.collections.map(({ withoutEmbedding }) => withoutEmbedding)).toEqual([[], []]);
  expect(differences(before, after)).toEqual([]);
});

it(`Chroma ${NEWEST} can not bring them back when the skipped collection was pruned at its watermark`, async () => {
  const [untouched, pruned] = [await unpacked(FIXTURE.name), await unpacked(FIXTURE.name)];
  const database = new Database(join(pruned, 'chroma.sqlite3'));
  database
    .prepare('DELETE FROM embeddings_queue WHERE topic = ? AND seq_id < ?')
    .run(SKIPPED?.topic, BigInt(SKIPPED?.watermark ?? 0));
  database.close();
  const changed = differences(await dump(untouched, NEWEST, FIXTURE), await dump(pruned, NEWEST, FIXTURE));
  expect(changed).toContainEqual(expect.stringContaining('/notes: embeddings missing: '));
});
