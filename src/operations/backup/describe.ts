/**
 * What a copy of a persist directory holds, read from the copy itself: what can be told of it can be got back from it.
 */
import { join } from 'node:path';
import { readRecordCounts } from '../../chroma/catalog.ts';
import { contentHashOf, readContentHashes } from '../../chroma/content.ts';
import { DATABASE_NAME, locatePersistDir } from '../../chroma/persist-dir.ts';
import { MaintError } from '../../errors.ts';
import type { SnapshotContents } from '../../repository/manifest.ts';
import { withReadOnly } from '../../sqlite/open.ts';
import { quickCheck } from '../../sqlite/quick-check.ts';
import { recoveringFrom } from '../../sqlite/recovering.ts';
import { collectionPlans } from '../collections.ts';
import { planFromReading, readDirectory, type Reading } from '../reading.ts';

export interface Description {
  readonly contents: SnapshotContents;
  readonly reading: Reading;
  /** SQLite's file change counter. */
  readonly changeCounter: number;
}

/**
 * Reads the copy at `path`, which nobody else uses, of what the operator knows as `given`. Throws CORRUPT where SQLite's
 * quick_check finds damage.
 */
export function describeCopy(path: string, given: string): Description {
  const dir = locatePersistDir(path);
  return withReadOnly(dir.databasePath, 0, (db) => {
    verifySound(quickCheck(db), given);
    const reading = readDirectory(db, dir, () => ({ excluded: new Set(), asksIndexes: true, isShared: false }));
    const plan = planFromReading(reading);
    const hashes = readContentHashes(db, reading.collections, plan.steps);
    const records = readRecordCounts(db);
    const segments = new Map(reading.collections.map((each) => [each.id, each.segments]));
    const collections = collectionPlans(reading, plan).map(({ id, name, tenant, database, ...planned }) => ({
      id,
      name,
      tenant,
      database,
      records: (segments.get(id) ?? []).reduce((sum, segment) => sum + (records.get(segment.id) ?? 0), 0),
      walRows: planned.rows,
      prunableRows: planned.prunable,
      watermark: planned.watermark === null ? null : String(planned.watermark),
      contentSha256: hashes.get(id) ?? '',
    }));
    const { generation } = reading.schema;
    const lastSeqId = String(reading.lastSeqId);
    const contents = { generation, lastSeqId, contentSha256: contentHashOf(hashes), collections };
    return { contents, reading, changeCounter: dir.database.changeCounter };
  });
}

function verifySound(problems: readonly string[], given: string): void {
  if (problems.length === 0) return;
  throw new MaintError('CORRUPT', {
    message: `SQLite's quick_check found damage: ${given}`,
    details: problems.slice(0, 5),
    hint: `a snapshot of it would be damaged as well; ${recoveringFrom(join(given, DATABASE_NAME))}`,
  });
}
