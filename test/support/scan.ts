/** Single questions to the scan that answers them all at once. */
import type { Topic, TopicUsage } from '../../src/chroma/model.ts';
import type { CollectionCutoff, CountedCutoff } from '../../src/chroma/prune-plan.ts';
import { scanQueue, wholeQueue } from '../../src/chroma/queue-scan.ts';
import { seqId } from '../../src/chroma/seq-id.ts';
import type { Database } from '../../src/sqlite/open.ts';
import { fixture } from './fixtures.ts';

const NO_IDS = (): Iterable<string> => [];

/** Usage of every topic, ordered by topic. */
export function usageOf(db: Database, pageSize = 4096): readonly TopicUsage[] {
  const { usage } = scanQueue(wholeQueue(db), pageSize, { markOf: () => null, notIndexed: NO_IDS });
  return [...usage.values()].toSorted((a, b) => (a.topic < b.topic ? -1 : 1));
}

export function countBelow(db: Database, cutoffs: readonly CollectionCutoff[]): ReadonlyMap<Topic, CountedCutoff> {
  return scanQueue(wholeQueue(db), 4096, { markOf: markFrom(cutoffs), notIndexed: NO_IDS }).below;
}

/** Asks the indexes for `idsAtOnce` ids at a time. */
export function countMissing(
  db: Database,
  cutoffs: readonly CollectionCutoff[],
  holds: (topic: Topic, id: string) => boolean,
  idsAtOnce?: number,
): ReadonlyMap<Topic, number> {
  const notIndexed = (topic: Topic, ids: ReadonlySet<string>): Iterable<string> =>
    [...ids].filter((id) => !holds(topic, id));
  return scanQueue(wholeQueue(db), 4096, { markOf: markFrom(cutoffs), notIndexed }, idsAtOnce).missing;
}

function markFrom(cutoffs: readonly CollectionCutoff[]): (topic: Topic) => CollectionCutoff | null {
  return (topic) => cutoffs.find((each) => each.topic === topic) ?? null;
}

/** A cutoff for every step that the reference expects of the fixture. */
export function expectedCutoffs(name: string): readonly CollectionCutoff[] {
  return fixture(name).expected.collections.flatMap(({ id, topic, below }) =>
    below === null || topic === null
      ? []
      : [{ collectionId: id, topic, below: seqId(BigInt(below)), indexed: seqId(BigInt(below)) }],
  );
}

/** Temporary tables that are left on the connection. */
export function tempTables(db: Database): readonly string[] {
  return db.prepare<[], string>('SELECT name FROM temp.sqlite_schema').pluck().all();
}
