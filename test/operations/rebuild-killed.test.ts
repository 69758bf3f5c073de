/** A rebuild that is killed: what stays is the old database or the new one, and the next run finishes the job. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { enlarge } from '../support/enlarge.ts';
import { rowsKept, unpacked } from '../support/fixtures.ts';
import { killedAfter } from '../support/process.ts';
import { run } from '../support/run.ts';
import { otherFilesOf, rowsOf, seqIdsOf, withDatabase } from '../support/state.ts';

const REBUILD = ['vacuum', '--yes', '--min-reclaim', '0', '--mode', 'rebuild'];
/** How often; KILLS=200 takes some minutes. */
const KILLS = Number(process.env['KILLS'] ?? 8);

async function largeDirectory(): Promise<string> {
  const dir = await unpacked('0.5.5');
  enlarge(dir, 'drafts', 3_000, 1_536);
  return dir;
}

describe('a rebuild that is killed with its child', () => {
  it(
    `at ${KILLS} random moments leaves the old rows or the new ones, and the next run finishes`,
    async () => {
      const pristine = await largeDirectory();
      const ids = seqIdsOf(pristine);
      const kept = rowsKept('0.5.5', ids);
      const tables = rowsOf(pristine, ['embeddings_queue']);
      const whole = await killedAfter([...REBUILD, await largeDirectory()], 60_000);
      const outcomes = { old: 0, new: 0, left: 0 };
      for (let count = 0; count < KILLS; count += 1) {
        const dir = await largeDirectory();
        const files = otherFilesOf(dir);
        // From the second third on: before that the program only starts and reads.
        await killedAfter([...REBUILD, dir], whole * (0.3 + Math.random() * 0.7));
        outcomes.left += readdirSync(dir).filter((name) => name.includes('rebuild')).length;
        const left = seqIdsOf(dir);
        outcomes[left.length === ids.length ? 'old' : 'new'] += 1;
        expect([ids, kept]).toContainEqual(left);
        expect(rowsOf(dir, ['embeddings_queue'])).toEqual(tables);

        expect((await run([...REBUILD, dir])).exitCode).toBe(0);
        expect(seqIdsOf(dir)).toEqual(kept);
        expect(rowsOf(dir, ['embeddings_queue'])).toEqual(tables);
        expect(otherFilesOf(dir)).toEqual(files);
        expect(readdirSync(dir).filter((name) => name.includes('rebuild') || name.includes('journal'))).toEqual([]);
        expect(withDatabase(dir, (db) => db.pragma('integrity_check', { simple: true }))).toBe('ok');
      }
      // Shown with KILLS=200, to see that the moments were spread over the whole run.
      if (process.env['KILLS'] !== undefined) process.stdout.write(`${JSON.stringify(outcomes)}\n`);
      expect(outcomes.old + outcomes.new).toBe(KILLS);
    },
    KILLS * 10_000,
  );
});
