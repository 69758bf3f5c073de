/** wal export into a file that is ended by Ctrl-C or SIGTERM in the middle, in real processes. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { enlarge } from '../../support/enlarge.ts';
import { temporaryDirectory, unpacked } from '../../support/fixtures.ts';
import { endedWhen } from '../../support/process.ts';
import { bytesOf } from '../../support/state.ts';

/** Large enough that its export can be caught in the middle: 240 MB. */
async function largeDirectory(): Promise<string> {
  const dir = await unpacked('0.5.5');
  enlarge(dir, 'drafts', 30_000, 1_536);
  return dir;
}

describe('an export that is ended', () => {
  it.each([
    ['SIGINT', 'wal.jsonl'],
    ['SIGTERM', 'wal.jsonl'],
    ['SIGINT', 'wal.jsonl.gz'],
  ] as const)('by %s while it writes %s leaves no file, and says so', async (signal, name) => {
    const dir = await largeDirectory();
    const place = temporaryDirectory();
    const before = bytesOf(dir);
    const unfinished = join(place, `.${name}.chroma-maint-unfinished`);
    const sizes: number[] = [];
    const isWriting = (): boolean => {
      const size = statSync(unfinished, { throwIfNoEntry: false })?.size ?? 0;
      if (size > 1024 * 1024) sizes.push(size);
      return sizes.length > 0;
    };
    const ended = await endedWhen(['wal', 'export', dir, '-o', join(place, name)], signal, isWriting);
    expect(sizes).toHaveLength(1);
    expect(ended).toMatchObject({
      exitCode: 130,
      code: 'INTERRUPTED',
      message: `interrupted before all of it was written: ${join(place, name)}`,
      state: 'nothing was changed',
    });
    expect(readdirSync(place)).toEqual([]);
    expect(bytesOf(dir)).toEqual(before);
  });
});
