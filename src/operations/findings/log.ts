import type { FindingTexts } from './kinds.ts';

export type LogFinding =
  | 'watermark-ahead-of-queue'
  | 'watermark-poisoned'
  | 'watermark-invalid'
  | 'blob-watermark'
  | 'vector-ahead-of-metadata'
  | 'watermark-stuck'
  | 'anchor-missing'
  | 'never-persisted'
  | 'auto-purge-off'
  | 'auto-purge-not-available'
  | 'cross-topic-purge'
  | 'ambiguous-topic'
  | 'unknown-operation'
  | 'unknown-segment-type'
  | 'vectors-missing-from-index';

/** Chroma's write-ahead log, and how far each segment says that it has saved it. */
export const LOG_TEXTS: FindingTexts<LogFinding> = {
  'watermark-ahead-of-queue': {
    severity: 'error',
    title: 'A recorded position is above the last row of the WAL.',
    remedy:
      'Stop writing to this directory: new records are being lost; restore a backup, or add the records to a new directory.',
  },
  'watermark-poisoned': {
    severity: 'error',
    title: 'A recorded position is a number that no WAL can reach.',
    remedy: 'Stop writing to this collection: nothing new of it is stored; restore a backup from before the damage.',
  },
  'watermark-invalid': {
    severity: 'error',
    title: 'A recorded position is none.',
    remedy: 'Restore a backup, or add the records to a new collection; the WAL rows of this one are kept meanwhile.',
  },
  'blob-watermark': {
    severity: 'warning',
    title: 'A recorded position is stored in the form of an older Chroma.',
    remedy: 'Open the directory with the Chroma that wrote last, or restore a backup: Chroma 1.x cannot read it.',
  },
  'vector-ahead-of-metadata': {
    severity: 'error',
    title: 'The index claims to have saved more of the WAL than the metadata has.',
    remedy: 'Restore a backup, or add the records to a new collection; no WAL row of this one is deleted meanwhile.',
  },
  'watermark-stuck': {
    severity: 'warning',
    title: 'The index has not saved its part of the WAL for longer than its sync threshold.',
    remedy: "Restart Chroma and query this collection; where it stays, look for the index's error in Chroma's log.",
  },
  'anchor-missing': {
    severity: 'warning',
    title: 'The collection has no WAL row of its own that keeps its numbering from being used again.',
    remedy: 'Write to this collection before deleting others; prune leaves what keeps its numbering safe.',
  },
  'never-persisted': {
    severity: 'info',
    title: 'The index was never saved: its vectors exist only in the WAL.',
    remedy: 'Nothing needs to be done: Chroma saves the index at its sync threshold.',
  },
  'auto-purge-off': {
    severity: 'warning',
    title: 'Chroma deletes nothing from its WAL here.',
    remedy: 'chroma-maint prune {dir}',
  },
  'auto-purge-not-available': {
    severity: 'info',
    title: 'The Chroma that wrote this never deletes from its WAL.',
    remedy: 'chroma-maint prune {dir}',
  },
  'cross-topic-purge': {
    severity: 'info',
    title: 'A Chroma that may have written this deleted WAL rows of other collections.',
    remedy: 'chroma-maint check {dir} --deep',
  },
  'ambiguous-topic': {
    severity: 'error',
    title: 'It cannot be told which WAL rows belong to this collection.',
    remedy: 'Find out which server setting (tenant_id, topic_namespace) changed, and set it back.',
  },
  'unknown-operation': {
    severity: 'warning',
    title: 'The WAL has rows with an operation that is not add, update, upsert or delete.',
    remedy: 'Find out what wrote these rows before anything is deleted from the WAL.',
  },
  'unknown-segment-type': {
    severity: 'error',
    title: 'The collection has a segment of a type that a local Chroma does not write, or lacks one of the two.',
    remedy: 'Leave this collection to the Chroma that wrote it.',
  },
  'vectors-missing-from-index': {
    severity: 'error',
    title: 'The index lacks records that it should hold.',
    remedy: 'Upsert these records again, with their embeddings; their WAL rows are kept meanwhile.',
  },
};
