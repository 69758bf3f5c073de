import type { AutoPurge, DecidedAutoPurge } from '../../chroma/auto-purge.ts';
import type { Generation } from '../../chroma/model.ts';
import type { AutoPurgePlan, AutoPurgeReport } from '../../operations/auto-purge/plan.ts';
import type { AutoPurgeSetting } from '../../operations/auto-purge/show.ts';
import { isSwitching, type AutoPurgeStep } from '../../operations/auto-purge/step.ts';
import { backupMadeLines, backupStepLines } from './backup/first-text.ts';
import { checkLines } from './checks-text.ts';
import { printable } from './printable.ts';
import { commandOn } from './command-text.ts';
import { labelled, withCommand, wrapped } from './table.ts';
import type { View } from './view.ts';

const STATES: Readonly<Record<AutoPurge, string>> = {
  on: 'on',
  off: 'off',
  undecided: 'not decided yet',
  'not-available': 'not available',
};

/** Which Chroma that is the directory does not tell. */
const VERSION = 'VERSION is the Chroma that opens it from now on, 0.5.13 or later';

const BEFORE_IT = 'Chroma before 0.5.6 never deletes from its WAL.';
const NEVER_DELETES = 'Chroma deletes nothing from its WAL here, which grows with every write.';

/** What the setting of a directory is, what that means, and the command that follows from it. */
export function autoPurgeSettingLines(setting: AutoPurgeSetting, view: View): readonly string[] {
  const { dir, schema, state, problem } = setting;
  const head = `${printable(dir.given)}: auto-purge ${STATES[state]} (written by Chroma ${schema.writtenBy})`;
  return [
    ...wrapped(head, view.width).map(view.style.bold),
    ...meaning(setting).flatMap((sentence) => wrapped(sentence, view.width)),
    ...(problem === null ? ['', ...nextLines(setting, view)] : problemLines(problem, view)),
  ];
}

function meaning({ schema: { generation }, state, isQueueEmpty }: AutoPurgeSetting): readonly string[] {
  switch (state) {
    case 'not-available':
      return [
        BEFORE_IT,
        isQueueEmpty
          ? 'A Chroma that upgrades the directory switches its purge on, for the WAL is empty.'
          : 'A Chroma that upgrades the directory leaves its purge off while the WAL has rows, and a prune always leaves some.',
      ];
    case 'undecided':
      return [
        `Chroma decides at its next start: ${isQueueEmpty ? 'on, for the WAL is empty' : 'off, for the WAL has rows'}.`,
      ];
    case 'on':
    case 'off':
      return meaningOf(state, generation);
  }
}

/** What Chroma does in a directory of `generation` where its purge is on or off. */
function meaningOf(state: DecidedAutoPurge, generation: Generation): readonly string[] {
  if (state === 'off') return [NEVER_DELETES];
  if (generation === 'D') {
    return [
      'After every write Chroma deletes the WAL rows of that collection that every segment has saved.',
      'Do not open it with Chroma 0.5.6 to 0.5.12: they also delete rows of other collections and lose their vectors.',
    ];
  }
  return [
    'After every write, and when a collection is first read, Chroma deletes its WAL rows that every segment has saved.',
  ];
}

function problemLines(problem: string, { width, style }: View): readonly string[] {
  const text = `It is not as Chroma writes it: ${problem}. It is not changed by this program.`;
  return wrapped(text, width).map(style.warn);
}

function nextLines({ dir, schema, state }: AutoPurgeSetting, { width }: View): readonly string[] {
  const at = { dir };
  if (state === 'on')
    return withCommand('What is free inside the file is given back with:', commandOn(at, 'vacuum'), width);
  if (state === 'not-available') return withCommand('Delete what is saved with:', commandOn(at, 'prune'), width);
  const [text, version] =
    schema.generation === 'D'
      ? [`Switch it on with this, where ${VERSION}:`, ['--chroma-version', 'VERSION']]
      : ['Switch it on with:', []];
  return withCommand(text, commandOn(at, 'wal config', '--auto-purge', 'on', ...version), width);
}

/** The step as a line of a plan. */
export function stepLines(step: AutoPurgeStep, { width }: View): readonly string[] {
  const { before, after } = step;
  const words = isSwitching(step) ? `auto-purge: ${STATES[before]} → ${after}` : `auto-purge is ${after} already`;
  return labelled('config', words, width);
}

/** The step as a sentence of a report. */
export function stepDone(step: AutoPurgeStep): string {
  return isSwitching(step) ? `Switched auto-purge ${step.after}.` : `Auto-purge is ${step.after} already.`;
}

export function autoPurgePlanLines({ directory, step }: AutoPurgePlan, view: View): readonly string[] {
  const meanings = isSwitching(step) ? meaningOf(step.after, directory.generation) : [];
  return [
    view.style.bold(`Plan for ${printable(directory.dir.given)}`),
    ...backupStepLines(directory, view),
    ...stepLines(step, view),
    ...meanings.flatMap((sentence) => labelled('', sentence, view.width)),
    ...checkLines(directory.checks, 'not-needed', view),
    ...(directory.isDryRun ? ['', 'Dry run: nothing was changed.'] : []),
  ];
}

export function autoPurgeReportLines({ plan, isDone }: AutoPurgeReport, view: View): readonly string[] {
  const { directory, step } = plan;
  const done = isDone ? stepDone(step) : `Nothing to do: auto-purge is ${step.after} already.`;
  const meanings = isDone ? meaningOf(step.after, directory.generation) : [];
  return [
    view.style.bold(done),
    ...meanings.flatMap((sentence) => wrapped(sentence, view.width)),
    ...backupMadeLines(directory, view),
  ];
}
