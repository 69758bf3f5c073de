/** The other tests are worth something only if the same checks fail on a directory that was pruned wrongly. */
import Database from 'better-sqlite3';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DELETIONS, type ExpectedCollection, type Fixture, unpacked, unpackedDeletions } from '../support/fixtures.ts';
import { differences, nameOf } from './differences.ts';
import { add, dump, judged, lostWrites, ownVersion } from './support.ts';

const FULL_LOGS = ['0.5.5', '0.6.3-purge-off', '1.5.9-purge-off'].map(judged);
const NEWEST_ROW_IS_WATERMARK = ['0.5.5', '0.6.3-purge-off', '1.5.9-purge-on'].map(judged);

function execute(directory: string, statement: string, ...values: readonly (string | bigint | null)[]): number {
  const database = new Database(join(directory, 'chroma.sqlite3'));
  const { changes } = database.prepare(statement).run(...values);
  database.close();
  return changes;
}

function collectionIn(fixture: Fixture, wanted: (each: ExpectedCollection) => boolean): ExpectedCollection {
  const found = fixture.expected.collections.find(wanted);
  if (found === undefined) throw new Error(`fixture ${fixture.name} lost the collection this test is about`);
  return found;
}

async function lossesAfterAdding(directory: string, fixture: Fixture): Promise<string[]> {
  await add(directory, ownVersion(fixture), fixture);
  return lostWrites(directory, ownVersion(fixture), fixture);
}

describe.each(FULL_LOGS)('$name', (fixture) => {
  it('loses later writes of every persisted collection when its log has been emptied, and the check says so', async () => {
    const directory = await unpacked(fixture.name);
    execute(directory, 'DELETE FROM embeddings_queue');
    const lost = await lossesAfterAdding(directory, fixture);
    for (const each of fixture.expected.collections.filter(({ watermark }) => watermark !== null)) {
      expect(lost).toContainEqual(expect.stringContaining(`${nameOf(each)}: LOST lost-write-0000`));
    }
  });

  it('loses vectors when the log of a collection without an index is deleted, and the comparison says so', async () => {
    const [untouched, damaged] = [await unpacked(fixture.name), await unpacked(fixture.name)];
    const unsaved = collectionIn(fixture, ({ skip }) => skip === 'never-persisted');
    const deleted = execute(damaged, 'DELETE FROM embeddings_queue WHERE topic = ?', unsaved.topic);
    expect(deleted).toBe(unsaved.walRows);
    const judge = ownVersion(fixture);
    const changed = differences(await dump(untouched, judge, fixture), await dump(damaged, judge, fixture));
    expect(changed).toContainEqual(expect.stringContaining(`${nameOf(unsaved)}: embeddings missing: `));
    expect(changed.filter((line) => !line.startsWith(`${nameOf(unsaved)}: `))).toEqual([]);
  });
});

describe.each(NEWEST_ROW_IS_WATERMARK)('$name', (fixture) => {
  it('loses later writes when a prune takes the row at the watermark too, and the check says so', async () => {
    const directory = await unpacked(fixture.name);
    const newest = collectionIn(fixture, ({ watermark }) => watermark === fixture.expected.lastSeqId);
    execute(
      directory,
      'DELETE FROM embeddings_queue WHERE topic = ? AND seq_id <= ?',
      newest.topic,
      BigInt(fixture.expected.lastSeqId),
    );
    const lost = await lossesAfterAdding(directory, fixture);
    expect(lost).toContainEqual(expect.stringContaining(`${nameOf(newest)}: LOST lost-write-0000`));
  });
});

describe.each(DELETIONS.filter(({ name }) => name === 'deletions-0.6.3'))('$name', (deletions) => {
  it('finds a record no longer by its document when its full text is deleted, and the comparison says so', async () => {
    const [untouched, damaged] = [await unpackedDeletions(deletions), await unpackedDeletions(deletions)];
    const live =
      "SELECT e.id FROM embeddings AS e JOIN segments AS s ON s.id = e.segment_id WHERE e.embedding_id = 'kept-0000'";
    expect(execute(damaged, `DELETE FROM embedding_fulltext_search WHERE rowid IN (${live})`)).toBe(1);
    const judge = ownVersion(deletions);
    const changed = differences(await dump(untouched, judge, deletions), await dump(damaged, judge, deletions));
    expect(changed).toContainEqual(expect.stringContaining('/kept: no longer found by "наука": kept-0000'));
  });
});
