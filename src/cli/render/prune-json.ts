import type { CollectionId } from '../../chroma/model.ts';
import type { Retention } from '../../chroma/retention.ts';
import type { Check } from '../../operations/guards.ts';
import type { DirectoryPlan } from '../../operations/planning.ts';
import { createJson } from './backup/json.ts';
import { pruneTotals, type CollectionPlan } from '../../operations/collections.ts';
import type { OnlineReport } from '../../operations/prune.ts';
import { formatDuration } from '../../units.ts';

/** The documented fields of `prune --json` (docs/JSON.md), also the field `prune` of `vacuum --json`. */
export function pruneJson(
  plan: DirectoryPlan,
  deleted: number,
  deletedOf: ReadonlyMap<CollectionId, number> | null = null,
): object {
  const isExecuted = deleted > 0;
  const { bytes, held } = pruneTotals(plan);
  const sum = (of: (collection: CollectionPlan) => number): number =>
    plan.collections.reduce((total, each) => total + of(each), 0);
  return {
    persistDir: plan.dir.path,
    dryRun: plan.isDryRun,
    changed: isExecuted,
    journalRecovered: plan.isJournalRecovered,
    collections: plan.collections.map((collection) => ({
      id: collection.id,
      name: collection.name,
      tenant: collection.tenant,
      database: collection.database,
      rows: collection.rows,
      prunable: collection.prunable,
      deleted: deletedOf === null ? (isExecuted ? collection.prunable : 0) : (deletedOf.get(collection.id) ?? 0),
      held: collection.held,
      bytes: collection.bytes,
      below: text(collection.below),
      watermark: text(collection.watermark),
      heldBackBy: collection.heldBackBy,
      skip: collection.skip,
    })),
    totals: { rows: sum(({ rows }) => rows), prunable: sum(({ prunable }) => prunable), deleted, held, bytes },
    retention: retentionJson(plan.target.retention),
    indexCheck: plan.target.skipIndexCheck ? 'skipped' : 'done',
    checks: plan.checks.map(checkJson),
  };
}

/** What a prune beside a server did; null where Chroma was stopped. */
export function onlineJson(online: OnlineReport | null): object | null {
  if (online === null) return null;
  return {
    transactions: online.transactions,
    longestLockMs: Math.round(online.longestLockMs),
    left: online.left,
  };
}

/** Nulls where nothing is to stay on request. */
function retentionJson(retention: Retention | null): object {
  const keepWithin = retention?.keepWithin ?? null;
  return {
    keepLast: retention?.keepLast ?? null,
    keepWithin: keepWithin === null ? null : formatDuration(keepWithin.spanMs),
    keepFrom: keepWithin === null ? null : new Date(keepWithin.fromMs).toISOString(),
  };
}

/** The snapshot that was made first, null where there was none. */
export function backupJson({ backup }: DirectoryPlan): object | null {
  return backup?.kind === 'made' ? createJson(backup.report) : null;
}

/** A guard as plans list it. */
export function checkJson(check: Check): object {
  if (check.status === 'failed') {
    const { code, exitCode, message, details, hint } = check.error;
    return { title: check.title, status: check.status, code, exitCode, message, details, hint };
  }
  return {
    title: check.title,
    status: check.status,
    note: check.status === 'passed' ? (check.note?.text ?? null) : null,
  };
}

function text(value: bigint | null): string | null {
  return value === null ? null : String(value);
}
