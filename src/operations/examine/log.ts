/**
 * What there is to find in the queue, and in how far every segment says that it has saved it.
 */
import type { AutoPurge } from '../../chroma/auto-purge.ts';
import type { Collection, CollectionId, SkipReason } from '../../chroma/model.ts';
import { isAnchorMissing, sequenceRegressions } from '../../chroma/prune-plan.ts';
import { poisonedFrom } from '../../chroma/seq-id.ts';
import { collectionIdOf } from '../../chroma/topic.ts';
import { watermarkOf } from '../../chroma/watermark.ts';
import { counted, formatCount } from '../../units.ts';
import type { CollectionPlan } from '../collections.ts';
import { finding, type Finding } from '../findings/findings.ts';
import type { FindingKind } from '../findings/kinds.ts';
import { shortName } from '../names.ts';
import type { Reading } from '../reading.ts';
import { DATABASE } from './place.ts';

/** So many times the interval may wait before it is said that the index is no longer saved. */
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

/** Skips that say nothing of the state of a directory. */
const NO_FINDING = ['excluded', 'nothing-to-prune', 'kept-on-request', 'being-saved'] as const;

/** Why a collection could not be pruned. */
export function skipFindings(collection: CollectionPlan): readonly Finding[] {
  const { skip, rows } = collection;
  if (skip === null || isNoFinding(skip.reason)) return [];
  if (skip.reason === 'never-persisted') {
    const message = `${counted(rows, 'row exists', 'rows exist')} only in the WAL: its index was never saved`;
    return [finding('never-persisted', shortName(collection), message)];
  }
  return [finding(skip.reason, shortName(collection), skip.message)];
}

function isNoFinding(reason: SkipReason): reason is (typeof NO_FINDING)[number] {
  return (NO_FINDING as readonly SkipReason[]).includes(reason);
}

/** What is odd about positions that can be worked with. */
export function watermarkFindings({ reading }: Read): readonly Finding[] {
  return reading.collections.flatMap((collection) => {
    const name = shortName(collection);
    const found: Finding[] = [];
    if (hasNoAnchor(collection, reading)) {
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

/**
 * True where none of its own rows keeps its numbering from being used again. Not where its position is beyond the last
 * row of all: nothing may be written there any more, and what a missing anchor asks for is to write.
 */
function hasNoAnchor({ segments, topics }: Collection, { usage, lastSeqId }: Reading): boolean {
  const watermark = watermarkOf(segments);
  if (watermark.kind === 'at' && watermark.highest > lastSeqId) return false;
  const usages = topics.length === 0 ? [undefined] : topics.map((topic) => usage.get(topic));
  return usages.every((each) => isAnchorMissing(watermark, each));
}

/** Which Chroma that is the directory does not tell. */
const VERSION = 'VERSION is the Chroma that opens it from now on, 0.5.13 or later';

/** Whether Chroma itself keeps the queue small. */
export function purgeFindings({ reading, autoPurge }: Read & { readonly autoPurge: AutoPurge }): readonly Finding[] {
  const found: Finding[] = [];
  const say = (id: FindingKind, message: string): void => void found.push(finding(id, DATABASE, message));
  if (reading.schema.generation === 'D') {
    say('cross-topic-purge', 'Chroma 0.5.6 to 0.5.12, which may have written it, purged rows of other collections');
  }
  if (autoPurge === 'off') {
    const deletesNothing = 'Chroma deletes nothing from its WAL here; it will grow again after a prune';
    if (reading.schema.generation === 'D') {
      const off = finding('auto-purge-off', DATABASE, `${deletesNothing}. ${VERSION}`);
      found.push({ ...off, remedy: `${off.remedy} --chroma-version VERSION` });
    } else say('auto-purge-off', deletesNothing);
  }
  if (autoPurge === 'not-available') say('auto-purge-not-available', 'Chroma before 0.5.6 never deletes from its WAL');
  return found;
}

/** Positions that the upgrade to Chroma 1.0 has made of a number in the old column: no queue ever reaches them. */
export function poisonedFindings({ reading }: Read): readonly Finding[] {
  return reading.collections.flatMap((collection) =>
    collection.segments.flatMap(({ kind, position }) => {
      const before = position.kind === 'recorded' ? poisonedFrom(position.seqId) : null;
      if (position.kind !== 'recorded' || before === null) return [];
      const whose = kind === 'vector' ? 'its index' : 'its metadata';
      const message = `the recorded position of ${whose}, ${position.seqId}, is what the upgrade to Chroma 1.0 makes of ${before} stored as INTEGER`;
      return [finding('watermark-poisoned', shortName(collection), message)];
    }),
  );
}

/** Indexes that were to be saved long ago and were not. `intervalOf` tells after how many writes one is. */
export function stuckFindings({ reading }: Read, intervalOf: (id: CollectionId) => number): readonly Finding[] {
  // Before 0.5.5 only what adds a record counted for Chroma, from 0.5.6 on every row does, and 0.5.5 is in between.
  const countsAll = reading.schema.versions.embeddingsQueue >= 2;
  return reading.collections.flatMap((collection) => {
    const waiting = collection.topics.reduce((sum, topic) => {
      const { rows, adds } = reading.waiting.get(topic) ?? { rows: 0, adds: 0 };
      return sum + (countsAll ? rows : adds);
    }, 0);
    const interval = intervalOf(collection.id);
    if (waiting < STUCK_AT * interval || !canBeSaved(collection)) return [];
    const what = countsAll
      ? counted(waiting, 'WAL row waits', 'WAL rows wait')
      : counted(waiting, 'new record waits', 'new records wait');
    const message = `${what} to be saved with its index, which Chroma does every ${formatCount(interval)} writes`;
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
