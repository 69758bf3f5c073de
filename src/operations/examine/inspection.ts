/**
 * What an inspection tells: what can be seen without reading everything.
 */
import { liveSegments } from '../../chroma/catalog.ts';
import type { CollectionPlan } from '../collections.ts';
import type { Finding } from '../findings/findings.ts';
import type { InspectionReading } from '../inspection.ts';
import { leftoverDirectories } from '../leftovers.ts';
import { directoryFindings, topicFindings } from './leftovers.ts';
import { purgeFindings, sequenceFindings, skipFindings, watermarkFindings } from './log.ts';
import { ownFileFindings, placeFindings } from './place.ts';

export function inspectionFindings(
  read: InspectionReading,
  collections: readonly CollectionPlan[],
): readonly Finding[] {
  const { dir, host, reading, segmentDirs, rebuiltBytes } = read;
  const { catalog, orphanTopics } = reading;
  return [
    ...sequenceFindings(read),
    ...collections.flatMap(skipFindings),
    ...watermarkFindings(read),
    ...purgeFindings(read),
    ...topicFindings(orphanTopics),
    ...directoryFindings(leftoverDirectories(segmentDirs, catalog, liveSegments(catalog))),
    ...ownFileFindings(dir, rebuiltBytes, host.now()),
    ...placeFindings(read),
  ];
}
