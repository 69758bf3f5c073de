/**
 * What there is to find of deleted collections and databases.
 */
import { segmentsByCollection } from '../../chroma/catalog.ts';
import type { LeftoverKind } from '../../chroma/leftovers.ts';
import type { TopicUsage } from '../../chroma/model.ts';
import { collectionIdOf } from '../../chroma/topic.ts';
import { counted, formatBytes, formatCount } from '../../units.ts';
import { finding, type Finding } from '../findings/findings.ts';
import type { FindingKind } from '../findings/kinds.ts';
import { isBare, type LeftoverDirectory, type Leftovers, type LeftoverTable } from '../leftovers.ts';
import { shortName } from '../names.ts';
import type { Reading } from '../reading.ts';
import { DATABASE } from './place.ts';

const FINDING_OF: Readonly<Record<LeftoverKind, FindingKind>> = {
  'full-text': 'orphan-full-text',
  embedding_metadata_array: 'orphan-array-metadata',
  embedding_metadata: 'orphan-metadata',
  embeddings: 'orphan-records',
  max_seq_id: 'orphan-position',
  segment_metadata: 'orphan-segment-metadata',
  segments: 'orphan-segment',
  collection_metadata: 'orphan-collection-metadata',
};

/** One finding for each directory of no live segment. */
export function directoryFindings(directories: readonly LeftoverDirectory[]): readonly Finding[] {
  return directories.map(({ id, bytes, because, strangers }) => {
    const also =
      strangers.length === 0 ? '' : `; it also holds ${strangers[0]}, which is not Chroma's, so clean leaves it`;
    return finding('orphan-segment-dir', id, `${formatBytes(bytes)}, ${because}${also}`);
  });
}

/** One finding for each topic of no collection. */
export function topicFindings(topics: readonly TopicUsage[]): readonly Finding[] {
  return topics.map(({ topic, rows, bytes }) =>
    finding(
      'orphan-topic',
      collectionIdOf(topic),
      `${counted(rows, 'WAL row')} (${formatBytes(bytes)}) of no collection`,
    ),
  );
}

/** One finding for each table with rows of nothing. */
export function rowFindings(tables: readonly LeftoverTable[]): readonly Finding[] {
  return tables.map(({ kind, table, rows, of, bytes }) =>
    finding(FINDING_OF[kind], table, `${formatCount(rows)} of ${counted(of, 'row')} (about ${formatBytes(bytes)})`),
  );
}

/** Where the catalogue itself cannot be what Chroma has left. */
export function catalogFindings({ catalog, collections }: Reading, { doubt }: Leftovers): readonly Finding[] {
  if (doubt?.kind === 'empty-catalog') {
    const message = 'it has no collection, but records, directories or WAL rows of some are here';
    return [finding('empty-catalog', DATABASE, message)];
  }
  const segments = segmentsByCollection(catalog);
  return collections
    .filter(({ id }) => isBare(segments.get(id) ?? []))
    .map((each) => {
      const kinds = (segments.get(each.id) ?? []).map(({ kind }) => kind);
      const has = kinds.length === 0 ? 'no segments' : `only a ${kinds.join(' and a ')} segment`;
      return finding('collection-without-segments', shortName(each), `it has ${has}`);
    });
}
