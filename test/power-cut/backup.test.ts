import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Host } from '../../src/host/host.ts';
import { realHost } from '../../src/host/real-host.ts';
import { createBackup } from '../../src/operations/backup/create.ts';
import { restoreBackup } from '../../src/operations/backup/restore.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { readSnapshots } from '../../src/repository/snapshots.ts';
import { verifyFiles } from '../../src/repository/stored-files.ts';
import { settle } from '../../src/repository/swap.ts';
import { on, SILENT } from '../support/agreed.ts';
import { newRepository } from '../support/backup.ts';
import { temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { bytesOf } from '../support/state.ts';
import { madeImage, mounted, powerCut, type Image } from './image.ts';

const ALLOW = { recoverJournal: false, networkFs: false, whileRunning: false };

function create(path: string, repository: string, host: Host): Promise<unknown> {
  const request = { path, repository, allow: ALLOW, waitMs: 0, isVerified: false, toolVersion: 'test' };
  return createBackup(request, on(host), SILENT);
}

function restoreOver(target: string, repository: string, host: Host): Promise<unknown> {
  const request = { repository, selector: 'latest', target, isSwap: true, allow: ALLOW, waitMs: 0 };
  return restoreBackup(request, on(host), SILENT);
}

/** Does the work on a machine whose power is cut whenever something was synced, and when all is done. */
async function cutsOf(
  image: Image,
  work: (host: Host) => Promise<unknown>,
  instead: Partial<Host>,
): Promise<readonly string[]> {
  const images: string[] = [];
  const machine = { ...realHost, ...instead };
  const cut = (): void => void images.push(powerCut(image, String(images.length)));
  await work({
    ...machine,
    sync(path) {
      machine.sync(path);
      cut();
    },
  });
  cut();
  return images;
}

/** What is in the repository when the power is back: for each snapshot that is listed, how many problems it has. */
async function snapshotsAfter(image: string): Promise<readonly number[]> {
  const { mountPoint } = mounted(image, join(temporaryDirectory(), 'again'));
  const path = join(mountPoint, 'repo');
  if (!existsSync(join(path, 'chroma-maint-repository.json'))) return [];
  const { snapshots, unreadable } = readSnapshots(openRepository(path));
  const problems: number[] = unreadable.map(() => 1);
  for (const snapshot of snapshots) problems.push((await verifyFiles(snapshot, () => undefined)).length);
  return problems;
}

/** Snapshots that a power cut leaves, at every step of making one. */
async function createdCuts(instead: Partial<Host> = {}): Promise<readonly (readonly number[])[]> {
  const source = await unpacked('0.5.5');
  const image = madeImage(temporaryDirectory());
  const images = await cutsOf(image, (host) => create(source, join(image.mountPoint, 'repo'), host), instead);
  const found: (readonly number[])[] = [];
  for (const each of images) {
    found.push(await snapshotsAfter(each));
    rmSync(each);
  }
  return found;
}

describe('a power cut', () => {
  it('while a snapshot is made leaves it whole or not at all, and whole when it was said to be made', async () => {
    const found = await createdCuts();
    expect(found.length).toBeGreaterThan(10);
    for (const problems of found) expect([[], [0]]).toContainEqual(problems);
    expect(found[0]).toEqual([]);
    expect(found.at(-1)).toEqual([0]);
  });

  it('would leave a broken one without the syncs of its files: this test can fail', async () => {
    const repositories = /chroma-maint-repository\.json$|\/repo$/;
    const found = await createdCuts({ sync: (path) => void (repositories.test(path) && realHost.sync(path)) });
    expect(found.flat().some((problems) => problems > 0)).toBe(true);
  });

  it('while a directory is replaced leaves the old one or the new one', async () => {
    const [source, repository] = [await unpacked('0.5.5'), newRepository()];
    await create(source, repository, realHost);
    const other = await unpacked('0.6.3-purge-off');
    const image = madeImage(temporaryDirectory());
    const dir = join(image.mountPoint, 'persist');
    cpSync(other, dir, { recursive: true, preserveTimestamps: true });
    execFileSync('sync', ['--file-system', dir]);
    const images = await cutsOf(image, (host) => restoreOver(dir, repository, host), {});
    const known = new Map([
      [contentsOf(other), 'old'],
      [contentsOf(source), 'new'],
    ]);
    const outcomes: string[] = [];
    for (const each of images) {
      const { mountPoint } = mounted(each, join(temporaryDirectory(), 'again'));
      const target = join(mountPoint, 'persist');
      settle(target, realHost);
      outcomes.push(known.get(contentsOf(target)) ?? 'broken');
      rmSync(each);
    }
    expect(outcomes).not.toContain('broken');
    expect(outcomes[0]).toBe('old');
    expect(outcomes.at(-1)).toBe('new');
  });
});

/** Files with their content, without modes and times. */
function contentsOf(directory: string): string {
  return [...bytesOf(directory)].map(([path, state]) => `${path} ${state.split(' ').at(-1)}`).join('\n');
}
