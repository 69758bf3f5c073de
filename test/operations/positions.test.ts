import { describe, expect, it } from 'vitest';
import { sequenceRegressions } from '../../src/chroma/prune-plan.ts';
import { locatePersistDir } from '../../src/chroma/persist-dir.ts';
import { seqId } from '../../src/chroma/seq-id.ts';
import { readPositions, type IndexReading } from '../../src/operations/positions.ts';
import { collectionsWith } from '../../src/operations/reading.ts';
import { withReadOnly } from '../../src/sqlite/open.ts';
import { unpacked } from '../support/fixtures.ts';
import { seqIdsOf, withDatabase } from '../support/state.ts';

const COPY_LAST_ROW = `
  INSERT INTO embeddings_queue (created_at, operation, topic, id, vector, encoding, metadata)
  SELECT created_at, operation, topic, id, vector, encoding, metadata FROM embeddings_queue ORDER BY seq_id DESC LIMIT 1`;

/** The index of a server that has saved everything up to `last`. */
function savedUpTo(last: bigint): IndexReading {
  return {
    metadata: { kind: 'read', metadata: { form: 'object', maxSeqId: seqId(last), records: 0 } },
    hnsw: { kind: 'absent' },
  };
}

describe('positions that are read beside a server', () => {
  it('are not beyond the end of the WAL where a row was added and saved meanwhile', async () => {
    const dir = await unpacked('0.5.5');
    const indexIn = (): IndexReading => {
      withDatabase(dir, (db) => db.exec(COPY_LAST_ROW));
      return savedUpTo(seqIdsOf(dir).at(-1) ?? 0n);
    };
    const place = locatePersistDir(dir);
    const positions = withReadOnly(place.databasePath, 0, (db) => readPositions(db, place, indexIn));
    const collections = collectionsWith([], positions);
    expect(collections.flatMap(({ segments }) => segments.map(({ position }) => position.kind))).toContain('recorded');
    expect(positions.lastSeqId).toBe(seqIdsOf(dir).at(-1));
    expect(sequenceRegressions(collections, positions.lastSeqId)).toEqual([]);
  });
});
