/**
 * Collections as plans and reports show them.
 */
import type { Collection, CollectionId, Skip } from '../chroma/model.ts';
import { needsAttention, totalBytes, totalHeld, totalRows, type PrunePlan } from '../chroma/prune-plan.ts';
import type { SeqId } from '../chroma/seq-id.ts';
import { watermarkOf } from '../chroma/watermark.ts';
import type { Reading } from './reading.ts';
import type { NamedCollection } from './names.ts';

export interface CollectionPlan extends NamedCollection {
  /** Rows of it in the queue. */
  readonly rows: number;
  /** Rows that the plan deletes. */
  readonly prunable: number;
  /** Rows that could go and stay on request. */
  readonly held: number;
  /** Estimated bytes of those rows. */
  readonly bytes: number;
  /** Rows strictly below it are deleted; null where none is. */
  readonly below: SeqId | null;
  readonly watermark: SeqId | null;
  readonly heldBackBy: 'metadata' | 'vector' | null;
  readonly skip: (Skip & { readonly needsAttention: boolean }) | null;
}

/** One line for every collection of the directory, in catalogue order, whatever the plan does with it. */
export function collectionPlans(reading: Reading, plan: PrunePlan): readonly CollectionPlan[] {
  const steps = new Map(plan.steps.map((step) => [step.collectionId, step]));
  const skips = new Map<CollectionId, Skip>(plan.skipped.map((skip) => [skip.collectionId, skip]));
  return reading.collections.map((collection) => {
    const step = steps.get(collection.id);
    const skip = skips.get(collection.id);
    return {
      ...named(collection),
      rows: queueRows(reading, collection),
      prunable: step?.rows ?? 0,
      held: plan.held.get(collection.id) ?? 0,
      bytes: step?.bytes ?? 0,
      below: step?.below ?? null,
      ...watermarkFields(collection),
      skip:
        skip === undefined
          ? null
          : { reason: skip.reason, message: skip.message, needsAttention: needsAttention(skip.reason) },
    };
  });
}

/** Rows of a collection in the queue, over all its topics. */
export function queueRows({ usage }: Reading, { topics }: Collection): number {
  return topics.reduce((sum, topic) => sum + (usage.get(topic)?.rows ?? 0), 0);
}

/** Rows of the whole queue, those of unknown topics included. */
export function allQueueRows({ usage }: Pick<Reading, 'usage'>): number {
  return [...usage.values()].reduce((sum, { rows }) => sum + rows, 0);
}

/** The watermark and who holds it back, null where there is none to trust. */
export function watermarkFields({ segments }: Collection): Pick<CollectionPlan, 'watermark' | 'heldBackBy'> {
  const watermark = watermarkOf(segments);
  if (watermark.kind === 'none') return { watermark: null, heldBackBy: null };
  return { watermark: watermark.seqId, heldBackBy: watermark.heldBackBy };
}

function named({ id, name, tenant, database }: Collection): NamedCollection {
  return { id, name, tenant, database };
}

/** Rows and bytes that a plan deletes, and rows that it leaves on request. */
export function pruneTotals({ prune }: { readonly prune: PrunePlan }): {
  readonly rows: number;
  readonly bytes: number;
  readonly held: number;
} {
  return { rows: totalRows(prune), bytes: totalBytes(prune), held: totalHeld(prune) };
}
