/**
 * What is said of the file and the WAL behind a prune: by which command the one gets smaller, and why the other grows.
 */
import type { AutoPurge } from '../../chroma/auto-purge.ts';
import { pruneTotals } from '../../operations/collections.ts';
import type { DirectoryPlan } from '../../operations/planning.ts';
import { commandOn, pruningCommandOn } from './command-text.ts';
import { withCommand, wrapped } from './table.ts';
import type { View } from './view.ts';

/** A sentence, and the beginning of another one that ends with a command. */
interface Smaller {
  readonly fact: string;
  readonly offer: string;
}

export const IN_DRY_RUN: Smaller = { fact: 'Dry run: nothing was changed.', offer: 'The file gets smaller only' };
export const AFTERWARDS: Smaller = {
  fact: 'The file keeps its size, and Chroma fills the freed pages first.',
  offer: 'It gets smaller',
};

const GROWS_BECAUSE: Readonly<Partial<Record<AutoPurge, string>>> = {
  off: 'auto-purge is switched off in this directory',
  'not-available': 'Chroma before 0.5.6 has no auto-purge',
};

/** A vacuum that gives back less than this is not done where nothing else is asked for. */
const WORTH_A_VACUUM = 0.01;

/** What is to be said, and the command that makes the file smaller where it would give back something worth it. */
export function smallerLines({ fact, offer }: Smaller, plan: DirectoryPlan, { width }: View): readonly string[] {
  const gain = plan.freeBytes + pruneTotals(plan).bytes;
  if (gain === 0 || gain < plan.databaseBytes * WORTH_A_VACUUM) return wrapped(fact, width);
  const isBeside = plan.target.allow.whileRunning;
  const isStepwise = isBeside && plan.autoVacuum === 'incremental';
  const command = pruningCommandOn(plan, 'vacuum', ...(isStepwise ? ['--incremental', '--while-running'] : []));
  return withCommand(`${fact} ${offer} with${isBeside && !isStepwise ? ' Chroma stopped' : ''}:`, command, width);
}

/** That the WAL will grow again, where Chroma itself does not keep it small; `decided` is what was just made of that. */
export function growthLines(plan: DirectoryPlan, view: View, decided?: AutoPurge): readonly string[] {
  const autoPurge = decided ?? plan.autoPurge;
  const because = GROWS_BECAUSE[autoPurge];
  if (because === undefined) return [];
  const text = `This WAL will grow again: ${because}.`;
  // Whoever has just switched it off, or leaves rows, does not want Chroma to delete them; and to switch it takes a stop.
  const { only, exclude, retention, allow } = plan.target;
  const takesAll = only.length + exclude.length === 0 && retention === null;
  const isToSwitch = autoPurge === 'off' && decided === undefined && takesAll && !allow.whileRunning;
  return ['', ...(isToSwitch ? switchLines(plan, text, view) : cronLines(plan, text, view))];
}

/** Where Chroma could keep its WAL small itself, that is better than to do it for it. */
function switchLines(plan: DirectoryPlan, text: string, { width }: View): readonly string[] {
  const [where, version] =
    plan.generation === 'D'
      ? [', where VERSION is the Chroma that opens it from now on, 0.5.13 or later', ['--chroma-version', 'VERSION']]
      : ['', []];
  const command = commandOn(plan, 'wal config', '--auto-purge', 'on', ...version);
  return withCommand(`${text} Switch it on, with Chroma stopped${where}:`, command, width);
}

/** cron starts in another directory, and beside a server, where there is one: both are no matter for this command. */
function cronLines(plan: DirectoryPlan, text: string, { width }: View): readonly string[] {
  const at = { ...plan.dir, given: plan.dir.path };
  // On a network the two do not go together.
  const besideServer = { ...plan.target.allow, whileRunning: !plan.target.allow.networkFs };
  const there = { ...plan, dir: at, target: { ...plan.target, allow: besideServer } };
  return withCommand(`${text} Run from cron:`, pruningCommandOn(there, 'prune', '--yes'), width);
}
