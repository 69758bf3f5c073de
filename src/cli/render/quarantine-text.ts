import {
  chosenIn,
  type QuarantinePlan,
  type QuarantineReport,
  type QuarantineStep,
} from '../../operations/clean/quarantine.ts';
import { counted, formatBytes, formatCount, formatDuration } from '../../units.ts';
import { minuteText } from './backup/snapshot-text.ts';
import { checkLines } from './checks-text.ts';
import { printable } from './printable.ts';
import { commandOn } from './command-text.ts';
import { tableLines, withCommand, wrapped, type Column } from './table.ts';
import type { View } from './view.ts';

const COLUMNS: readonly Column[] = [
  { title: 'Quarantine', align: 'left' },
  { title: 'Time (UTC)', align: 'left' },
  { title: 'Directories', align: 'right' },
  { title: 'Size', align: 'right' },
  { title: 'Action', align: 'left' },
];

export function quarantinePlanLines(plan: QuarantinePlan, view: View): readonly string[] {
  const chosen = chosenIn(plan);
  const given = printable(plan.dir.given);
  const verb = plan.request.wish.kind === 'restore' ? 'put back' : 'delete for good';
  const what = chosen.length === 0 ? nothingWords(plan) : `${verb} ${sizeWords(chosen)}`;
  return [
    ...wrapped(`Plan for ${given}: ${what}`, view.width).map(view.style.bold),
    ...tableOf(plan, view),
    '',
    ...checkLines(plan.checks, 'not-needed', view),
    ...(plan.isDryRun ? ['', 'Dry run: nothing was changed.'] : []),
  ];
}

export function quarantineReportLines({ plan, isDone }: QuarantineReport, view: View): readonly string[] {
  const chosen = chosenIn(plan);
  const purge = commandOn(plan, 'clean', '--purge-quarantine', '--older-than', '0s');
  if (!isDone) {
    return [
      view.style.bold(`Nothing done: ${nothingWords(plan)}.`),
      ...tableOf(plan, view),
      ...(plan.quarantines.length === 0 ? [] : ['', ...withCommand('To delete all of it now:', purge, view.width)]),
    ];
  }
  if (plan.request.wish.kind === 'purge')
    return [view.style.bold(`Deleted ${sizeWords(chosen)} of deleted collections for good.`)];
  return [
    view.style.bold(`Put ${sizeWords(chosen)} back.`),
    ...withCommand('To see whether they belong to something:', commandOn(plan, 'check'), view.width),
  ];
}

function nothingWords({ quarantines, request: { wish } }: QuarantinePlan): string {
  if (quarantines.length === 0) return 'there is no quarantine';
  return wish.kind === 'purge'
    ? `no quarantine is older than ${formatDuration(wish.olderThanMs)}`
    : 'nothing to put back';
}

function sizeWords(chosen: readonly QuarantineStep[]): string {
  const directories = chosen.reduce((sum, each) => sum + each.directories.length, 0);
  const bytes = chosen.reduce((sum, each) => sum + each.bytes, 0);
  return `${counted(directories, 'directory', 'directories')} (${formatBytes(bytes)})`;
}

function tableOf({ quarantines }: QuarantinePlan, view: View): readonly string[] {
  if (quarantines.length === 0) return [];
  const words = { restore: 'put back', purge: 'delete', keep: 'stays' };
  const rows = quarantines.map(({ id, time, directories, bytes, action }) => [
    id,
    minuteText(time),
    formatCount(directories.length),
    formatBytes(bytes),
    words[action],
  ]);
  const [header = '', ...lines] = tableLines(COLUMNS, rows, view.width);
  return ['', view.style.bold(header), ...lines];
}
