/**
 * Records without vectors, vectors without records, and whether the queue could bring a lost index back.
 */
import { join } from 'node:path';
import type { Collection, RecordedPosition, Segment, SegmentId } from '../../chroma/model.ts';
import { compareRecords, type Comparison, type Mismatch, type RecordSource } from '../../chroma/records-and-vectors.ts';
import { NO_ROW, smallest, type SeqId } from '../../chroma/seq-id.ts';
import type { Database } from '../../sqlite/open.ts';
import { counted, formatCount } from '../../units.ts';
import { finding, type Finding } from '../findings/findings.ts';
import { shortName } from '../names.ts';
import type { Reading } from '../reading.ts';
import { redactedRecord } from '../redact.ts';

const MOST_NAMED = 5;

interface Question {
  readonly reading: Reading;
  readonly records: ReadonlyMap<SegmentId, number>;
  readonly redact: boolean;
  /** False where somebody may write while it is read: then what does not match is compared once more. */
  readonly isAlone: boolean;
}

/** A collection to compare, and how it is called. */
interface NamedSource extends RecordSource {
  readonly name: string;
  readonly records: number;
}

/** Compares every collection whose index can be read, and those whose index was never saved. */
export function recordFindings(db: Database, question: Question): readonly Finding[] {
  return compared(db, question).flatMap(({ source: { name }, mismatch }) =>
    mismatch === null
      ? [finding('changed-meanwhile', name, 'its index was written to while it was read, and was not compared')]
      : mismatchFindings(name, mismatch, question),
  );
}

/** Index, records and queue are read one after another: what does not match once may have been on its way. */
function compared(db: Database, question: Question): readonly Comparison<NamedSource>[] {
  const first = compareRecords(db, sourcesOf(question, isComparable));
  if (question.isAlone) return first;
  const doubtful = first.filter(({ mismatch }) => mismatch !== null && !isMatch(mismatch)).map(({ source }) => source);
  const again = new Map(compareRecords(db, doubtful).map(({ source, mismatch }) => [source, mismatch]));
  return first.map(({ source, mismatch }) => {
    const second = again.get(source);
    return { source, mismatch: second === undefined ? mismatch : inBoth(mismatch, second) };
  });
}

function isMatch({ withoutVector, withoutRecord }: Mismatch): boolean {
  return withoutVector.length + withoutRecord.length === 0;
}

function inBoth(first: Mismatch | null, second: Mismatch | null): Mismatch | null {
  if (first === null || second === null) return null;
  const [lost, strange] = [new Set(second.withoutVector), new Set(second.withoutRecord)];
  return {
    withoutVector: first.withoutVector.filter((id) => lost.has(id)),
    withoutRecord: first.withoutRecord.filter((id) => strange.has(id)),
  };
}

function mismatchFindings(
  name: string,
  { withoutVector, withoutRecord }: Mismatch,
  { redact }: Question,
): readonly Finding[] {
  const [lost, strange] = [withoutVector.length, withoutRecord.length];
  const ofLost = `${counted(lost, 'record has', 'records have')} a vector neither in the index nor in the WAL`;
  const ofStrange = `${counted(strange, 'vector')} of the index ${strange === 1 ? 'has' : 'have'} no record`;
  return [
    ...(lost === 0 ? [] : [finding('records-without-vector', name, `${ofLost}: ${listed(withoutVector, redact)}`)]),
    ...(strange === 0
      ? []
      : [finding('vectors-without-record', name, `${ofStrange}: ${listed(withoutRecord, redact)}`)]),
  ];
}

/** For each collection whose index is lost: whether the queue still has what it needs. */
export function rebuildFindings(db: Database, question: Question): readonly Finding[] {
  const lost = sourcesOf(question, isLost).map((source) => ({ ...source, indexDir: null, saved: 0n }));
  return compareRecords(db, lost).map(({ source: { name, records }, mismatch }) => {
    const withoutVector = mismatch?.withoutVector ?? [];
    const has = formatCount(records - withoutVector.length);
    if (records === 0) return finding('index-rebuildable', name, 'it has no record that could miss its vector');
    const message = `the WAL holds the vectors of ${has} of ${counted(records, 'record')}`;
    if (withoutVector.length === 0) return finding('index-rebuildable', name, message);
    return finding('index-not-rebuildable', name, `${message}; not of ${listed(withoutVector, question.redact)}`);
  });
}

function sourcesOf(
  { reading: { collections, dir }, records }: Question,
  isAsked: (vector: RecordedPosition) => boolean,
): readonly NamedSource[] {
  return collections.flatMap((collection) => {
    const [vector, metadata] = [segmentOf(collection, 'vector'), segmentOf(collection, 'metadata')];
    if (vector === undefined || metadata === undefined || !isAsked(vector.position)) return [];
    return [
      {
        name: shortName(collection),
        records: records.get(metadata.id) ?? 0,
        metadataSegment: metadata.id,
        indexDir: vector.position.kind === 'recorded' ? join(dir.path, vector.id) : null,
        topics: collection.topics,
        saved: smallest(positionOf(vector.position), positionOf(metadata.position)),
      },
    ];
  });
}

/** Where an index is damaged, that is what there is to say. */
function isComparable(vector: RecordedPosition): boolean {
  return vector.kind !== 'unreadable';
}

function isLost(vector: RecordedPosition): boolean {
  return vector.kind === 'unreadable' && vector.because !== 'watermark-invalid';
}

function segmentOf({ segments }: Collection, kind: Segment['kind']): Segment | undefined {
  return segments.find((each) => each.kind === kind);
}

function positionOf(position: RecordedPosition): SeqId {
  return position.kind === 'recorded' ? position.seqId : NO_ROW;
}

function listed(ids: readonly string[], redact: boolean): string {
  const shown = ids.slice(0, MOST_NAMED).map((id) => (redact ? redactedRecord(id) : id));
  const more = ids.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${formatCount(more)} more` : '');
}
