import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readHnswHeader } from '../../src/chroma/hnsw-files.ts';
import { countDeletedSlots } from '../../src/chroma/hnsw-slots.ts';
import { readIndexMetadata } from '../../src/chroma/index-metadata.ts';
import { segmentDirNames } from '../../src/chroma/segment-dirs.ts';
import { FIXTURES, unpacked } from '../support/fixtures.ts';
import { headerOf, indexDirOf } from '../support/index-damage.ts';

describe('slots that are marked deleted', () => {
  it.each(FIXTURES.map(({ name }) => name))('are those of %s that no id leads to', async (name) => {
    const dir = await unpacked(name);
    const counted = segmentDirNames(dir).map((segment) => countDeletedSlots(join(dir, segment)));
    const expected = segmentDirNames(dir).map((segment) => {
      const [header, ids] = [readHnswHeader(join(dir, segment)), readIndexMetadata(join(dir, segment))];
      if (header.kind !== 'read') return { kind: 'absent' };
      const { elements } = header.header;
      return { kind: 'read', elements, deleted: elements - (ids.kind === 'read' ? ids.metadata.records : 0) };
    });
    expect(counted).toEqual(expected);
  });

  it('are counted in every slot, however large', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const path = join(indexDirOf(dir, 'notes'), 'data_level0.bin');
    const { elements, elementBytes } = headerOf(dir, 'notes');
    const data = readFileSync(path);
    for (let at = 0; at < elements; at += 1) data[at * elementBytes + 2] = 1;
    writeFileSync(path, data);
    expect(countDeletedSlots(indexDirOf(dir, 'notes'))).toEqual({ kind: 'read', elements, deleted: elements });
  });

  it('are unknown in an index that is damaged, and none in one that is not there', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    expect(countDeletedSlots(join(dir, 'nowhere'))).toEqual({ kind: 'absent' });
    truncateSync(join(indexDirOf(dir, 'notes'), 'data_level0.bin'), 100);
    expect(countDeletedSlots(indexDirOf(dir, 'notes'))).toMatchObject({ kind: 'unreadable' });
  });
});
