import type { Inspection } from '../../operations/inspection.ts';
import { counted, formatBytes } from '../../units.ts';

/** A part of the file below this share is not worth a sentence. */
const WORTH_SAYING = 0.01;

/** Why the file does not shrink by itself, or will not shrink further: one sentence for each reason that holds here. */
export function whyNotSmaller({ bytes, autoPurge, collections }: Inspection): readonly string[] {
  const reasons: string[] = [];
  const isWorthSaying = (part: number): boolean => part > bytes.database * WORTH_SAYING;
  if (autoPurge === 'not-available') {
    reasons.push('Chroma before 0.5.6 never deletes from its WAL, and SQLite keeps freed pages until a VACUUM.');
  }
  if (autoPurge === 'off') {
    reasons.push(
      "Chroma's own purge is switched off in this directory, as in every one that was upgraded with a filled WAL.",
    );
  }
  if (isWorthSaying(bytes.free)) {
    reasons.push(`${formatBytes(bytes.free)} are free pages: SQLite keeps them inside the file until a VACUUM.`);
  }
  const unsaved = collections.filter(({ skip }) => skip?.reason === 'never-persisted');
  if (unsaved.length > 0) {
    const rows = unsaved.reduce((sum, each) => sum + each.rows, 0);
    const which = counted(unsaved.length, 'collection has', 'collections have');
    const whose = unsaved.length === 1 ? 'its' : 'their';
    reasons.push(
      `${which} not reached the sync threshold: the WAL is the only copy of ${whose} vectors (${counted(rows, 'row')}).`,
    );
  }
  const damaged = collections.filter(({ skip }) => skip?.needsAttention);
  if (damaged.length > 0) {
    const which = counted(damaged.length, 'collection cannot', 'collections cannot');
    reasons.push(
      `${which} be pruned safely, so none of ${damaged.length === 1 ? 'its' : 'their'} rows is deleted: see the findings.`,
    );
  }
  if (bytes.hnsw > bytes.database) {
    reasons.push(
      `${formatBytes(bytes.hnsw)} are HNSW index files beside the database, which neither prune nor vacuum changes.`,
    );
  }
  if (bytes.metadata + bytes.fullText > bytes.database / 2) {
    const content = formatBytes(bytes.metadata + bytes.fullText);
    reasons.push(`${content} are documents, metadata and their full-text index, which a prune does not change.`);
  }
  return reasons;
}
