import type { CleanReport } from '../../operations/clean/execute.ts';
import {
  going,
  hasWork,
  totalsOf,
  type CleanPlan,
  type CleanSteps,
  type DirectoryStep,
} from '../../operations/clean/plan.ts';
import type { Doubt } from '../../operations/leftovers.ts';
import { counted, formatBytes, formatCount } from '../../units.ts';
import { backupMadeLines, backupStepLines } from './backup/first-text.ts';
import { checkLines } from './checks-text.ts';
import { printable } from './printable.ts';
import { commandOn } from './command-text.ts';
import { tableLines, withCommand, wrapped, type Column } from './table.ts';
import { MOST_ROWS, type View } from './view.ts';

const DIRECTORY_COLUMNS: readonly Column[] = [
  { title: 'Directory', align: 'left', fit: 'cut' },
  { title: 'Size', align: 'right' },
  { title: 'What becomes of it', align: 'left', fit: 'wrap' },
];

const ROW_COLUMNS: readonly Column[] = [
  { title: 'Table', align: 'left', fit: 'cut' },
  { title: 'Delete', align: 'right' },
  { title: 'Of', align: 'right' },
  { title: 'About', align: 'right' },
];

const ACTION: Readonly<Record<DirectoryStep['action'], string>> = {
  quarantine: 'put aside',
  delete: 'deleted',
  keep: 'stays',
};

export function cleanPlanLines(plan: CleanPlan, view: View): readonly string[] {
  const { directory, steps } = plan;
  const { bytes } = totalsOf(steps);
  const given = printable(directory.dir.given);
  const what = hasWork(steps)
    ? `${cleanWords(plan)}, about ${formatBytes(bytes)} that deleted collections left behind`
    : nothingWords(steps, 'is');
  return [
    ...wrapped(`Plan for ${given}: ${what}`, view.width).map(view.style.bold),
    ...doubtLines(steps.doubt, plan, view),
    ...stepLines(steps, view),
    '',
    ...backupStepLines(directory, view),
    ...checkLines(directory.checks, 'not-needed', view),
    ...(directory.isDryRun ? ['', 'Dry run: nothing was changed.'] : []),
  ];
}

export function cleanReportLines(report: CleanReport, view: View): readonly string[] {
  const { plan, isDone } = report;
  const { directory, steps } = plan;
  if (!isDone) {
    const kept = steps.directories.length > 0 ? ['', ...directoryTable(steps.directories, view)] : [];
    const words = `${capitalized(nothingWords(steps, 'was'))}.`;
    return [view.style.bold(words), ...doubtLines(steps.doubt, plan, view), ...kept];
  }
  const [first = '', ...rest] = wrapped(`${doneWords(report)}.`, view.width);
  return [
    view.style.bold(first),
    ...rest,
    ...doubtLines(steps.doubt, plan, view),
    ...stepLines(steps, view),
    ...whereLines(report, view),
    ...backupMadeLines(directory, view),
  ];
}

function nothingWords({ doubt, directories }: CleanSteps, verb: 'is' | 'was'): string {
  return doubt === null && directories.length === 0 ? 'nothing to clean up' : `nothing ${verb} cleaned up`;
}

/** `put 3 directories aside and delete 20 rows`: what a plan does, for a question. */
export function cleanWords(plan: CleanPlan): string {
  return listed(cleanParts(plan));
}

/** The same, part by part. */
export function cleanParts({ steps, request }: CleanPlan): readonly string[] {
  const many = counted(going(steps.directories).length, 'directory', 'directories');
  const { rows } = totalsOf(steps);
  return [
    ...(going(steps.directories).length === 0 ? [] : [request.isDeleting ? `delete ${many}` : `put ${many} aside`]),
    ...(rows === 0 ? [] : [`delete ${counted(rows, 'row')}`]),
  ];
}

/** `a, b and c`. */
export function listed(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

export function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `Put 3 directories aside (1.0 MiB) and deleted 20 rows of deleted collections`: what was done. */
export function doneWords({ plan: { steps, request } }: CleanReport): string {
  const gone = going(steps.directories);
  const bytes = formatBytes(gone.reduce((sum, each) => sum + each.bytes, 0));
  const many = counted(gone.length, 'directory', 'directories');
  const { rows } = totalsOf(steps);
  const parts = [
    ...(gone.length > 0 ? [request.isDeleting ? `deleted ${many} (${bytes})` : `put ${many} aside (${bytes})`] : []),
    ...(rows > 0 ? [`deleted ${counted(rows, 'row')}`] : []),
  ];
  return `${capitalized(listed(parts))} of deleted collections`;
}

/** The directories and the rows of a plan, as tables. */
function stepLines({ directories, tables, topics }: CleanSteps, view: View): readonly string[] {
  const rows = [
    ...tables.map(({ table, rows: gone, of, bytes }) => [
      table,
      formatCount(gone),
      formatCount(of),
      formatBytes(bytes),
    ]),
    ...(topics.length === 0
      ? []
      : [
          [
            `embeddings_queue, ${counted(topics.length, 'topic')}`,
            formatCount(topics.reduce((sum, each) => sum + each.rows, 0)),
            '',
            formatBytes(topics.reduce((sum, each) => sum + each.bytes, 0)),
          ],
        ]),
  ];
  return [
    ...(directories.length === 0 ? [] : ['', ...directoryTable(directories, view)]),
    ...(rows.length === 0 ? [] : ['', ...headed(ROW_COLUMNS, rows, view)]),
  ];
}

function directoryTable(directories: readonly DirectoryStep[], view: View): readonly string[] {
  const shown = directories.slice(0, MOST_ROWS);
  const rows = shown.map(({ id, bytes, action, because, keptBecause }) => [
    id,
    formatBytes(bytes),
    printable(`${ACTION[action]}: ${keptBecause ?? because}`),
  ]);
  const left = directories.length - shown.length;
  return [
    ...headed(DIRECTORY_COLUMNS, rows, view),
    ...(left > 0 ? [`  and ${counted(left, 'more directory', 'more directories')} (all of them: --json)`] : []),
  ];
}

function headed(columns: readonly Column[], rows: readonly (readonly string[])[], view: View): readonly string[] {
  const [header = '', ...lines] = tableLines(columns, rows, view.width);
  return [view.style.bold(header), ...lines];
}

/** Why nothing, or nothing but directories, is touched although something is left behind. */
export function doubtLines(doubt: Doubt | null, plan: CleanPlan, view: View): readonly string[] {
  if (doubt === null) return [];
  const { request, directory } = plan;
  if (doubt.kind === 'collection-without-segments') {
    const name = printable(doubt.collection);
    const text = `Collection ${name} lacks a segment that Chroma makes with it, so it cannot be told whose the rows and directories of no segment are. Everything stays.`;
    return ['', ...wrapped(text, view.width).map(view.style.warn), ...seeCheck(directory, view)];
  }
  if (!request.allowsEmptyCatalog) {
    const text =
      'The catalogue has no collection at all: either every one was deleted, or it is damaged. Everything stays.';
    const command = commandOn(directory, 'clean', '--allow-empty-catalog');
    return [
      '',
      ...wrapped(text, view.width).map(view.style.warn),
      ...withCommand('If every collection was deleted:', command, view.width),
    ];
  }
  const areRowsAsked = request.parts.some((part) => part !== 'dirs');
  if (request.target.backup !== null || !areRowsAsked) return [];
  const text =
    'The catalogue has no collection at all. Rows cannot be taken back, so they stay; with --backup <repo> they go too.';
  return ['', ...wrapped(text, view.width).map(view.style.warn)];
}

function seeCheck(directory: CleanPlan['directory'], view: View): readonly string[] {
  return withCommand('  see:', commandOn(directory, 'check'), view.width);
}

/** That directories were put aside, how they are taken back, and how their space is given back. */
export function asideLines({ plan: { directory }, quarantine }: CleanReport, view: View): readonly string[] {
  return quarantine === null
    ? []
    : [
        '',
        ...wrapped(
          `The directories are in quarantine ${quarantine}, inside the persist directory, and take their space until they are deleted.`,
          view.width,
        ),
        ...withCommand('To take them back:', commandOn(directory, 'clean', '--restore', quarantine), view.width),
        ...withCommand(
          'To delete them, once Chroma shows everything that it should:',
          commandOn(directory, 'clean', '--purge-quarantine', '--older-than', '0s'),
          view.width,
        ),
      ];
}

/** Where the bytes are now, and how they are given back. */
function whereLines(report: CleanReport, view: View): readonly string[] {
  const {
    plan: { directory },
    freedInsideBytes,
  } = report;
  const inside =
    freedInsideBytes === 0
      ? []
      : [
          '',
          ...withCommand(
            `The database has ${formatBytes(freedInsideBytes)} more free inside. It gets smaller with:`,
            commandOn(directory, 'vacuum'),
            view.width,
          ),
        ];
  return [...asideLines(report, view), ...inside];
}
