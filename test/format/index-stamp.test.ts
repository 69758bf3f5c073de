import { appendFileSync, renameSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { isQuiet, isSettled, readIndexStamp, type IndexStamp } from '../../src/chroma/index-stamp.ts';
import { pickleOf } from '../support/damage.ts';
import { unpacked } from '../support/fixtures.ts';

async function segment(): Promise<string> {
  return join(pickleOf(await unpacked('0.5.5'), 'ledger'), '..');
}

describe('the stamp of an index', () => {
  it('stays the same while nobody writes', async () => {
    const directory = await segment();
    expect(readIndexStamp(directory)).toEqual(readIndexStamp(directory));
  });

  it.each([
    ['is written to and has its old size and time again', 'data_level0.bin', touchedAndBack],
    ['is cut short', 'index_metadata.pickle', (path: string) => truncateSync(path, 10)],
    ['is removed', 'header.bin', (path: string) => rmSync(path)],
    ['is replaced by one with the same content', 'length.bin', replaced],
    ['grows', 'link_lists.bin', (path: string) => appendFileSync(path, '.')],
  ])('changes where a file of it %s', async (_, name, change) => {
    const directory = await segment();
    const before = readIndexStamp(directory);
    // The clock that stamps files ticks every 10 ms at the most.
    await delay(20);
    change(join(directory, name));
    expect(readIndexStamp(directory).files).not.toBe(before.files);
  });

  it('of a directory that is not there is one of no files', async () => {
    const stamp = readIndexStamp(join(await segment(), 'nowhere'));
    expect(stamp).toEqual({ files: ['-', '-', '-', '-', '-'].join('\n'), newest: 0n });
  });
});

function touchedAndBack(path: string): void {
  const { atime, mtime, size } = statSync(path);
  appendFileSync(path, '.');
  truncateSync(path, size);
  utimesSync(path, atime, mtime);
}

function replaced(path: string): void {
  renameSync(path, `${path}.old`);
  writeFileSync(path, '');
}

const NOW_MS = 1_000_000_000_000;

function stampAt(ns: bigint): IndexStamp {
  return { files: '', newest: BigInt(NOW_MS) * 1_000_000n + ns };
}

describe('files that were stamped', () => {
  it.each([
    ['at the same moment', 5n, 0, false],
    ['99 ms ago', 1_000_000n, 100, false],
    ['101 ms ago', 1_000_000n, 102, true],
    ['a second ago by a clock of whole seconds', 0n, 1_000, false],
    ['over two seconds ago by a clock of whole seconds', 0n, 2_001, true],
    ['in the future', 5_000_000_001n, 1_000, false],
  ])('%s: settled or not', (_, ns, ms, expected) => {
    expect(isSettled(stampAt(ns), new Date(NOW_MS + ms))).toBe(expected);
  });
});

describe('an index', () => {
  it.each([
    [1_999, false],
    [2_000, false],
    [2_001, true],
  ])('that was written to %i ms ago is quiet: %s', (ms, expected) => {
    const newest = 1_700_000_000_000_000_000n;
    const readAt = new Date(Number(newest / 1_000_000n) + ms);
    expect(isQuiet({ files: '', newest }, readAt)).toBe(expected);
  });
});
