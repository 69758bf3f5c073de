import type { FindingTexts } from './texts.ts';
import { COPY_FIRST, LOOK_AGAIN, LOOK_DEEPER, RESTORE, START_ANEW } from './steps.ts';

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
    means:
      'Chroma numbers a new WAL row one above the highest that is there, and a segment ignores rows that are not numbered above its position. A position above the end means that the end of the WAL was deleted, or that the position was overwritten.',
    matters:
      'Chroma is losing records now: it accepts a write, and nothing is stored (tried with 0.4.24, 0.5.5, 0.6.3 and 1.5.9). Commands that write refuse the whole directory (exit code 14).',
    remedy:
      'Stop writing to this directory: new records are being lost; restore a backup, or delete the collection and add its records again.',
    steps: [COPY_FIRST, RESTORE, START_ANEW, LOOK_AGAIN],
    sources: { format: ['The queue', 'What may be deleted'] },
  },
  'watermark-poisoned': {
    severity: 'error',
    title: 'A recorded position is a number that no WAL reaches.',
    means:
      'The upgrade to Chroma 1.0 (metadb/5) makes a number near 1.2 × 10¹⁸ of a position that a tool had stored as INTEGER before it, where Chroma stores a BLOB.',
    matters:
      'The segment believes to have everything. What is written to this collection is accepted, and its embeddings or its documents never arrive (tried with 0.6.3 and 1.5.9). Commands that write refuse the whole directory (exit code 14).',
    remedy:
      'Stop writing to this collection: what is new in it is being lost; restore a backup, or delete the collection and add its records again.',
    steps: [COPY_FIRST, RESTORE, START_ANEW, LOOK_AGAIN],
    sources: { format: ['Recorded positions'] },
  },
  'watermark-invalid': {
    severity: 'error',
    title: 'A recorded position is no valid one.',
    means:
      'It is NULL, 0 or below, of a wrong type or width, or missing beside an index that was saved. The last is what Chroma 0.5.6 to 0.6.3 leaves when it is killed while it saves an index for the first time; no Chroma writes the others.',
    matters:
      'How far the index was saved is not known, so none of the WAL rows of the collection is deleted. Where the position is missing, 0.6.3 fails with an AttributeError; after a 0 it does not apply the WAL and lacks the newest vectors.',
    remedy: 'Restore a backup, or delete the collection and add its records again; its WAL rows are kept meanwhile.',
    steps: [COPY_FIRST, RESTORE, START_ANEW],
    sources: { format: ['Recorded positions'] },
  },
  'blob-watermark': {
    severity: 'warning',
    title: 'A recorded position is stored in the form of an older Chroma.',
    means:
      'Up to 0.6.3 Chroma stores positions as BLOB, from 1.0.0 on as INTEGER. A BLOB in a directory that 1.x has upgraded comes from a 0.6.3 that has written to it afterwards.',
    matters:
      'Chroma 1.x fails on every call to this collection ("mismatched types"); other collections and 0.6.3 are not affected (tried with 0.6.3 and 1.5.9).',
    remedy: 'Open the directory with the Chroma that wrote last, or restore a backup: Chroma 1.x cannot read it.',
    steps: [
      COPY_FIRST,
      {
        text: 'Read the records of the collection, with their embeddings, by the Chroma that wrote last.',
      },
      {
        text: 'In Chroma 1.x delete the collection, create it again, and add them.',
      },
      LOOK_AGAIN,
    ],
    sources: { format: ['Recorded positions'], issues: ['chroma#4217'] },
  },
  'vector-ahead-of-metadata': {
    severity: 'error',
    title: 'The index claims to have saved more of the WAL than the metadata has.',
    means:
      'Metadata is written first, so this cannot be in a sound directory. Chroma up to 0.5.5 saves the index inside the transaction that adds the rows; a crash before its end takes the rows back and leaves the index.',
    matters:
      'The next rows get numbers that the index believes to have, and it ignores them: queries do not find their records, and the WAL holds the only copy of their vectors (tried with 0.4.24 and 0.5.5). None of these rows is deleted.',
    remedy: 'Restore a backup, or delete the collection and add its records again; its WAL rows are kept meanwhile.',
    steps: [COPY_FIRST, RESTORE, START_ANEW],
    sources: { format: ['Recorded positions'] },
  },
  'watermark-stuck': {
    severity: 'warning',
    title: 'The index has not saved its part of the WAL for longer than its sync threshold.',
    means:
      'New records that the index has not saved wait in the WAL, at least three times as many as its sync threshold (hnsw:sync_threshold, 1,000 by default). Chroma should have saved it long ago.',
    matters:
      'These rows cannot be deleted, the WAL grows with every write, and each start of Chroma has to apply them all again. Records that are counted may be missing from queries.',
    remedy: "Restart Chroma and query this collection; where it stays, look for the index's error in Chroma's log.",
    steps: [
      { text: 'Restart Chroma, and query the collection once: that has it apply the WAL.' },
      LOOK_DEEPER,
      START_ANEW,
    ],
    sources: { format: ['Recorded positions'], issues: ['chroma#7678'] },
  },
  'anchor-missing': {
    severity: 'warning',
    title: 'The collection has no WAL row of its own that keeps its numbering from being used again.',
    means:
      'Its last WAL row lies below its recorded position. Only rows of other collections keep Chroma from giving new rows numbers that were used before. The purge of Chroma 0.5.6 to 0.5.12 leaves this, and a deletion by hand.',
    matters:
      'Where those other collections are deleted, new records of this one are accepted and not stored. A prune does not make it worse: it never takes the last row of the WAL.',
    remedy: 'Write to this collection before deleting others; prune leaves what keeps its numbering safe.',
    steps: [
      { text: 'Upsert one record of the collection through Chroma: its WAL row is numbered above the position.' },
      LOOK_AGAIN,
    ],
    sources: { format: ['The queue', 'What may be deleted'] },
  },
  'never-persisted': {
    severity: 'info',
    title: 'The index was never saved: its vectors exist only in the WAL.',
    means:
      'Chroma saves the index of a collection at its sync threshold (hnsw:sync_threshold, 1,000 operations by default). This one has had fewer.',
    matters:
      'That is normal. None of its WAL rows can be deleted, and what was deleted from the collection stays readable in them.',
    remedy: 'Nothing needs to be done: Chroma saves the index at its sync threshold.',
    sources: { format: ['Recorded positions'], issues: ['chroma#7659'] },
  },
  'auto-purge-off': {
    severity: 'warning',
    title: 'Chroma deletes nothing from its WAL here.',
    means:
      'automatically_purge in the table embeddings_queue_config is not true. Chroma from 0.5.6 on leaves it off in a directory that it upgrades while rows are in the WAL.',
    matters: 'The WAL keeps every write and grows, until somebody deletes what is saved.',
    remedy: 'chroma-maint wal config {dir} --auto-purge on',
    steps: [
      {
        text: 'Have Chroma delete what is saved, from its next start on. The directory must not be in use meanwhile.',
        command: 'chroma-maint wal config {dir} --auto-purge on',
      },
      {
        text: 'In a directory of Chroma 0.5.6 to 0.6.3 name the version that will open it from now on, 0.5.13 or later, because 0.5.6 to 0.5.12 would take rows of other collections along.',
        command: ['chroma-maint wal config {dir} --auto-purge on \\', '--chroma-version VERSION'].join('\n'),
      },
      {
        text: 'Or leave it off, and delete what nobody needs any more every night or week: docs/UNATTENDED.md has files for cron and systemd.',
        command: 'chroma-maint prune {dir}',
      },
    ],
    sources: { format: ['Auto-purge'], issues: ['chroma#2557'] },
  },
  'auto-purge-not-available': {
    severity: 'info',
    title: 'The Chroma that wrote this never deletes from its WAL.',
    means: "Chroma's own purge came with 0.5.6, and this directory was last written by an older one.",
    matters: 'The WAL holds every write since the directory was made.',
    remedy: 'chroma-maint prune {dir}',
    steps: [
      { text: 'Delete what nobody needs any more, with Chroma stopped.', command: 'chroma-maint prune {dir}' },
      {
        text: 'An upgrade of Chroma alone does not help: it leaves its purge off where rows are in the WAL. docs/UNATTENDED.md has files for cron and systemd.',
      },
    ],
    sources: { format: ['Auto-purge'] },
  },
  'cross-topic-purge': {
    severity: 'info',
    title: 'A Chroma that may have written this deleted WAL rows of other collections.',
    means:
      'The schema is that of Chroma 0.5.6 to 0.6.3, and does not tell which of them wrote. 0.5.6 to 0.5.12 purge the WAL without looking at the collection.',
    matters:
      'Where one of those versions was at work, collections that were not saved yet have lost vectors: they are counted, and queries do not find them (tried with 0.5.7). 0.5.13 and later do not do it any more.',
    remedy: 'chroma-maint check {dir} --deep',
    steps: [
      { text: 'Look for records that have lost their vector.', command: 'chroma-maint check {dir} --deep' },
      { text: 'Upsert those records with their embeddings, and do not run 0.5.6 to 0.5.12 any more.' },
    ],
    sources: { format: ['Auto-purge'], issues: ['chroma#2922'] },
  },
  'ambiguous-topic': {
    severity: 'error',
    title: 'It cannot be told which WAL rows belong to this collection.',
    means:
      'Its WAL rows stand under several topics, because the server settings tenant_id or topic_namespace were changed at some time, or another collection claims the same topic.',
    matters:
      'Chroma reads only the rows of one topic, and the directory does not say which. The others may be writes that never arrived, so nothing of the collection is deleted.',
    remedy: 'Find out which server setting (tenant_id, topic_namespace) changed, and set it back.',
    sources: { format: ['Topics'] },
  },
  'unknown-operation': {
    severity: 'warning',
    title: 'The WAL has rows with an operation that is not add, update, upsert or delete.',
    means:
      'Chroma writes 0 to 3 for those four; Rust from 1.3.6 on also knows 4. Another number comes from a newer Chroma or from another program.',
    matters:
      'A Chroma that does not know the number fails on every call to the collection as long as the row is to be applied: 0.5.5 and 0.6.3 with 4, 1.5.9 with 7 (tried).',
    remedy: 'Open the directory with a Chroma that knows the operation: 1.3.6 or later for 4.',
    sources: { format: ['The queue'] },
  },
  'unknown-segment-type': {
    severity: 'error',
    title: 'The collection has a segment of a type that a local Chroma does not write, or lacks one of the two.',
    means:
      'A local Chroma of any version gives each collection one segment of the type metadata/sqlite and one of the type vector/hnsw-local-persisted. Other types belong to Chroma in memory or distributed over machines.',
    matters: 'Where such a segment keeps its position is not known here, so nothing of the collection is deleted.',
    remedy: 'Leave this collection to the Chroma that wrote it.',
    sources: { format: ['Segments'] },
  },
  'vectors-missing-from-index': {
    severity: 'error',
    title: 'The index lacks records that it should hold.',
    means:
      'The WAL says that these ids were added, and the position that the index has saved them, but its list of ids does not have them. Up to Chroma 0.5.0 that happens to an id that is deleted and added again within one unsaved batch.',
    matters:
      'Queries do not find these records, and the WAL may hold the only copy of their vectors: none of the rows of the collection is deleted. Chroma 1.x applies the whole WAL of a directory of 0.5.0 again and so mends it, as long as the rows are there (tried with 1.5.9).',
    remedy: 'Upsert these records again, with their embeddings; their WAL rows are kept meanwhile.',
    sources: { format: ['What may be deleted'] },
  },
};
