import type { ForgetPlan, ForgetReport } from '../operations/backup/forget.ts';
import { goingIn } from '../operations/backup/forget.ts';
import type { RestorePlan, RestoreReport } from '../operations/backup/restore.ts';
import { EXIT_DONE } from '../errors.ts';
import { counted } from '../units.ts';
import { forgetLines, forgetPlanLines } from './render/backup/forget-text.ts';
import { forgetJson, restoreJson } from './render/backup/json.ts';
import { restoreLines, restorePlanLines } from './render/backup/restore-text.ts';
import { printable } from './render/printable.ts';
import type { Words } from './session.ts';

const NO_GUARDS = { checksOf: () => [], isJournalRecovered: () => false, exitCodeOf: () => EXIT_DONE } as const;

export const FORGET_WORDS: Words<ForgetPlan, ForgetReport> = {
  ...NO_GUARDS,
  planOf: ({ plan }) => plan,
  hasWork: (plan) => goingIn(plan).length > 0,
  question: (plan) => `Remove ${counted(goingIn(plan).length, 'snapshot')}?`,
  planLines: forgetPlanLines,
  reportLines: (report, _, view) => forgetLines(report, view),
  planJson: (plan) => forgetJson(plan, 0),
  reportJson: ({ plan, removed }) => forgetJson(plan, removed),
};

export const RESTORE_WORDS: Words<RestorePlan, RestoreReport> = {
  ...NO_GUARDS,
  planOf: ({ plan }) => plan,
  // Where nothing is in the way, nothing is lost either.
  hasWork: ({ place }) => place.occupation === 'directory',
  question: ({ place, snapshot }) => `Put snapshot ${snapshot.id} in the place of ${printable(place.given)}?`,
  planLines: restorePlanLines,
  reportLines: restoreLines,
  planJson: (plan) => restoreJson(plan, null),
  reportJson: (report) => restoreJson(report.plan, report),
};
