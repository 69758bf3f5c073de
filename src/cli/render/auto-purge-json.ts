import type { AutoPurge } from '../../chroma/auto-purge.ts';
import type { AutoPurgePlan, AutoPurgeReport } from '../../operations/auto-purge/plan.ts';
import type { AutoPurgeSetting } from '../../operations/auto-purge/show.ts';
import type { AutoPurgeStep } from '../../operations/auto-purge/step.ts';
import { backupJson, checkJson } from './prune-json.ts';

const SCHEMA = 'chroma-maint/wal-config@1';

/** The documented object of `wal config --json` without --auto-purge. */
export function autoPurgeSettingJson({ dir, schema, state, problem }: AutoPurgeSetting): object {
  return {
    schema: SCHEMA,
    persistDir: dir.path,
    dryRun: false,
    changed: false,
    journalRecovered: false,
    generation: schema.generation,
    autoPurge: { before: state, wanted: null, after: state, available: isAvailable(state), problem },
    checks: [],
    backup: null,
  };
}

/** The same with --auto-purge, where nothing was done. */
export function autoPurgePlanJson(plan: AutoPurgePlan): object {
  return fields(plan, false);
}

/** The same with --auto-purge. */
export function autoPurgeReportJson({ plan, isDone }: AutoPurgeReport): object {
  return fields(plan, isDone);
}

function fields({ directory, step }: AutoPurgePlan, isDone: boolean): object {
  return {
    schema: SCHEMA,
    persistDir: directory.dir.path,
    dryRun: directory.isDryRun,
    changed: isDone,
    journalRecovered: directory.isJournalRecovered,
    generation: directory.generation,
    autoPurge: { ...stepJson(step, isDone), available: isAvailable(step.before), problem: null },
    checks: directory.checks.map(checkJson),
    backup: backupJson(directory),
  };
}

/** The step by itself, as `vacuum --json` has it too. */
export function stepJson({ before, after }: AutoPurgeStep, isDone: boolean): object {
  return { before, wanted: after, after: isDone ? after : before };
}

function isAvailable(state: AutoPurge): boolean {
  return state !== 'not-available';
}
