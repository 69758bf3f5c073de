/** A file system on which a copy costs nothing: xfs shares blocks between files. */
import { cpSync, statfsSync, truncateSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { create, restored, toTheMillisecond } from '../support/backup.ts';
import { enlarge } from '../support/enlarge.ts';
import { temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { bytesOf } from '../support/state.ts';
import { run } from '../support/run.ts';
import { madeCloningImage } from './image.ts';

const MIB = 1024 * 1024;

function usedBytes(mountPoint: string): number {
  execFileSync('sync', ['--file-system', mountPoint]);
  const { blocks, bfree, bsize } = statfsSync(mountPoint);
  return (blocks - bfree) * bsize;
}

it('a snapshot shares its blocks with the directory, and stays what it was when that changes', async () => {
  const source = await unpacked('0.5.5');
  enlarge(source, 'drafts', 6_000, 1_536);
  const { mountPoint } = madeCloningImage(temporaryDirectory());
  const [dir, repository] = [join(mountPoint, 'persist'), join(mountPoint, 'repo')];
  cpSync(source, dir, { recursive: true, preserveTimestamps: true });
  const before = usedBytes(mountPoint);
  expect(before).toBeGreaterThan(40 * MIB);
  const kept = toTheMillisecond(bytesOf(dir));
  const { snapshot } = await create(dir, repository);
  expect(usedBytes(mountPoint) - before).toBeLessThan(MIB);

  truncateSync(join(dir, 'chroma.sqlite3'), 0);
  expect((await run(['backup', 'verify', repository, '--full'])).exitCode).toBe(0);
  expect(toTheMillisecond(bytesOf(await restored(repository, snapshot.id)))).toEqual(kept);
});
