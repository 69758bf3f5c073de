import type { FindingTexts } from './texts.ts';
import { COPY_FIRST, LOOK_DEEPER, RESTORE, SET_INDEX_ASIDE, UPSERT_ALL } from './steps.ts';

export type IndexFinding =
  | 'pickle-missing'
  | 'pickle-unreadable'
  | 'segment-dir-missing'
  | 'index-files-damaged'
  | 'index-count-differs'
  | 'deleted-elements'
  | 'unused-capacity'
  | 'runaway-link-lists'
  | 'records-without-vector'
  | 'vectors-without-record'
  | 'index-rebuildable'
  | 'index-not-rebuildable';

/** The files of a vector segment, and whether they hold what the rest of the directory says. */
export const INDEX_TEXTS: FindingTexts<IndexFinding> = {
  'pickle-missing': {
    severity: 'error',
    title: 'The index was saved once, and its list of ids is gone.',
    means:
      'A position is recorded for this index, so Chroma has saved it; the file index_metadata.pickle in its directory, without which the vectors are of no use, is not there.',
    matters:
      'Chroma 0.6.3 believes the position and has no vector up to it, even where the WAL still holds them. Chroma 1.x makes the index anew from what is left in the WAL (tried with 1.5.9). The WAL rows of the collection may be the last copy, and none is deleted.',
    remedy: 'Restore a backup, or upsert the records of this collection again; its WAL rows are kept meanwhile.',
    steps: [COPY_FIRST, RESTORE, UPSERT_ALL, LOOK_DEEPER],
    sources: { format: ['Recorded positions', 'What Chroma makes of damage'] },
  },
  'pickle-unreadable': {
    severity: 'error',
    title: "The index's list of ids is damaged.",
    means:
      'The file index_metadata.pickle is empty, cut short or not what Chroma writes, or was written to while it was read. Chroma writes it in place and without fsync, so a kill or a full disk leaves half of it.',
    matters:
      'Chroma 1.5.9 fails on every call to the collection, 0.5.5 and 0.6.3 on every call that needs a vector (tried). The WAL may hold the last copy of the vectors, and none of its rows is deleted.',
    remedy: 'Restore a backup, or set the index aside and upsert the records; the WAL rows are kept meanwhile.',
    steps: [COPY_FIRST, RESTORE, SET_INDEX_ASIDE, UPSERT_ALL, LOOK_DEEPER],
    sources: { format: ['Pickle', 'What Chroma makes of damage'], issues: ['chroma#4218', 'chroma#1623'] },
  },
  'segment-dir-missing': {
    severity: 'error',
    title: "The index's directory is gone, although it was saved.",
    means:
      'A position is recorded for this index, and no directory has its name. A copy that left it out does that, and so does a tool that takes directories for orphans because they are not named after collections.',
    matters:
      'The vectors up to the position are gone from queries, unless Chroma can make the index anew from the WAL: 1.x does, as far as the WAL goes; 0.5.6 to 0.6.3 do not (tried with 0.6.3 and 1.5.9).',
    remedy: 'Put the directory back from a backup, or upsert the records of this collection again.',
    steps: [COPY_FIRST, RESTORE, UPSERT_ALL, LOOK_DEEPER],
    sources: { format: ['Recorded positions', 'What Chroma makes of damage'] },
  },
  'index-files-damaged': {
    severity: 'error',
    title: "The index's files cannot hold what its list of ids names.",
    means:
      'header.bin counts fewer elements than the list has ids, or data_level0.bin is too short for them, or one of the files is missing. Chroma never syncs them, so a power loss leaves this behind a database that is whole.',
    matters:
      'Loading such an index ended the whole process of 0.5.5; 0.6.3 and 1.5.9 returned wrong vectors or errors for most records, and upserting did not mend it (tried). None of the WAL rows of the collection is deleted.',
    remedy: 'Restore a backup, or set the index aside and upsert the records; the WAL rows are kept meanwhile.',
    steps: [COPY_FIRST, RESTORE, SET_INDEX_ASIDE, UPSERT_ALL, LOOK_DEEPER],
    sources: { format: ['HNSW files', 'What Chroma makes of damage'] },
  },
  'index-count-differs': {
    severity: 'warning',
    title: 'The index does not list as many vectors as there are records.',
    means:
      'Where index and metadata have saved the same part of the WAL, the list of ids is as long as the collection has records. Here it is longer or shorter.',
    matters:
      'Either records have lost their vectors, and queries do not find them, or there are vectors of records that are gone. The numbers alone do not tell which ids.',
    remedy: 'chroma-maint check {dir} --deep',
    sources: { format: ['HNSW files'] },
  },
  'deleted-elements': {
    severity: 'warning',
    title: 'Much of the index is vectors of deleted records.',
    means: 'An HNSW index does not remove a vector: it marks it as deleted. Here marked ones are a large share of all.',
    matters:
      'They take room on disk and in memory and stay readable in the file. Neither prune nor vacuum changes index files, and Chroma has nothing that removes them.',
    remedy: 'Copy the records into a new collection where the space matters, and delete this one.',
    steps: [
      { text: 'Copy the records with their embeddings into a new collection through Chroma, and delete the old one.' },
      { text: 'Remove the directory that it leaves behind, with Chroma stopped.', command: 'chroma-maint clean {dir}' },
    ],
    sources: { format: ['HNSW files'], issues: ['chroma#2594', 'chroma#7662'] },
  },
  'unused-capacity': {
    severity: 'info',
    title: 'The index files have room for more vectors than they hold.',
    means:
      'Chroma makes the files of a new index with empty slots: 1.0.12 and 1.0.20 with 10,000, 1.3.7 and later with 100, its Python versions with 1,000.',
    matters: 'The slots take room, more with more dimensions, until records fill them. Nothing is wrong.',
    remedy: 'Nothing needs to be done: Chroma fills the room with new vectors.',
    sources: { format: ['HNSW files'] },
  },
  'runaway-link-lists': {
    severity: 'error',
    title: "The index's file link_lists.bin has run away.",
    means:
      'It holds the links of the few vectors on upper levels, and is a small fraction of data_level0.bin in a sound index. Here it is larger than that file; what it seems to have can be far above what it takes on the disk.',
    matters:
      'It can fill the disk: terabytes have been reported. It is not the WAL, so neither prune nor vacuum makes it smaller. A copy that does not keep holes takes all that it seems to have; cp -a and backup create keep them.',
    remedy: 'Stop Chroma, and restore a backup or add the records to a new collection.',
    steps: [
      {
        text: 'Stop Chroma. See what it takes, in the first column, and what it seems to have.',
        command: 'ls -ls {dir}/*/link_lists.bin',
      },
      RESTORE,
      SET_INDEX_ASIDE,
      UPSERT_ALL,
    ],
    sources: { format: ['HNSW files'], issues: ['chroma#7510'] },
  },
  'records-without-vector': {
    severity: 'error',
    title: 'Records have no vector, neither in the index nor in the WAL.',
    means:
      'They are in the metadata; the list of ids of the index does not have them, and no WAL row that is still to be applied does. The purge of Chroma 0.5.6 to 0.5.12 has done that, and a WAL that was emptied by hand.',
    matters:
      'Chroma counts them and returns their documents, but no query finds them, and reading their embeddings fails or gives none (tried with 0.5.7 and 1.5.9). Upserting them mends it in both.',
    remedy: 'Upsert these records again, with their embeddings.',
    sources: { format: ['Auto-purge', 'What Chroma makes of damage'], issues: ['chroma#2922'] },
  },
  'vectors-without-record': {
    severity: 'warning',
    title: 'The index holds vectors of records that do not exist.',
    means:
      'The list of ids of the index has ids that the metadata does not have. Chroma 0.5.5 and 0.6.3 leave such a vector where one id is deleted, added and deleted again within one batch.',
    matters:
      'A query can return such an id in the place of one that exists; neither count nor get has it. Deleting the id through Chroma removes it (tried with 0.5.5, 0.6.3 and 1.5.9).',
    remedy: 'Delete these ids through Chroma.',
    sources: { format: ['What Chroma makes of damage'] },
  },
  'index-rebuildable': {
    severity: 'info',
    title: 'The WAL still has everything that this index needs.',
    means: 'For every record of the collection the WAL holds the row with its vector.',
    matters:
      'Nothing is lost, whatever the index is like. Chroma up to 0.5.5 and Chroma 1.x make it anew from the WAL when its directory is not there; 0.5.6 to 0.6.3 do not (tried with 0.5.5, 0.6.3 and 1.5.9).',
    remedy: 'Make a backup first. prune and vacuum leave the rows of this collection alone until its index is whole.',
    steps: [
      { text: 'Keep what is there.', command: 'chroma-maint backup create {dir} --to /backup' },
      {
        ...SET_INDEX_ASIDE,
        text: 'With Chroma stopped, and where it is up to 0.5.5 or from 1.0 on: find the id of the index, and move the directory of that name out of the persist directory.',
      },
      { text: 'Start Chroma, and query the collection. With 0.5.6 to 0.6.3 upsert its records instead.' },
      LOOK_DEEPER,
    ],
    sources: { format: ['What Chroma makes of damage'] },
  },
  'index-not-rebuildable': {
    severity: 'error',
    title: 'The WAL no longer has everything that this index needs.',
    means:
      'Rows with vectors of records that are there have been purged or pruned, as is usual once an index is saved.',
    matters:
      'An index made anew from the WAL lacks these vectors, whatever Chroma makes it. What the damaged index still holds may be their only copy: do not remove it.',
    remedy: 'Restore a backup, or upsert the records that are missing, with their embeddings.',
    steps: [
      COPY_FIRST,
      RESTORE,
      {
        text: 'Where that is not possible: do what the other finding of this collection says, and upsert its records.',
      },
      LOOK_DEEPER,
    ],
    sources: { format: ['What may be deleted', 'What Chroma makes of damage'] },
  },
};
