import { isSwitching, type AutoPurgeStep } from '../../operations/auto-purge/step.ts';
import { isChanging } from '../../operations/auto-vacuum.ts';
import type { CleanReport } from '../../operations/clean/execute.ts';
import { going, hasWork, totalsOf, type CleanPlan } from '../../operations/clean/plan.ts';
import { pruneTotals } from '../../operations/collections.ts';
import type { MinReclaim, VacuumPlan, VacuumReport } from '../../operations/vacuum.ts';
import { counted, formatBytes, formatCount, formatElapsed } from '../../units.ts';
import { stepDone, stepLines } from './auto-purge-text.ts';
import { backupMadeLines, backupStepLines } from './backup/first-text.ts';
import { checkLines, type IndexCheck } from './checks-text.ts';
import { asideLines, cleanPlanLines, cleanReportLines, cleanWords, doubtLines } from './clean-text.ts';
import { printable } from './printable.ts';
import { allRows, attentionLines, heldLines, heldSentence, needsYou, prunedCollections } from './prune-text.ts';
import { pruningCommandOn } from './command-text.ts';
import { growthLines } from './growth-text.ts';
import { labelled, tableLines, withCommand, wrapped, type Column } from './table.ts';
import { autoVacuumDone, autoVacuumLines, stepLines as givenLines, wayLines } from './vacuum-way-text.ts';
import type { View } from './view.ts';

const GAIN_COLUMNS: readonly Column[] = [
  { title: 'Where the bytes went', align: 'left', fit: 'cut' },
  { title: 'Number', align: 'right' },
  { title: 'Gave back', align: 'right' },
];

export function vacuumPlanLines(plan: VacuumPlan, view: View): readonly string[] {
  const { directory, isWorthwhile, request, clean, autoPurge } = plan;
  const given = printable(directory.dir.given);
  if (!isWorthwhile) {
    const lines = [...notWorthwhileLines(plan, view), ...attentionLines(directory, view, true)];
    const first = [...(clean === null ? [] : cleanPlanLines(clean, view)), ...settingLines(autoPurge, view)];
    return first.length === 0 ? lines : [...first, '', ...lines];
  }
  const lines = [
    view.style.bold(`Plan for ${given}`),
    ...backupStepLines(directory, view),
    ...(clean === null ? [] : labelled('clean', cleanStep(clean), view.width)),
    ...(request.withoutPrune ? [] : labelled('prune', pruneStep(plan), view.width)),
    ...heldLines(directory, view),
    ...settingLines(autoPurge, view),
    ...autoVacuumLines(plan, view),
    ...wayLines(plan, view),
    ...checkLines(directory.checks, indexCheckOf(plan), view),
    ...(directory.versions.metadb < 3 ? oldFullTextLines(view) : []),
    ...attentionLines(directory, view, true),
    ...(clean === null ? [] : doubtLines(clean.steps.doubt, clean, view)),
  ];
  return directory.isDryRun ? [...lines, '', 'Dry run: nothing was changed.'] : lines;
}

export function vacuumReportLines(report: VacuumReport, elapsedMs: number, view: View): readonly string[] {
  const { plan, isDone, deleted, databaseBytesAfter, clean, given } = report;
  const { directory, request, autoPurge } = plan;
  if (!isDone) {
    return [
      ...(clean === null ? [] : [...cleanReportLines(clean, view), '']),
      ...settingDone(autoPurge),
      ...notWorthwhileLines(plan, view),
      ...attentionLines(directory, view),
      ...backupMadeLines(directory, view),
    ];
  }
  const before = directory.databaseBytes;
  const gain = formatBytes(given?.bytes ?? Math.max(before - databaseBytesAfter, 0));
  const sizes = `${formatBytes(before)} → ${formatBytes(databaseBytesAfter)} (gave back ${gain})`;
  const [first = '', ...rest] = wrapped(`Done in ${formatElapsed(elapsedMs)}. chroma.sqlite3: ${sizes}.`, view.width);
  const kept = formatCount(allRows(directory) - deleted);
  const rows =
    `${counted(deleted, 'WAL row')} deleted, ${kept} kept${needsYou(directory)}. ${elsewhere(plan, clean)}`.trimEnd();
  return [
    view.style.bold(first),
    ...rest,
    ...(request.withoutPrune ? [] : wrapped(rows, view.width)),
    ...givenLines(report, view),
    ...heldSentence(directory, view),
    ...(clean === null ? [] : cleanedLines(report, clean, view)),
    ...attentionLines(directory, view),
    ...settingDone(autoPurge),
    ...autoVacuumDone(plan, view),
    ...growthLines(directory, view, autoPurge?.after),
    ...backupMadeLines(directory, view),
  ];
}

function settingLines(step: AutoPurgeStep | null, view: View): readonly string[] {
  return step === null ? [] : stepLines(step, view);
}

function settingDone(step: AutoPurgeStep | null): readonly string[] {
  return step === null ? [] : [stepDone(step)];
}

function cleanStep(clean: CleanPlan): string {
  const { rows, bytes } = totalsOf(clean.steps);
  if (!hasWork(clean.steps)) return 'nothing of deleted collections to remove';
  return `${cleanWords(clean)}${rows === 0 ? '' : ' of deleted collections'}, about ${formatBytes(bytes)}`;
}

/** Where every byte went: what was free inside the file already, what became free, and what is beside it. */
function cleanedLines({ plan, databaseBytesAfter }: VacuumReport, clean: CleanReport, view: View): readonly string[] {
  const { directory } = plan;
  const { steps, request } = clean.plan;
  const directories = going(steps.directories);
  const ofDirectories = directories.reduce((sum, { bytes }) => sum + bytes, 0);
  const { rows } = totalsOf(steps);
  const wal = pruneTotals(directory);
  const freeBefore = Math.max(directory.freeBytes - clean.freedInsideBytes, 0);
  const gain = directory.databaseBytes - databaseBytesAfter;
  const rest = gain - freeBefore - clean.freedInsideBytes - wal.bytes;
  const given = request.isDeleting ? formatBytes(ofDirectories) : '0 B';
  const lines = [
    ['index directories of deleted collections', formatCount(directories.length), given],
    ['rows of deleted collections', formatCount(rows), formatBytes(clean.freedInsideBytes)],
    ['WAL rows that nobody needs', formatCount(wal.rows), formatBytes(wal.bytes)],
    ['free pages from before', '', formatBytes(freeBefore)],
    ...(rest > 0 ? [['pages that are fuller now', '', formatBytes(rest)]] : []),
  ];
  const [header = '', ...table] = tableLines(GAIN_COLUMNS, lines, view.width);
  return [
    '',
    view.style.bold(header),
    ...table,
    ...asideLines(clean, view),
    ...doubtLines(steps.doubt, clean.plan, view),
  ];
}

/** From 0.5.6 on Chroma keeps a log of VACUUMs, and expects one there. Of what a server does meanwhile nothing is known. */
function elsewhere({ directory, request, mode, autoPurge, autoVacuum }: VacuumPlan, clean: CleanReport | null): string {
  const isMore = clean?.isDone === true || isSwitching(autoPurge) || isChanging(autoVacuum);
  if (isMore || request.online !== null) return '';
  const isLogged = mode.kind !== 'incremental' && directory.versions.sysdb >= 8;
  return isLogged ? 'Nothing else changed but a row in maintenance_log.' : 'Nothing else changed.';
}

function indexCheckOf({ directory, request }: VacuumPlan): IndexCheck {
  if (request.withoutPrune) return 'not-needed';
  return directory.target.skipIndexCheck ? 'skipped' : 'done';
}

function pruneStep({ directory }: VacuumPlan): string {
  const { rows, bytes } = pruneTotals(directory);
  if (rows === 0) return `nothing to delete of ${counted(allRows(directory), 'WAL row')}`;
  return `${formatCount(rows)} of ${counted(allRows(directory), 'WAL row')} in ${counted(prunedCollections(directory), 'collection')}, ${formatBytes(bytes)}`;
}

function notWorthwhileLines(
  { directory, reclaimableBytes, request, autoPurge }: VacuumPlan,
  { width }: View,
): readonly string[] {
  const share = directory.databaseBytes === 0 ? 0 : (100 * reclaimableBytes) / directory.databaseBytes;
  const gain = `${formatBytes(reclaimableBytes)} (${share.toFixed(1)} %)`;
  const lines = wrapped(
    `${isSwitching(autoPurge) ? 'Nothing else done' : 'Nothing done'}: a vacuum would give back ${gain}, less than --min-reclaim ${least(request.minReclaim)}.`,
    width,
  );
  const { rows } = pruneTotals(directory);
  if (rows === 0) return lines;
  return [
    ...lines,
    ...withCommand(`${counted(rows, 'WAL row')} can be deleted with:`, pruningCommandOn(directory, 'prune'), width),
  ];
}

function least(minReclaim: MinReclaim): string {
  return minReclaim.kind === 'bytes'
    ? formatBytes(minReclaim.bytes)
    : `${Number((minReclaim.share * 100).toFixed(3))}%`;
}

function oldFullTextLines(view: View): readonly string[] {
  return labelled(
    'note',
    'this directory is from before Chroma 0.4.6, whose next upgrade copies row numbers that VACUUM keeps in practice but does not promise to keep',
    view.width,
  );
}
