/**
 * One reading of a persist directory: everything a plan or an inspection is decided from.
 */
import { join } from 'node:path';
import type { Catalog } from '../chroma/catalog.ts';
import { QUEUE } from '../chroma/embeddings-queue.ts';
import { idsNotIndexed } from '../chroma/index-metadata.ts';
import type { Collection, CollectionId, Schema, Segment, SegmentId, Topic, TopicUsage } from '../chroma/model.ts';
import type { PersistDir } from '../chroma/persist-dir.ts';
import { markOf, planCutoffs, planPrune, type PrunePlan, type TopicCutoff } from '../chroma/prune-plan.ts';
import { queueInPages, scanQueue, wholeQueue, type QueueScan, type ScanQuestions } from '../chroma/queue-scan.ts';
import { readRetained, type Retention } from '../chroma/retention.ts';
import type { DecodedSeqId, SeqId } from '../chroma/seq-id.ts';
import { readAutoVacuum, type AutoVacuum } from '../sqlite/auto-vacuum.ts';
import { obstacleToCopy } from '../sqlite/copy.ts';
import type { Database } from '../sqlite/open.ts';
import { readPageCounts, type PageCounts } from '../sqlite/pages.ts';
import type { NamedCollection } from './names.ts';
import { readPositions, type IndexReading, type Owners, type Positions } from './positions.ts';

export interface Reading {
  readonly dir: PersistDir;
  readonly schema: Schema;
  readonly catalog: Catalog;
  readonly collections: readonly Collection[];
  /** Collections that the operator has left out. */
  readonly excluded: ReadonlySet<CollectionId>;
  readonly usage: ReadonlyMap<Topic, TopicUsage>;
  /** What each collection's mark says of its topic's rows (see queue-scan.ts). */
  readonly below: QueueScan['below'];
  /** What of that goes where some of it is to stay on request; empty where nothing is. */
  readonly retained: ReadonlyMap<Topic, TopicCutoff>;
  readonly missing: QueueScan['missing'];
  readonly waiting: QueueScan['waiting'];
  readonly unknownOperations: QueueScan['unknownOperations'];
  /** Topics whose rows belong to no collection. */
  readonly orphanTopics: readonly TopicUsage[];
  readonly lastSeqId: SeqId;
  readonly pages: PageCounts;
  /** How the file gives pages back. */
  readonly autoVacuum: AutoVacuum;
  /** Why the database cannot be copied table by table, null where it can. */
  readonly obstacleToCopy: string | null;
  /** Table `max_seq_id`, rows of deleted segments included. */
  readonly recorded: ReadonlyMap<SegmentId, DecodedSeqId>;
  /** The files of each live vector segment. */
  readonly index: ReadonlyMap<SegmentId, IndexReading>;
}

/** What of the collections is asked. */
export interface ReadingOptions {
  /** Left out by the operator: their indexes are not asked. */
  readonly excluded: ReadonlySet<CollectionId>;
  /** False to believe the watermarks, without asking the indexes for the ids of the queue. */
  readonly asksIndexes: boolean;
  /** True where somebody else may be writing: an open read would keep them from committing, so no statement is long. */
  readonly isShared: boolean;
  /** What is to stay of the rows that could go. */
  readonly retention?: Retention | null;
}

/**
 * Reads `dir` through `db`: a fixed number of statements, whatever the number of collections, and the queue once.
 * `optionsFor` is asked when the names are known.
 */
export function readDirectory(
  db: Database,
  dir: PersistDir,
  optionsFor: (collections: readonly NamedCollection[]) => ReadingOptions,
): Reading {
  const positions = readPositions(db, dir);
  const { catalog, lastSeqId } = positions;
  const options = optionsFor(catalog.collections);
  const pages = readPageCounts(db);
  const questions = questionsOn(dir, positions, options);
  const rows = options.isShared ? queueInPages(db) : wholeQueue(db);
  const { usage, ...scanned } = scanQueue(rows, pages.pageSize, questions);
  return {
    dir,
    schema: positions.schema,
    catalog,
    collections: collectionsWith([...usage.keys()], positions),
    excluded: options.excluded,
    usage,
    ...scanned,
    retained: retainedOf(db, pages.pageSize, scanned.below, questions, options.retention ?? null),
    orphanTopics: [...usage.values()].filter(({ topic }) => positions.owners(topic).length === 0),
    lastSeqId,
    pages,
    autoVacuum: readAutoVacuum(db),
    obstacleToCopy: obstacleToCopy(db, QUEUE),
    recorded: positions.recorded,
    index: positions.index,
  };
}

/** Every collection with those of `topics` that are its own. */
export function collectionsWith(
  topics: readonly Topic[],
  { catalog, segments, owners }: Pick<Positions, 'catalog' | 'segments' | 'owners'>,
): readonly Collection[] {
  const owned = topicsByOwner(topics, owners);
  return catalog.collections.map(({ id, name, tenant, database }) => ({
    id,
    name,
    tenant,
    database,
    topics: owned.get(id) ?? [],
    segments: segments.get(id) ?? [],
  }));
}

/** Plans a prune from one reading. */
export function planFromReading({ collections, excluded, below, missing, retained, lastSeqId }: Reading): PrunePlan {
  return planPrune(planCutoffs(collections, lastSeqId, excluded), below, missing, lastSeqId, retained);
}

function retainedOf(
  db: Database,
  pageSize: number,
  below: QueueScan['below'],
  { markOf: markOfTopic }: ScanQuestions,
  retention: Retention | null,
): ReadonlyMap<Topic, TopicCutoff> {
  if (retention === null) return new Map();
  const plain = [...below].flatMap(([topic, counted]) => {
    const mark = markOfTopic(topic);
    return mark === null ? [] : [[topic, { ...counted, below: mark.below }] as const];
  });
  return readRetained(db, pageSize, new Map(plain), retention);
}

function questionsOn(
  dir: PersistDir,
  { segments, owners, lastSeqId }: Positions,
  { excluded, asksIndexes }: ReadingOptions,
): ScanQuestions {
  const segmentsOf = (topic: Topic): readonly Segment[] | undefined => {
    const [owner, ...others] = owners(topic);
    return owner === undefined || others.length > 0 || excluded.has(owner) ? undefined : segments.get(owner);
  };
  return {
    markOf(topic) {
      const mark = markOf(segmentsOf(topic) ?? [], lastSeqId);
      return mark === null || asksIndexes ? mark : { ...mark, indexed: null };
    },
    *notIndexed(topic, ids) {
      for (const { id, kind } of segmentsOf(topic) ?? []) {
        if (kind === 'vector') yield* idsNotIndexed(join(dir.path, id), ids);
      }
    },
  };
}

function topicsByOwner(topics: readonly Topic[], owners: Owners): ReadonlyMap<CollectionId, readonly Topic[]> {
  const owned = new Map<CollectionId, Topic[]>();
  for (const topic of topics) {
    for (const owner of owners(topic)) owned.set(owner, [...(owned.get(owner) ?? []), topic]);
  }
  return owned;
}
