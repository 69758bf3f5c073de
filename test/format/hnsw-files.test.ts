import { mkdirSync, readdirSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  directoryBytes,
  INDEX_FILE_NAMES,
  indexFileBytes,
  indexFilesDamage,
  readHnswHeader,
} from '../../src/chroma/hnsw-files.ts';
import { readIndexMetadata } from '../../src/chroma/index-metadata.ts';
import { listSegmentDirs } from '../../src/chroma/segment-dirs.ts';
import { damagedIndexFiles, pickleOf, vectorSegmentOf } from '../support/damage.ts';
import { FIXTURES, temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { fileForSegmentDir } from '../support/index-damage.ts';
import { withDatabase } from '../support/state.ts';
import { savedSegments } from './segments.ts';

const NAMES = FIXTURES.map(({ name }) => name);

describe('the HNSW files that real Chroma wrote', () => {
  it.each(NAMES)('hold at least the records that the pickle lists, in %s', async (name) => {
    for (const { path } of savedSegments(await unpacked(name))) {
      const reading = readHnswHeader(path);
      const metadata = readIndexMetadata(path);
      expect([reading.kind, metadata.kind]).toEqual(['read', 'read']);
      expect(indexFilesDamage(reading, metadata.kind === 'read' ? metadata.metadata.records : NaN)).toBeNull();
    }
  });

  it.each(NAMES)('are all files there are in a segment directory, in %s', async (name) => {
    const dir = await unpacked(name);
    const names = listSegmentDirs(dir).flatMap(({ id }) => readdirSync(join(dir, id)));
    expect([...new Set(names)].filter((each) => !INDEX_FILE_NAMES.includes(each))).toEqual([]);
  });
});

describe('damaged HNSW files', () => {
  it('are absent without header.bin, which matters only where records are expected', async () => {
    const dir = await unpacked('0.5.5');
    damagedIndexFiles(dir, 'notes', 'no header.bin');
    const reading = readHnswHeader(dirname(pickleOf(dir, 'notes')));
    expect(reading).toEqual({ kind: 'absent' });
    expect(indexFilesDamage(reading, 0)).toBeNull();
    expect(indexFilesDamage(reading, 1)).toContain('header.bin is missing');
  });

  it('are damaged where the data file is shorter than its elements', async () => {
    const dir = await unpacked('1.5.9-purge-off');
    damagedIndexFiles(dir, 'notes', 'short data');
    const reading = readHnswHeader(dirname(pickleOf(dir, 'notes')));
    expect(indexFilesDamage(reading, 1)).toContain('data_level0.bin has 100 bytes');
  });

  it('are damaged where the data file is missing, or only a link', async () => {
    const dir = await unpacked('0.5.5');
    const segment = dirname(pickleOf(dir, 'notes'));
    rmSync(join(segment, 'data_level0.bin'));
    expect(readHnswHeader(segment)).toMatchObject({ kind: 'damaged' });
    symlinkSync(join(segment, 'length.bin'), join(segment, 'data_level0.bin'));
    expect(readHnswHeader(segment)).toMatchObject({ kind: 'damaged' });
  });

  it.each([0, 4, 99, 101])('are damaged where header.bin has %i bytes', async (length) => {
    const segment = dirname(pickleOf(await unpacked('0.5.5'), 'notes'));
    truncateSync(join(segment, 'header.bin'), length);
    expect(readHnswHeader(segment)).toEqual({
      kind: 'damaged',
      detail: `header.bin has ${length} bytes instead of 100`,
    });
  });

  it('are damaged where header.bin is zeros, as after a power loss, and where it counts fewer elements', async () => {
    const segment = dirname(pickleOf(await unpacked('0.5.5'), 'notes'));
    writeFileSync(join(segment, 'header.bin'), Buffer.alloc(100));
    expect(readHnswHeader(segment)).toMatchObject({ kind: 'damaged', detail: 'header.bin has format 0' });
    const one = Buffer.alloc(100);
    one.writeInt32LE(1);
    writeFileSync(join(segment, 'header.bin'), one);
    expect(indexFilesDamage(readHnswHeader(segment), 213)).toBe('header.bin counts 0 elements, the index 213 records');
  });

  it('are damaged from the first record on that they have no element for', () => {
    const reading = { kind: 'read', header: { elements: 9, capacity: 9, elementBytes: 1, firstElementAt: 0 } } as const;
    expect(indexFilesDamage(reading, 9)).toBeNull();
    expect(indexFilesDamage(reading, 10)).toBe('header.bin counts 9 elements, the index 10 records');
  });

  it('are damaged, and nothing is thrown, where a file stands in the place of their directory', async () => {
    const dir = await unpacked('0.5.5');
    fileForSegmentDir(dir, 'notes');
    const segment = join(dir, vectorSegmentOf(dir, 'notes'));
    expect(readHnswHeader(segment)).toMatchObject({
      kind: 'damaged',
      detail: expect.stringMatching(/^header.bin cannot be read: ENOTDIR/),
    });
    expect(indexFileBytes(segment, 'header.bin')).toEqual({ apparent: 0, allocated: 0 });
    expect(directoryBytes(segment)).toBe(0);
  });

  it('are damaged, and nothing is thrown, where header.bin counts more elements than any file can have', async () => {
    const segment = dirname(pickleOf(await unpacked('0.5.5'), 'notes'));
    writeFileSync(join(segment, 'header.bin'), Buffer.concat([Buffer.from([1, 0, 0, 0]), Buffer.alloc(96, 0xff)]));
    expect(readHnswHeader(segment)).toMatchObject({ kind: 'damaged' });
  });
});

describe('the directories of segments', () => {
  it.each(NAMES)('are those of live segments and those that a deleted collection left, in %s', async (name) => {
    const dir = await unpacked(name);
    const listed = listSegmentDirs(dir).map(({ id }) => id);
    const live = withDatabase(dir, (db) => db.prepare<[], string>('SELECT id FROM segments').pluck().all());
    const { orphanDirectories } = FIXTURES.find((each) => each.name === name) as unknown as {
      orphanDirectories: string[];
    };
    expect(listed.toSorted()).toEqual(
      readdirSync(dir)
        .filter((each) => each !== 'chroma.sqlite3')
        .toSorted(),
    );
    expect(listed.filter((id) => !live.includes(id)).toSorted()).toEqual(orphanDirectories.toSorted());
  });

  it('are real directories with a UUID as name: no links, no files, no other names', async () => {
    const dir = await unpacked('0.5.5');
    const before = listSegmentDirs(dir);
    const elsewhere = temporaryDirectory();
    symlinkSync(elsewhere, join(dir, '00000000-0000-4000-8000-000000000001'));
    writeFileSync(join(dir, '00000000-0000-4000-8000-000000000002'), 'a file');
    mkdirSync(join(dir, 'backup'));
    mkdirSync(join(dir, '00000000-0000-4000-8000-000000000003.old'));
    expect(listSegmentDirs(dir)).toEqual(before);
  });

  it('count the bytes on disk of their regular files, and follow no link', async () => {
    const dir = await unpacked('0.5.5');
    const segment = join(dir, vectorSegmentOf(dir, 'notes'));
    const before = directoryBytes(segment);
    const blocks = readdirSync(segment).reduce((sum, name) => sum + statSync(join(segment, name)).blocks, 0);
    expect(before).toBe(blocks * 512);
    symlinkSync(join(dir, 'chroma.sqlite3'), join(segment, 'link'));
    expect(directoryBytes(segment)).toBe(before);
    // A hole occupies nothing, however long the file says it is.
    writeFileSync(join(segment, 'sparse'), '');
    truncateSync(join(segment, 'sparse'), 1024 ** 3);
    expect(directoryBytes(segment)).toBeLessThan(before + 1024 ** 2);
    expect(directoryBytes(join(dir, 'no-such'))).toBe(0);
  });
});
