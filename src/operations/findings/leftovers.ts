import type { FindingTexts } from './texts.ts';
import { COPY_FIRST, RESTORE, START_ANEW } from './steps.ts';

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
const LEFT_BEHIND = { format: ['What a delete leaves behind'] };

/** What deleted collections left behind, and what this program did. */
export const LEFTOVER_TEXTS: FindingTexts<LeftoverFinding> = {
  'orphan-segment-dir': {
    severity: 'warning',
    title: 'A directory with index files belongs to no live segment.',
    means:
      'Its name is a UUID that no segment of a collection has. Chroma 0.4.0 to 0.4.8, 0.5.21 to 0.6.3 and every 1.x leave the directory of a deleted collection, the versions between them where the collection was not loaded.',
    matters: 'Nothing reads it again. It takes its space, often the largest part of what can be given back, for ever.',
    remedy: CLEAN,
    steps: [
      { text: 'See what would go, and why.', command: 'chroma-maint clean {dir} --dry-run' },
      { text: 'With Chroma stopped, put the directories aside. That can be undone.', command: CLEAN },
      {
        text: 'When nothing is missed, delete them.',
        command: 'chroma-maint clean {dir} --purge-quarantine --older-than 7d',
      },
    ],
    sources: { ...LEFT_BEHIND, issues: ['chroma#1309', 'chroma#5520'] },
  },
  'orphan-segment': {
    severity: 'warning',
    title: 'Segments belong to collections that are gone.',
    means: 'The table segments has rows whose collection is not in collections. Deleting a whole database leaves them.',
    matters: 'A single one makes chroma vacuum of Chroma 1.x give up, with "Failed to vacuum Chroma" and exit code 0.',
    remedy: CLEAN,
    sources: LEFT_BEHIND,
  },
  'orphan-records': {
    severity: 'warning',
    title: 'Records belong to no live segment.',
    means:
      'The table embeddings has rows of deleted collections. Chroma 0.4.0 to 0.4.18 and 0.5.21 to 1.0.13 leave them always, 0.4.19 to 0.5.20 where the collection was not loaded.',
    matters: 'They take space in the database with everything that hangs on them, and stay readable in the file.',
    remedy: CLEAN,
    sources: LEFT_BEHIND,
  },
  'orphan-metadata': {
    severity: 'warning',
    title: 'Metadata and documents belong to no live record.',
    means: 'The table embedding_metadata, which holds the documents too, has rows of records that are gone.',
    matters: 'This is where most of what a deleted collection leaves in the database is. What was deleted can be read.',
    remedy: CLEAN,
    sources: LEFT_BEHIND,
  },
  'orphan-array-metadata': {
    severity: 'warning',
    title: 'List values of metadata belong to no live record.',
    means:
      'The table embedding_metadata_array came with Chroma 1.5.0, and deleting a collection does not remove its rows there.',
    matters:
      'Row numbers of records are used again: a new record, of any collection, then has the lists of a deleted one in its metadata (tried with 1.5.9).',
    remedy: CLEAN,
    sources: { ...LEFT_BEHIND, issues: ['chroma#7594'] },
  },
  'orphan-full-text': {
    severity: 'warning',
    title: 'The full-text index holds documents of no live record.',
    means:
      'Chroma removes the text of a deleted collection from the full-text table from 0.4.23 on, and not in every version after it. Up to 0.4.24 the text of records that are deleted one by one stays as well.',
    matters: 'A second copy of the documents, with an index over it: both take space, and the text stays readable.',
    remedy: CLEAN,
    sources: LEFT_BEHIND,
  },
  'orphan-position': {
    severity: 'warning',
    title: 'Recorded positions belong to no live segment.',
    means: 'The table max_seq_id has rows of segments of deleted collections. Chroma up to 1.0.13 leaves them.',
    matters: 'They are a few bytes each and decide nothing any more.',
    remedy: CLEAN,
    sources: LEFT_BEHIND,
  },
  'orphan-collection-metadata': {
    severity: 'warning',
    title: 'Metadata of collections belongs to none.',
    means: 'The table collection_metadata has rows of deleted collections. Chroma up to 0.6.3 leaves them.',
    matters: 'A few bytes each, with names and settings that somebody gave a collection.',
    remedy: CLEAN,
    sources: LEFT_BEHIND,
  },
  'orphan-segment-metadata': {
    severity: 'warning',
    title: 'Metadata of segments belongs to no live one.',
    means: 'The table segment_metadata has rows of segments that are gone. Chroma up to 1.0.13 leaves them.',
    matters: 'A few bytes each, with the settings of an index that is gone.',
    remedy: CLEAN,
    sources: LEFT_BEHIND,
  },
  'orphan-topic': {
    severity: 'warning',
    title: 'WAL rows belong to no collection.',
    means:
      "The topic of these rows ends in no collection's id. Deleting a whole database with Chroma 0.6.3 leaves them.",
    matters:
      'Nobody applies or purges them, and prune and vacuum leave them alone. clean deletes them, but for the last row of the whole WAL, on which the numbering of new rows rests.',
    remedy: CLEAN,
    sources: { format: ['Topics', 'What a delete leaves behind'] },
  },
  'unreachable-collection': {
    severity: 'warning',
    title: 'The database that a collection belongs to is gone.',
    means: "The collection's database_id is not in the table databases, so no Chroma lists it or opens it.",
    matters:
      'Its records, its index and its WAL rows take space, and nobody can use them. They may be wanted all the same, so it counts as live: nothing of it is cleaned up.',
    remedy: 'Restore a backup where its records are needed; it is treated as live, and nothing of it is deleted.',
    sources: { format: ['Segments'] },
  },
  'empty-catalog': {
    severity: 'error',
    title: 'No collection is recorded, but what belonged to some is here.',
    means:
      'The catalogue is empty, while directories or rows of segments are there. Either every collection was deleted, or the catalogue was lost.',
    matters:
      'The directory does not tell which of the two. Where the catalogue was lost, these are the live data, so clean leaves everything alone (exit code 3).',
    remedy: 'Restore a backup, unless every collection was deleted on purpose.',
    steps: [
      RESTORE,
      {
        text: 'If every collection was deleted on purpose, put the directories aside; that can be undone. Rows go only with --backup.',
        command: 'chroma-maint clean {dir} --allow-empty-catalog',
      },
    ],
    sources: LEFT_BEHIND,
  },
  'collection-without-segments': {
    severity: 'error',
    title: 'A collection lacks its segments.',
    means:
      'The table segments has not both of the rows that Chroma writes for each collection, which say where its records and its index are.',
    matters:
      'Every call to the collection fails (tried with 0.5.5, 0.6.3 and 1.5.9; others are not affected). Rows and directories that look left behind may be its own, so clean leaves all of them alone.',
    remedy: 'Restore a backup, or delete the collection and add its records again.',
    steps: [COPY_FIRST, RESTORE, START_ANEW],
    sources: { format: ['Segments', 'What Chroma makes of damage'] },
  },
  quarantine: {
    severity: 'info',
    title: 'Directories that clean put aside are still here.',
    means: 'clean moves index directories of deleted collections below .chroma-maint/quarantine, and deletes nothing.',
    matters: 'They take their space until they are deleted, and can be put back until then.',
    remedy: 'chroma-maint clean {dir} --purge-quarantine --older-than 7d',
    steps: [
      {
        text: 'Delete what was put aside more than a week ago; with --older-than 0s, all of it now.',
        command: 'chroma-maint clean {dir} --purge-quarantine --older-than 7d',
      },
      {
        text: 'Or put one back: the id is the name of its directory below .chroma-maint/quarantine.',
        command: 'chroma-maint clean {dir} --restore ID',
      },
    ],
  },
  'unfinished-rebuild': {
    severity: 'info',
    title: 'The new file of a vacuum that was cut off, or is running, lies beside the database.',
    means:
      'The file chroma.sqlite3.chroma-maint-rebuild is what a vacuum writes before it takes the place of the database. The database itself is the old one, whole.',
    matters: 'Nothing reads it, and it takes the space of a database.',
    remedy: 'chroma-maint vacuum {dir}',
    steps: [
      {
        text: 'Run the vacuum again: where it changes something, it removes the file first.',
        command: 'chroma-maint vacuum {dir}',
      },
    ],
    sources: { format: ['VACUUM'] },
  },
};
