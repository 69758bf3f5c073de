import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readIndexMetadata } from '../../src/chroma/index-metadata.ts';
import { metadataPosition, readMaxSeqIds, vectorPosition } from '../../src/chroma/max-seq-id.ts';
import type { RecordedPosition } from '../../src/chroma/model.ts';
import { decodeSeqId } from '../../src/chroma/seq-id.ts';
import { withReadOnly } from '../../src/sqlite/open.ts';
import {
  blobWatermark,
  databaseOf,
  metadataSegmentOf,
  missingPickle,
  missingPosition,
  negativeWatermark,
  nullWatermark,
  pickleOf,
  pickleWithoutMaxSeqId,
  poisonedWatermark,
  POISON,
  recordedAs,
  truncatedPickle,
  vectorSegmentOf,
} from '../support/damage.ts';
import { fixture, FIXTURES, unpacked } from '../support/fixtures.ts';
import { savedSegments } from './segments.ts';

const SOUND = { damage: null };

function recordedIn(dir: string): ReturnType<typeof readMaxSeqIds> {
  return withReadOnly(databaseOf(dir), 0, readMaxSeqIds);
}

function positionsOf(dir: string, collection: string): Record<'metadata' | 'vector', RecordedPosition> {
  const rows = recordedIn(dir);
  const segment = vectorSegmentOf(dir, collection);
  const indexMetadata = readIndexMetadata(`${dir}/${segment}`);
  return {
    metadata: metadataPosition(rows.get(metadataSegmentOf(dir, collection))),
    vector: vectorPosition(rows.get(segment), { ...SOUND, indexMetadata }),
  };
}

function notesIn(name: string): bigint {
  const { collections } = fixture(name).expected;
  return BigInt(
    collections.find((each) => each.name === 'notes' && each.database === 'default_database')?.watermark ?? -1,
  );
}

describe('recorded positions that real Chroma wrote', () => {
  it.each(FIXTURES.map(({ name }) => name))('can all be decoded, and agree with the pickles, in %s', async (name) => {
    const dir = await unpacked(name);
    const rows = recordedIn(dir);
    expect([...rows.values()].filter(({ kind }) => kind !== 'seq-id')).toEqual([]);
    for (const { id, recorded } of savedSegments(dir)) {
      const row = rows.get(id);
      expect(row?.kind === 'seq-id' ? row.seqId : null).toBe(recorded);
    }
  });

  it.each([
    ['0.5.5', 'index_metadata.pickle'],
    ['0.4.24', 'index_metadata.pickle'],
    ['0.6.3-purge-off', 'max_seq_id'],
    ['1.5.9-purge-off', 'max_seq_id'],
    // Both have one; that of the pickle is stale.
    ['chain-0.5.5-0.6.3', 'max_seq_id'],
    ['chain-0.5.5-1.5.9', 'max_seq_id'],
  ])('of the index of %s come from %s', async (name, source) => {
    const { metadata, vector } = positionsOf(await unpacked(name), 'notes');
    expect(metadata).toMatchObject({ kind: 'recorded', source: 'max_seq_id' });
    expect(vector).toMatchObject({ kind: 'recorded', source, seqId: notesIn(name) });
  });

  it('are BLOBs where 0.6.3 opened a directory that 1.5.9 had migrated, and count the same', async () => {
    const storedAs = [...recordedIn(await unpacked('chain-0.6.3-1.5.9-0.6.3')).values()].map((row) =>
      row.kind === 'seq-id' ? row.storedAs : row.kind,
    );
    expect(new Set(storedAs)).toEqual(new Set(['integer', 'blob']));
    const dir = await unpacked('1.5.9-purge-off');
    const before = positionsOf(dir, 'notes');
    blobWatermark(dir);
    expect(positionsOf(dir, 'notes')).toEqual(before);
  });

  it('are "never" for a collection below its sync threshold and for an empty one', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    expect(positionsOf(dir, 'drafts')).toMatchObject({ metadata: { kind: 'recorded' }, vector: { kind: 'never' } });
    expect(positionsOf(dir, 'empty')).toEqual({ metadata: { kind: 'never' }, vector: { kind: 'never' } });
  });
});

describe('damaged recorded positions', () => {
  it.each([
    ['NULL', (dir: string) => nullWatermark(dir, 'notes'), 'NULL'],
    ['negative', (dir: string) => negativeWatermark(dir, 'notes'), 'the value -1'],
    ['zero', (dir: string) => recordedAs(dir, 'notes', 'METADATA', 0n), 'the value 0'],
    ['text', (dir: string) => recordedAs(dir, 'notes', 'METADATA', 'eight'), 'a TEXT'],
    ['a fraction', (dir: string) => recordedAs(dir, 'notes', 'METADATA', 7.5), 'a REAL'],
    ['a BLOB of ASCII digits', (dir: string) => recordedAs(dir, 'notes', 'METADATA', Buffer.from('767')), '3 bytes'],
  ])('are unreadable where they are %s, never guessed', async (_, damage, detail) => {
    const dir = await unpacked('1.5.9-purge-off');
    damage(dir);
    expect(positionsOf(dir, 'notes').metadata).toEqual({
      kind: 'unreadable',
      because: 'watermark-invalid',
      detail: expect.stringContaining(detail) as string,
    });
  });

  it.each(['INTEGER', 'BLOB'] as const)(
    'are read as they are where they are poisoned (%s): above every row',
    async (as) => {
      const dir = await unpacked('1.5.9-purge-off');
      poisonedWatermark(dir, 'notes', as);
      expect(positionsOf(dir, 'notes').metadata).toMatchObject({ kind: 'recorded', seqId: POISON });
    },
  );

  it('of an index are unreadable where its table row is, whatever the pickle says', async () => {
    const dir = await unpacked('chain-0.5.5-0.6.3');
    recordedAs(dir, 'notes', 'VECTOR', Buffer.from('1085'));
    expect(positionsOf(dir, 'notes').vector).toMatchObject({ kind: 'unreadable', because: 'watermark-invalid' });
  });

  it('of an index are not believed without its pickle', async () => {
    for (const name of ['0.6.3-purge-off', '1.5.9-purge-off']) {
      const dir = await unpacked(name);
      missingPickle(dir, 'notes');
      expect(positionsOf(dir, 'notes').vector).toMatchObject({ kind: 'unreadable', because: 'pickle-missing' });
    }
  });

  it('of an index are not believed with a pickle that cannot be read to its end', async () => {
    for (const name of ['0.5.5', '0.6.3-purge-off', '1.5.9-purge-off']) {
      const dir = await unpacked(name);
      truncatedPickle(dir, 'notes');
      expect(positionsOf(dir, 'notes').vector).toMatchObject({ kind: 'unreadable', because: 'pickle-unreadable' });
    }
  });

  it('of an index are "never" without pickle and row: up to 0.5.5 that is a collection that was not saved', async () => {
    const dir = await unpacked('0.5.5');
    missingPickle(dir, 'notes');
    expect(positionsOf(dir, 'notes').vector).toEqual({ kind: 'never' });
  });

  it('of an index come from the pickle where 0.5.6 or later has not loaded it since the upgrade', async () => {
    const dir = await unpacked('chain-0.5.5-0.6.3');
    missingPosition(dir, 'notes', 'VECTOR');
    expect(positionsOf(dir, 'notes').vector).toMatchObject({ source: 'index_metadata.pickle', seqId: 785n });
  });

  it('of an index are unreadable where it was saved but not how far', async () => {
    const [old, young] = [await unpacked('0.5.5'), await unpacked('0.6.3-purge-off')];
    pickleWithoutMaxSeqId(old, 'notes');
    missingPosition(young, 'notes', 'VECTOR');
    for (const dir of [old, young]) {
      expect(positionsOf(dir, 'notes').vector).toMatchObject({ kind: 'unreadable', because: 'watermark-invalid' });
    }
  });

  it('of an index are not believed with damaged files beside the pickle', async () => {
    const indexMetadata = readIndexMetadata(dirname(pickleOf(await unpacked('0.5.5'), 'notes')));
    expect(vectorPosition(decodeSeqId(785n), { indexMetadata, damage: 'header.bin is missing' })).toEqual({
      kind: 'unreadable',
      because: 'index-files-damaged',
      detail: 'its index files are not whole: header.bin is missing',
    });
  });
});
