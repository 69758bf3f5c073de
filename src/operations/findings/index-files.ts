import type { FindingTexts } from './kinds.ts';

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
    remedy: 'Restore a backup, or upsert the records of this collection again; its WAL rows are kept meanwhile.',
  },
  'pickle-unreadable': {
    severity: 'error',
    title: "The index's list of ids is damaged.",
    remedy: 'Restore a backup, or add the records to a new collection; the WAL rows of this one are kept meanwhile.',
  },
  'segment-dir-missing': {
    severity: 'error',
    title: "The index's directory is gone, although it was saved.",
    remedy: 'Put the directory back from a backup, or upsert the records of this collection again.',
  },
  'index-files-damaged': {
    severity: 'error',
    title: "The index's files cannot hold what its list of ids names.",
    remedy: 'Restore a backup, or add the records to a new collection; the WAL rows of this one are kept meanwhile.',
  },
  'index-count-differs': {
    severity: 'warning',
    title: 'The index and the metadata do not have the same number of records.',
    remedy: 'chroma-maint check {dir} --deep',
  },
  'deleted-elements': {
    severity: 'warning',
    title: 'Much of the index is vectors of deleted records.',
    remedy: 'Copy the records into a new collection where the space matters, and delete this one.',
  },
  'unused-capacity': {
    severity: 'info',
    title: 'The index files have room for more vectors than they hold.',
    remedy: 'Nothing needs to be done: Chroma fills the room with new vectors.',
  },
  'runaway-link-lists': {
    severity: 'error',
    title: "The index's file link_lists.bin has run away.",
    remedy: 'Stop Chroma, and restore a backup or add the records to a new collection: it grows with every save.',
  },
  'records-without-vector': {
    severity: 'error',
    title: 'Records have no vector, neither in the index nor in the WAL.',
    remedy: 'Upsert these records again, with their embeddings.',
  },
  'vectors-without-record': {
    severity: 'warning',
    title: 'The index holds vectors of records that do not exist.',
    remedy: 'Copy the records into a new collection where these vectors are in the way, and delete this one.',
  },
  'index-rebuildable': {
    severity: 'info',
    title: 'The WAL still has everything that this index needs.',
    remedy: 'Keep these WAL rows until the index is whole: do not prune, and make a backup first.',
  },
  'index-not-rebuildable': {
    severity: 'error',
    title: 'The WAL no longer has everything that this index needs.',
    remedy: 'Restore a backup, or upsert the records that are missing, with their embeddings.',
  },
};
