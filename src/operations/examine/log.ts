/**
 * What there is to find in the queue, and in how far every segment says that it has saved it.
 */
import type { AutoPurge } from '../../chroma/auto-purge.ts';
import type { Collection, CollectionId } from '../../chroma/model.ts';
import { isAnchorMissing, sequenceRegressions } from '../../chroma/prune-plan.ts';
import { DEFAULT_SYNC_THRESHOLD } from '../../chroma/sync-threshold.ts';
import { collectionIdOf } from '../../chroma/topic.ts';
import { watermarkOf } from '../../chroma/watermark.ts';
import { counted, formatCount } from '../../units.ts';
import type { CollectionPlan } from '../collections.ts';
import { finding, type Finding } from '../findings/findings.ts';
import type { FindingKind } from '../findings/kinds.ts';
import { shortName } from '../names.ts';
import type { Reading } from '../reading.ts';
import { DATABASE } from './place.ts';

/** So many times the sync threshold may wait before it is said that the index is no longer saved. */
const STUCK_AT = 3;

interface Read {
  readonly reading: Reading;
}

/** Recorded positions above the last row: new writes are being lost. */
export function sequenceFindings({ reading }: Read): readonly Finding[] {
  const names = new Map(reading.collections.map((each) => [each.id, shortName(each)]));
  return sequenceRegressions(reading.collections, reading.lastSeqId).map(({ collectionId, seqId }) =>
    finding(
      'watermark-ahead-of-queue',
      names.get(collectionId) ?? collectionId,
      `recorded up to ${seqId}, but the WAL ends at ${reading.lastSeqId}: Chroma drops new writes numbered below it`,
    ),
  );
}

/** Why a collection could not be pruned. */
export function skipFindings(collection: CollectionPlan): readonly Finding[] {
  const { skip, rows } = collection;
  if (skip === null || skip.reason === 'excluded' || skip.reason === 'nothing-to-prune') return [];
  if (skip.reason === 'never-persisted') {
    const message = `${counted(rows, 'row exists', 'rows exist')} only in the WAL: its index was never saved`;
    return [finding('never-persisted', shortName(collection), message)];
  }
  return [finding(skip.reason, shortName(collection), skip.message)];
}

/** What is odd about positions that can be worked with. */
export function watermarkFindings({ reading }: Read): readonly Finding[] {
  return reading.collections.flatMap((collection) => {
    const name = shortName(collection);
    const found: Finding[] = [];
    const [topic] = collection.topics;
    if (isAnchorMissing(watermarkOf(collection.segments), topic === undefined ? undefined : reading.usage.get(topic))) {
      found.push(finding('anchor-missing', name, 'no WAL row of its own keeps its numbering from being re-used'));
    }
    const isBlob = collection.segments.some(({ id }) => {
      const stored = reading.recorded.get(id);
      return stored?.kind === 'seq-id' && stored.storedAs === 'blob';
    });
    if (isBlob && reading.schema.versions.metadb >= 5) {
      found.push(
        finding('blob-watermark', name, 'a recorded position is stored as BLOB although the schema says INTEGER'),
      );
    }
    if (collection.database === null) {
      found.push(
        finding('unreachable-collection', name, 'its database is gone from the catalogue, so Chroma cannot show it'),
      );
    }
    return found;
  });
}

/** Whether Chroma itself keeps the queue small. */
export function purgeFindings({ reading, autoPurge }: Read & { readonly autoPurge: AutoPurge }): readonly Finding[] {
  const found: Finding[] = [];
  const say = (id: FindingKind, message: string): void => void found.push(finding(id, DATABASE, message));
  if (reading.schema.generation === 'D') {
    say('cross-topic-purge', 'Chroma 0.5.6 to 0.5.12, which may have written it, purged rows of other collections');
  }
  if (autoPurge === 'off')
    say('auto-purge-off', 'Chroma deletes nothing from its WAL here; it will grow again after a prune');
  if (autoPurge === 'not-available') say('auto-purge-not-available', 'Chroma before 0.5.6 never deletes from its WAL');
  return found;
}

/**
 * Positions that migration metadb/5 (1.0.0) made of an INTEGER in the BLOB column: it reads hexadecimal digits of its
 * text, so each becomes 0x1111… with the digits behind it.
 */
export function poisonedFindings({ reading }: Read): readonly Finding[] {
  return reading.collections.flatMap((collection) =>
    collection.segments.flatMap(({ position }) => {
      if (position.kind !== 'recorded' || !position.seqId.toString(16).startsWith(POISON)) return [];
      const message = `the recorded position ${position.seqId} (0x${position.seqId.toString(16)}) is what the upgrade to Chroma 1.0 makes of a number in the old column`;
      return [finding('watermark-poisoned', shortName(collection), message)];
    }),
  );
}

const POISON = '1111';

/** Indexes that were to be saved long ago and were not. */
export function stuckFindings({ reading }: Read, thresholds: ReadonlyMap<CollectionId, number>): readonly Finding[] {
  return reading.collections.flatMap((collection) => {
    const waiting = sumOver(collection, reading.waiting);
    const threshold = thresholds.get(collection.id) ?? DEFAULT_SYNC_THRESHOLD;
    if (waiting < STUCK_AT * threshold || !canBeSaved(collection)) return [];
    const message = `${counted(waiting, 'new record')} wait in the WAL for the index, which Chroma saves every ${formatCount(threshold)} writes`;
    return [finding('watermark-stuck', shortName(collection), message)];
  });
}

/** A damaged index is told by its damage. */
function canBeSaved({ segments }: Collection): boolean {
  const watermark = watermarkOf(segments);
  return watermark.kind === 'at' || watermark.because === 'never-persisted';
}

/** Rows that no known Chroma writes. */
export function operationFindings({ reading }: Read): readonly Finding[] {
  const names = new Map(reading.collections.flatMap((each) => each.topics.map((topic) => [topic, shortName(each)])));
  return [...reading.unknownOperations].map(([topic, rows]) =>
    finding(
      'unknown-operation',
      names.get(topic) ?? collectionIdOf(topic),
      `${counted(rows, 'WAL row has', 'WAL rows have')} an operation that is none of add, update, upsert and delete`,
    ),
  );
}

function sumOver({ topics }: Collection, values: ReadonlyMap<string, number>): number {
  return topics.reduce((sum, topic) => sum + (values.get(topic) ?? 0), 0);
}
