/**
 * A row of the queue with what can be told of it.
 */
import { readLastSeqId } from '../../chroma/embeddings-queue.ts';
import { readMaxSeqIds } from '../../chroma/max-seq-id.ts';
import type { Segment, Topic } from '../../chroma/model.ts';
import type { PersistDir } from '../../chroma/persist-dir.ts';
import { membersOf } from '../../chroma/queue-metadata.ts';
import type { QueueRow } from '../../chroma/queue-rows.ts';
import { dimensionOf, normOf } from '../../chroma/queue-vector.ts';
import { standingOf, stateOf, type RowState, type Standing } from '../../chroma/row-state.ts';
import type { SeqId } from '../../chroma/seq-id.ts';
import type { Database } from '../../sqlite/open.ts';
import type { NamedCollection } from '../names.ts';
import { readIndexes, readSegment } from '../positions.ts';
import { redactedKey, redactedNames, redactedRecord } from '../redact.ts';
import type { QueueCatalog } from './question.ts';

export interface DescribedRow extends Omit<QueueRow, 'vector'> {
  /** The one that its topic belongs to; null where there is none, or where several claim it. */
  readonly collection: NamedCollection | null;
  /** Null where it has no vector, or one that is not what its encoding says. */
  readonly dimension: number | null;
  readonly norm: number | null;
  /** Keys in the order in which they were written; null where there is no metadata, or none that is a JSON object. */
  readonly metadataKeys: readonly string[] | null;
  readonly state: RowState;
  /** True where a prune would delete it, as far as positions decide that. */
  readonly isPrunable: boolean;
}

/** What the rows of one topic share. */
export interface TopicStanding {
  readonly collection: NamedCollection | null;
  readonly segments: readonly Segment[];
  /** Null where the topic belongs to no collection. */
  readonly standing: Standing | null;
}

/** What is known of the rows' collections. */
export interface Standings {
  readonly of: (topic: Topic | null) => TopicStanding;
  /** False where one position lies beyond the end of the queue: then a prune deletes nothing in the whole directory. */
  readonly mayPrune: boolean;
  readonly lastSeqId: SeqId;
}

const AMBIGUOUS: Standing = {
  metadata: null,
  index: null,
  below: 0n,
  doubt: 'several collections claim its topic, so whose it is cannot be told',
};

/** Reads the recorded positions of all segments, in the table and in the files of the indexes. */
export function readStandings(db: Database, dir: PersistDir, catalog: QueueCatalog): Standings {
  const recorded = readMaxSeqIds(db);
  const index = readIndexes(dir, [...catalog.segments.values()].flat());
  // The last, so that a server's rows and positions that come meanwhile do not look like positions without rows.
  const lastSeqId = readLastSeqId(db);
  const standings = new Map(
    [...catalog.segments].map(([id, each]) => {
      const segments = each.map((segment) => readSegment(segment, recorded, index));
      return [id, { segments, standing: standingOf(segments, lastSeqId) }];
    }),
  );
  const of = (topic: Topic | null): TopicStanding => {
    const collection = catalog.ownerOf(topic);
    if (catalog.isAmbiguous(topic)) return { collection, segments: [], standing: AMBIGUOUS };
    const { segments = [], standing = null } = standings.get(collection?.id ?? '') ?? {};
    return { collection, segments, standing };
  };
  const isAhead = [...standings.values()]
    .flatMap(({ segments }) => segments)
    .some(({ position }) => position.kind === 'recorded' && position.seqId > lastSeqId);
  return { of: remembering(of), mayPrune: !isAhead, lastSeqId };
}

/** Topics are few, and rows of one come one after the other. */
function remembering(of: Standings['of']): Standings['of'] {
  const known = new Map<Topic | null, TopicStanding>();
  return (topic) => {
    const found = known.get(topic) ?? of(topic);
    known.set(topic, found);
    return found;
  };
}

export function described({ vector, ...row }: QueueRow, standings: Standings): DescribedRow {
  const { collection, standing } = standings.of(row.topic);
  return {
    ...row,
    collection,
    dimension: dimensionOf(row),
    norm: normOf({ ...row, vector }),
    metadataKeys: keysOf(row.metadata),
    state: standing === null ? 'orphan' : stateOf(row.seqId, standing),
    isPrunable: standings.mayPrune && standing !== null && row.seqId < standing.below,
  };
}

function keysOf(metadata: string | null): readonly string[] | null {
  return metadata === null ? null : (membersOf(metadata)?.map(({ key }) => key) ?? null);
}

/** The row with hashes in the place of names, and without what was written into it. */
export function redactedRow<R extends DescribedRow>(row: R): R {
  const { collection, id, metadataKeys } = row;
  return {
    ...row,
    collection: collection === null ? null : { ...collection, ...redactedNames(collection) },
    id: id === null ? null : redactedRecord(id),
    metadata: null,
    metadataKeys: metadataKeys?.map(redactedKey) ?? null,
  };
}
