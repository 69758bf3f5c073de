/**
 * A directory of 0.5.5 of which Chroma 1.5.9 reads the whole log again: what was deleted from it long ago must stay
 * deleted, whatever the clock said when it was written, and whatever a prune was told to leave.
 */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { unpacked } from '../support/fixtures.ts';
import { withDatabase } from '../support/state.ts';
import { differences } from './differences.ts';
import { finished, printed } from './processes.ts';
import { dump, judged, lossesIn, NEWEST, pythonOf } from './support.ts';

const NEAREST = fileURLToPath(new URL('nearest.py', import.meta.url));
const FIXTURE = judged('0.5.5');
const NOTES = FIXTURE.expected.collections.find(({ name, database }) => name === 'notes' && database !== 'archive');
/** Of the collection "notes": added in row 59, deleted in row 531, both below its watermark. */
const [DELETED, ADD, DELETE] = ['note-0050', 59n, 531n];
const HORIZON = "datetime('now', '-1 day')";

/** The clock ran a century ahead while rows 51 to 70 were written, and was set back then: all others are old. */
async function withClockSetBack(): Promise<string> {
  const dir = await unpacked(FIXTURE.name);
  withDatabase(dir, (db) => {
    const rows = db.prepare<[string], [bigint, bigint]>(
      'SELECT seq_id, operation FROM embeddings_queue WHERE id = ? ORDER BY seq_id',
    );
    expect(rows.raw().all(DELETED)).toEqual([
      [ADD, 0n],
      [DELETE, 3n],
    ]);
    db.exec(`UPDATE embeddings_queue
      SET created_at = CASE WHEN seq_id BETWEEN 51 AND 70 THEN '2126-01-01 00:00:00' ELSE '2020-01-01 00:00:00' END`);
  });
  return dir;
}

function vectorIn(dir: string): readonly number[] {
  const stored = withDatabase(dir, (db) =>
    db.prepare<[bigint], Buffer>('SELECT vector FROM embeddings_queue WHERE seq_id = ?').pluck().get(ADD),
  );
  if (stored === undefined) throw new Error('the row of the vector is gone');
  return Array.from({ length: stored.length / 4 }, (_, at) => stored.readFloatLE(at * 4));
}

async function nearest(dir: string, vector: readonly number[]): Promise<unknown> {
  const { exitCode, stdout, stderr } = await finished(pythonOf(NEWEST), [
    NEAREST,
    dir,
    'notes',
    JSON.stringify(vector),
  ]);
  expect(exitCode, stderr).toBe(0);
  return JSON.parse(stdout);
}

describe('a record that was deleted before the clock was set back', () => {
  it(`is brought back by Chroma ${NEWEST} where rows are deleted one by one, by their age`, async () => {
    const dir = await withClockSetBack();
    const vector = vectorIn(dir);
    withDatabase(dir, (db) =>
      db
        .prepare(`DELETE FROM embeddings_queue WHERE topic = ? AND seq_id < ? AND created_at < ${HORIZON}`)
        .run(NOTES?.topic, BigInt(NOTES?.watermark ?? 0)),
    );
    expect(JSON.stringify(await nearest(dir, vector))).toContain(DELETED);
  });

  it.each([[['--keep-within', '1d']], [['--keep-last', '100']]])(
    `stays deleted after a prune with %j, and Chroma ${NEWEST} keeps what is written then`,
    async (options) => {
      const [untouched, treated] = [await withClockSetBack(), await withClockSetBack()];
      const vector = vectorIn(untouched);
      const report = JSON.parse(await printed(['prune', treated, ...options, '--yes', '--json'])) as {
        totals: { deleted: number; held: number };
      };
      expect([report.totals.deleted > 0, report.totals.held > 0]).toEqual([true, true]);
      const [before, after] = [await nearest(untouched, vector), await nearest(treated, vector)];
      expect(after).toEqual(before);
      expect(JSON.stringify(after)).not.toContain(DELETED);
      expect(differences(await dump(untouched, NEWEST, FIXTURE), await dump(treated, NEWEST, FIXTURE))).toEqual([]);
      expect(await lossesIn({ untouched, treated }, FIXTURE, NEWEST)).toEqual([]);
      expect(JSON.stringify(await nearest(treated, vector))).not.toContain(DELETED);
    },
  );
});
