/** A scrub that is killed: the old database or the new one, whole, and the next run finishes. */
import { copyFileSync, readdirSync, renameSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { locatePersistDir } from '../../../src/chroma/persist-dir.ts';
import { stateBefore } from '../../../src/operations/state-before.ts';
import { stateLeft } from '../../../src/operations/state-left.ts';
import { target } from '../../support/agreed.ts';
import { databaseOf } from '../../support/damage.ts';
import { enlarge } from '../../support/enlarge.ts';
import { rowsKept, unpacked } from '../../support/fixtures.ts';
import { faultsOf } from '../../support/full-text.ts';
import { killedAfter } from '../../support/process.ts';
import { scrub } from '../../support/scrub.ts';
import { otherFilesOf, rowsOf, seqIdsOf, withDatabase } from '../../support/state.ts';

/** How often; KILLS=200 takes some minutes. */
const KILLS = Number(process.env['KILLS'] ?? 8);
const DERIVED = ['data', 'idx', 'docsize'].map((suffix) => `embedding_fulltext_search_${suffix}`);
const WITHOUT = ['embeddings_queue', ...DERIVED];

async function largeDirectory(): Promise<string> {
  const dir = await unpacked('0.5.5');
  enlarge(dir, 'drafts', 3_000, 1_536);
  return dir;
}

describe('a scrub that is killed with its child', () => {
  it(
    `at ${KILLS} moments leaves the old rows or the new ones, and the next run finishes`,
    async () => {
      const pristine = await largeDirectory();
      const ids = seqIdsOf(pristine);
      const kept = rowsKept('0.5.5', ids);
      const tables = rowsOf(pristine, WITHOUT);
      const whole = await killedAfter(['scrub', await largeDirectory(), '--yes'], 60_000);
      for (let count = 0; count < KILLS; count += 1) {
        const dir = await largeDirectory();
        const files = otherFilesOf(dir);
        // From the second third on: before that the program only starts and reads.
        await killedAfter(['scrub', dir, '--yes'], whole * (0.3 + (0.7 * count) / KILLS));
        expect([ids, kept]).toContainEqual(seqIdsOf(dir));
        expect(rowsOf(dir, WITHOUT)).toEqual(tables);
        expect(faultsOf(dir)).toEqual([]);

        expect((await scrub(dir)).json.changed).toBe(true);
        expect(seqIdsOf(dir)).toEqual(kept);
        expect(rowsOf(dir, WITHOUT)).toEqual(tables);
        expect(otherFilesOf(dir)).toEqual(files);
        expect(readdirSync(dir).filter((name) => name.includes('rebuild') || name.includes('journal'))).toEqual([]);
        expect(withDatabase(dir, (db) => db.pragma('integrity_check', { simple: true }))).toBe('ok');
      }
    },
    KILLS * 15_000,
  );

  it('is said to have left blocks of the old file where the new one is in place', async () => {
    const dir = await unpacked('0.5.5');
    const before = stateBefore(locatePersistDir(dir));
    const job = { kind: 'scrub', request: { target: target(dir), phrases: [], others: [] }, agreed: null } as const;
    expect(stateLeft(job, dir, before, null)).toBe('nothing was changed');
    copyFileSync(databaseOf(dir), `${databaseOf(dir)}.new`);
    renameSync(`${databaseOf(dir)}.new`, databaseOf(dir));
    expect(stateLeft(job, dir, before, null)).toBe(
      'the new database is in place, with nothing in it that was deleted; blocks of the old one that were not overwritten yet are free space of the disk now',
    );
  });
});
