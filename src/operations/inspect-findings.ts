/**
 * From what an inspection read to its findings. Pure but for the host's word on the file system.
 */
import { liveSegments } from '../chroma/catalog.ts';
import { collectionIdOf } from '../chroma/topic.ts';
import { isAnchorMissing, sequenceRegressions } from '../chroma/prune-plan.ts';
import { watermarkOf } from '../chroma/watermark.ts';
import { counted, formatBytes } from '../units.ts';
import type { CollectionPlan } from './collections.ts';
import { finding, type Finding } from './findings/findings.ts';
import type { FindingKind } from './findings/kinds.ts';
import { uncertainty } from './in-use.ts';
import type { InspectionReading } from './inspection.ts';
import { leftoverDirectories } from './leftovers.ts';
import { shortName } from './names.ts';

const DATABASE = 'chroma.sqlite3';

export function findingsOf(read: InspectionReading, collections: readonly CollectionPlan[]): readonly Finding[] {
  return [
    ...sequenceFindings(read),
    ...collections.flatMap(skipFindings),
    ...watermarkFindings(read),
    ...purgeFindings(read),
    ...leftoverFindings(read),
    ...placeFindings(read),
  ];
}

function sequenceFindings({ reading }: InspectionReading): readonly Finding[] {
  const names = new Map(reading.collections.map((each) => [each.id, shortName(each)]));
  return sequenceRegressions(reading.collections, reading.lastSeqId).map(({ collectionId, seqId }) =>
    finding(
      'watermark-ahead-of-queue',
      names.get(collectionId) ?? collectionId,
      `recorded up to ${seqId}, but the WAL ends at ${reading.lastSeqId}: Chroma drops new writes numbered below it`,
    ),
  );
}

function skipFindings(collection: CollectionPlan): readonly Finding[] {
  const { skip, rows } = collection;
  if (skip === null || skip.reason === 'excluded' || skip.reason === 'nothing-to-prune') return [];
  if (skip.reason === 'never-persisted') {
    const message = `${counted(rows, 'row exists', 'rows exist')} only in the WAL: its index was never saved`;
    return [finding('never-persisted', shortName(collection), message)];
  }
  return [finding(skip.reason, shortName(collection), skip.message)];
}

function watermarkFindings({ reading }: InspectionReading): readonly Finding[] {
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

function purgeFindings({ reading, autoPurge }: InspectionReading): readonly Finding[] {
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

function leftoverFindings({ reading, segmentDirs, rebuiltBytes }: InspectionReading): readonly Finding[] {
  const topics = reading.orphanTopics.map(({ topic, rows, bytes }) =>
    finding(
      'orphan-topic',
      collectionIdOf(topic),
      `${counted(rows, 'WAL row')} (${formatBytes(bytes)}) of no collection`,
    ),
  );
  const dirs = leftoverDirectories(segmentDirs, reading.catalog, liveSegments(reading.catalog)).map(
    ({ id, bytes, because }) => finding('orphan-segment-dir', id, `${formatBytes(bytes)} of index files: ${because}`),
  );
  const rebuilt =
    rebuiltBytes === null
      ? []
      : [
          finding(
            'unfinished-rebuild',
            DATABASE,
            `${formatBytes(rebuiltBytes)} of a vacuum that was cut off, or is running`,
          ),
        ];
  return [...topics, ...dirs, ...rebuilt];
}

function placeFindings({ dir, host, holders }: InspectionReading): readonly Finding[] {
  const found: Finding[] = [];
  const { isSymlink, links } = dir.database;
  if (isSymlink || links > 1) {
    const what = isSymlink ? `it is a symbolic link to ${dir.databasePath}` : `it has ${links} names (hard links)`;
    found.push(finding('not-one-regular-file', DATABASE, what));
  }
  const { name, isNetwork } = host.fileSystemOf(dir.path);
  if (isNetwork) found.push(finding('network-file-system', dir.path, `it is on a network file system (${name})`));
  if (dir.journal === 'cold')
    found.push(finding('cold-journal', `${DATABASE}-journal`, 'a finished journal is lying beside the database'));
  for (const { pid, command } of holders.holders) found.push(finding('in-use', `pid ${pid}`, command));
  const unknown = uncertainty(holders);
  if (unknown !== null) found.push(finding('processes-not-readable', dir.path, unknown));
  return found;
}
