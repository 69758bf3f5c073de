/**
 * Which way a vacuum goes, and what becomes of the file's own way to give pages back.
 */
import { isChanging, type AutoVacuumStep } from '../../operations/auto-vacuum.ts';
import type { VacuumPlan, VacuumReport } from '../../operations/vacuum.ts';
import { counted, formatBytes } from '../../units.ts';
import { printable } from './printable.ts';
import { commandOn } from './command-text.ts';
import { onlineLines } from './prune-text.ts';
import { labelled, withCommand, wrapped } from './table.ts';
import type { View } from './view.ts';

const NOT_KEPT =
  'extended attributes and ACLs of the file are not kept, for there is no GNU cp here; owner, group and mode are';

/** What a setting means, for whom a rewrite leaves the file with it (docs/DECISIONS.md, "Giving pages back beside a server"). */
const MEANS: Readonly<Record<AutoVacuumStep['after'], string>> = {
  none: 'as Chroma creates it: the file gets smaller only where it is rewritten',
  incremental:
    'pages can be given back one by one, beside a running server too; Chroma then writes more bytes (measured: 2 to 27 %)',
  full: 'SQLite gives free pages back at every commit',
};

const STOPPED =
  'with Chroma stopped, and where it is proved that nobody has the file open, a new file is written beside it instead';

/** True where somebody who has the directory open decides the way. */
function isHeld({ directory, request }: VacuumPlan): boolean {
  const isRefused = directory.checks.some((check) => check.status === 'failed' && check.error.code === 'IN_USE');
  return isRefused && request.mode === 'auto';
}

/** The way, the sizes and the room that it takes, as lines of a plan. */
export function wayLines(plan: VacuumPlan, view: View): readonly string[] {
  const { directory, mode, temporaryDirectory, expectedBytes, request } = plan;
  const live = formatBytes(expectedBytes);
  const sizes = `${formatBytes(directory.databaseBytes)} → about ${live}`;
  switch (mode.kind) {
    case 'rebuild':
      return [
        ...labelled('vacuum', 'write the live rows into a new file, verify it, put it in place', view.width),
        ...labelled('', sizes, view.width),
        ...labelled('needs', `about ${live} beside the database`, view.width),
        ...(mode.attributes === 'all' ? [] : labelled('note', NOT_KEPT, view.width)),
      ];
    case 'in-place':
      return [
        ...labelled('vacuum', `rewrite the database in place: ${sizes}`, view.width),
        ...(mode.because === null ? [] : labelled('because', mode.because, view.width)),
        ...labelled(
          'needs',
          `about ${live} in ${printable(temporaryDirectory ?? '')} and up to ${live} beside the database`,
          view.width,
        ),
        ...(isHeld(plan) ? labelled('note', `${STOPPED}, which needs about ${live} there`, view.width) : []),
      ];
    case 'incremental': {
      const pauses = request.online === null ? '' : ', with pauses between them';
      return [
        ...labelled('vacuum', `give free pages back in short transactions${pauses}`, view.width),
        ...labelled('', sizes, view.width),
      ];
    }
  }
}

/** What becomes of the file's auto-vacuum, as lines of a plan; nothing where it is as Chroma creates it and stays so. */
export function autoVacuumLines({ autoVacuum, request, mode }: VacuumPlan, { width }: View): readonly string[] {
  const { before, after } = autoVacuum;
  if (isChanging(autoVacuum)) {
    return [...labelled('config', `auto-vacuum: ${before} → ${after}`, width), ...labelled('', MEANS[after], width)];
  }
  if (request.autoVacuum !== null) return labelled('config', `auto-vacuum is ${after} already`, width);
  const isPlain = before === 'none' || mode.kind === 'incremental';
  return isPlain ? [] : labelled('config', `auto-vacuum stays ${before}`, width);
}

/** The same as lines of a report. */
export function autoVacuumDone({ directory, autoVacuum }: VacuumPlan, { width }: View): readonly string[] {
  if (!isChanging(autoVacuum)) return [];
  const done = `Set auto-vacuum to ${autoVacuum.after}.`;
  if (autoVacuum.after !== 'incremental') return [done];
  const command = commandOn(directory, 'vacuum', '--incremental', '--while-running');
  return withCommand(`${done} Beside a running server the file is made smaller with:`, command, width);
}

/** In how many steps pages were given back, and how long each took, as lines of a report. */
export function stepLines({ plan, given, online }: VacuumReport, view: View): readonly string[] {
  if (given === null) return [];
  const transactions = given.transactions + (online?.transactions ?? 0);
  const longestLockMs = Math.max(given.longestLockMs, online?.longestLockMs ?? 0);
  if (plan.request.online !== null) {
    return onlineLines({ transactions, longestLockMs, left: online?.left ?? [] }, view);
  }
  if (transactions === 0) return [];
  const steps = `Given back in ${counted(transactions, 'transaction')}, the longest of ${Math.ceil(longestLockMs)} ms.`;
  return wrapped(steps, view.width);
}
