import type { FindingTexts } from './kinds.ts';

export type LeftoverFinding =
  | 'orphan-segment-dir'
  | 'orphan-segment'
  | 'orphan-records'
  | 'orphan-metadata'
  | 'orphan-array-metadata'
  | 'orphan-full-text'
  | 'orphan-position'
  | 'orphan-collection-metadata'
  | 'orphan-segment-metadata'
  | 'orphan-topic'
  | 'unreachable-collection'
  | 'empty-catalog'
  | 'collection-without-segments'
  | 'quarantine'
  | 'unfinished-rebuild';

const CLEAN = 'chroma-maint clean {dir}';

/** What deleted collections left behind, and what this program did. */
export const LEFTOVER_TEXTS: FindingTexts<LeftoverFinding> = {
  'orphan-segment-dir': {
    severity: 'warning',
    title: 'A directory with index files belongs to no segment.',
    remedy: CLEAN,
  },
  'orphan-segment': {
    severity: 'warning',
    title: 'Segments belong to collections that are gone.',
    remedy: CLEAN,
  },
  'orphan-records': {
    severity: 'warning',
    title: 'Records belong to no live segment.',
    remedy: CLEAN,
  },
  'orphan-metadata': {
    severity: 'warning',
    title: 'Metadata and documents belong to no live record.',
    remedy: CLEAN,
  },
  'orphan-array-metadata': {
    severity: 'warning',
    title: 'List values of metadata belong to no live record.',
    remedy: CLEAN,
  },
  'orphan-full-text': {
    severity: 'warning',
    title: 'The full-text index holds documents of no live record.',
    remedy: CLEAN,
  },
  'orphan-position': {
    severity: 'warning',
    title: 'Recorded positions belong to no live segment.',
    remedy: CLEAN,
  },
  'orphan-collection-metadata': {
    severity: 'warning',
    title: 'Metadata of collections belongs to none.',
    remedy: CLEAN,
  },
  'orphan-segment-metadata': {
    severity: 'warning',
    title: 'Metadata of segments belongs to no live one.',
    remedy: CLEAN,
  },
  'orphan-topic': {
    severity: 'warning',
    title: 'WAL rows belong to no collection.',
    remedy: CLEAN,
  },
  'unreachable-collection': {
    severity: 'warning',
    title: 'The database that a collection belongs to is gone.',
    remedy: 'Restore a backup where its records are needed; it is treated as live, and nothing of it is deleted.',
  },
  'empty-catalog': {
    severity: 'error',
    title: 'No segment is recorded, but directories with index files are here.',
    remedy: 'Restore a backup, unless every collection was deleted on purpose.',
  },
  'collection-without-segments': {
    severity: 'error',
    title: 'A collection has no segments.',
    remedy: 'Restore a backup, or add the records to a new collection.',
  },
  quarantine: {
    severity: 'info',
    title: 'Directories that clean moved out of the way are still here.',
    remedy: 'chroma-maint clean {dir} --purge-quarantine --older-than 7d',
  },
  'unfinished-rebuild': {
    severity: 'info',
    title: 'The new file of a vacuum that was cut off, or is running, lies beside the database.',
    remedy: 'chroma-maint vacuum {dir}',
  },
};
