/**
 * Which rows of the queue belong to a collection, and which of its segments must have them.
 */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PrunePlan } from '../../src/chroma/prune-plan.ts';
import { agreed } from '../support/agreed.ts';
import { orphanTopic, vectorSegmentOf } from '../support/damage.ts';
import { unpacked } from '../support/fixtures.ts';
import { run } from '../support/run.ts';
import { withDatabase } from '../support/state.ts';

type Step = PrunePlan['steps'][number];

async function planOf(dir: string): Promise<PrunePlan> {
  return (await agreed(dir)).agreed.prune;
}

/** The steps of a plan by how far they reach, the shortest first; never none. */
async function stepsOf(dir: string): Promise<readonly [Step, ...Step[]]> {
  const [first, ...others] = (await planOf(dir)).steps.toSorted((a, b) => Number(a.below - b.below));
  if (first === undefined) throw new Error(`there is nothing to prune in ${dir}`);
  return [first, ...others];
}

function skipOf({ steps, skipped }: PrunePlan, id: string): string | undefined {
  expect(steps.map(({ collectionId }) => collectionId)).not.toContain(id);
  return skipped.find(({ collectionId }) => collectionId === id)?.reason;
}

describe('the rows of a deleted collection', () => {
  it('stay where they are, though nobody needs them', async () => {
    const dir = await unpacked('0.5.5');
    const [{ collectionId }] = await stepsOf(dir);
    orphanTopic(dir, collectionId);
    const orphans = (): readonly unknown[] =>
      withDatabase(dir, (db) =>
        db.prepare("SELECT * FROM embeddings_queue WHERE topic LIKE '%/' || ? ORDER BY seq_id").all(collectionId),
      );
    const before = orphans();
    expect(before.length).toBeGreaterThan(0);
    expect((await run(['prune', dir, '--yes', '--skip-index-check'])).exitCode).toBe(0);
    expect(orphans()).toEqual(before);
  });
});

describe('a topic that is stored with its collection, as up to 0.4.24,', () => {
  it('is believed, whatever it ends in', async () => {
    const dir = await unpacked('0.4.14');
    const rowsPlanned = async (): Promise<unknown> =>
      (await stepsOf(dir)).map(({ collectionId, rows }) => [collectionId, rows]);
    const before = await rowsPlanned();
    withDatabase(dir, (db) => {
      for (const table of ['collections', 'segments', 'embeddings_queue'])
        db.exec(`UPDATE ${table} SET topic = topic || '-renamed'`);
    });
    expect(await rowsPlanned()).toEqual(before);
  });

  it('is left alone where two collections claim it', async () => {
    const dir = await unpacked('0.4.14');
    const [{ collectionId }] = await stepsOf(dir);
    withDatabase(dir, (db) => {
      db.prepare('CREATE TEMP TABLE twin AS SELECT * FROM collections WHERE id = ?').run(collectionId);
      db.exec("UPDATE twin SET id = 'aaaaaaaa-0000-0000-0000-000000000000', name = 'twin'");
      db.exec('INSERT INTO collections SELECT * FROM twin');
    });
    expect(skipOf(await planOf(dir), collectionId)).toBe('ambiguous-topic');
  });

  it('is left alone where the segments of the collection stand under another', async () => {
    const dir = await unpacked('0.4.14');
    const [{ collectionId, topic }] = await stepsOf(dir);
    const values = { topic, id: collectionId, other: `persistent://acme/search/${collectionId}` };
    withDatabase(dir, (db) => {
      db.prepare('UPDATE embeddings_queue SET topic = @other WHERE topic = @topic AND seq_id % 2 = 0').run(values);
      db.prepare('UPDATE segments SET topic = @other, collection = @id WHERE topic = @topic').run(values);
    });
    expect(skipOf(await planOf(dir), collectionId)).toBe('ambiguous-topic');
  });
});

describe('a collection with a second vector segment', () => {
  it('is left alone where that one lacks what is to go, though the first has it', async () => {
    const dir = await unpacked('0.5.5');
    const steps = await stepsOf(dir);
    const [other, { collectionId }] = [steps[0], steps.at(-1) ?? steps[0]];
    expect(collectionId).not.toBe(other.collectionId);
    const second = '99999999-0000-0000-0000-000000000000';
    cpSync(join(dir, vectorSegmentOf(dir, other.collectionId)), join(dir, second), { recursive: true });
    withDatabase(dir, (db) =>
      db
        .prepare(
          `INSERT INTO segments (id, type, scope, collection)
           SELECT ?, type, scope, collection FROM segments WHERE id = ?`,
        )
        .run(second, vectorSegmentOf(dir, collectionId)),
    );
    expect(skipOf(await planOf(dir), collectionId)).toBe('vectors-missing-from-index');
  });
});
