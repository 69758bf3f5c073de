/** A disk that really fills up during a prune or a vacuum. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { enlarge } from '../support/enlarge.ts';
import { unpacked } from '../support/fixtures.ts';
import { onSmallDisk } from '../support/small-disk.ts';
import { otherFilesOf, seqIdsOf, withDatabase } from '../support/state.ts';

describe('a disk that fills up', () => {
  it('during the delete leaves every row in place', async () => {
    const dir = await unpacked('0.5.5');
    const ids = seqIdsOf(dir);
    const { status, stderr, after } = onSmallDisk(dir, 64, ['prune', 'persist', '--yes']);
    expect(status, stderr).toBe(15);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'NO_SPACE', changed: false });
    expect(seqIdsOf(after)).toEqual(ids);
    expect(withDatabase(after, (db) => db.pragma('integrity_check', { simple: true }))).toBe('ok');
  });

  it('while a new file is written leaves everything as it was, and no file behind', async () => {
    const dir = await unpacked('0.5.5');
    enlarge(dir, 'drafts', 2_000, 1_536);
    const [ids, files] = [seqIdsOf(dir), otherFilesOf(dir)];
    const { status, stderr, after } = onSmallDisk(dir, 6_000, ['vacuum', 'persist', '--yes', '--mode', 'rebuild']);
    expect(status, stderr).toBe(15);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'NO_SPACE', changed: false, state: 'nothing was changed' });
    expect(seqIdsOf(after)).toEqual(ids);
    expect(otherFilesOf(after)).toEqual(files);
    expect(readdirSync(after).toSorted()).toEqual(readdirSync(dir).toSorted());
  });

  it('during VACUUM leaves what the prune left, and says so', async () => {
    const dir = await unpacked('0.5.5');
    enlarge(dir, 'drafts', 2_000, 1_536);
    const ids = seqIdsOf(dir);
    const { status, stderr, after } = onSmallDisk(dir, 6_000, [
      'vacuum',
      'persist',
      '--yes',
      '--mode',
      'in-place',
      '--min-reclaim',
      '0',
    ]);
    expect(status, stderr).toBe(15);
    expect(JSON.parse(stderr)).toMatchObject({
      code: 'NO_SPACE',
      changed: true,
      state: expect.stringContaining('deleted, which is safe'),
    });
    expect(seqIdsOf(after).length).toBeLessThan(ids.length);
    expect(seqIdsOf(after).at(-1)).toBe(ids.at(-1));
    expect(withDatabase(after, (db) => db.pragma('integrity_check', { simple: true }))).toBe('ok');
  });
});
