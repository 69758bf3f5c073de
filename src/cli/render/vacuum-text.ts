import type { DirectoryPlan } from '../../operations/planning.ts';
import { pruneTotals } from '../../operations/collections.ts';
import type { MinReclaim, VacuumPlan, VacuumReport } from '../../operations/vacuum.ts';
import { counted, formatBytes, formatCount, formatElapsed } from '../../units.ts';
import { backupMadeLines, backupStepLines } from './backup/first-text.ts';
import { checkLines, type IndexCheck } from './checks-text.ts';
import { printable } from './printable.ts';
import { allRows, attentionLines, commandOn, growthLines, needsYou, prunedCollections } from './prune-text.ts';
import { labelled, withCommand, wrapped } from './table.ts';
import type { View } from './view.ts';

const NOT_KEPT =
  'extended attributes and ACLs of the file are not kept, for there is no GNU cp here; owner, group and mode are';

export function vacuumPlanLines(plan: VacuumPlan, view: View): readonly string[] {
  const { directory, expectedBytes, isWorthwhile, request } = plan;
  const given = printable(directory.dir.given);
  if (!isWorthwhile) return [...notWorthwhileLines(plan, view), ...attentionLines(directory, view)];
  const live = formatBytes(expectedBytes);
  const lines = [
    view.style.bold(`Plan for ${given}`),
    ...backupStepLines(directory, view),
    ...(request.withoutPrune ? [] : labelled('prune', pruneStep(plan), view.width)),
    ...modeLines(plan, live, view),
    ...checkLines(directory.checks, indexCheckOf(plan), view),
    ...(directory.versions.metadb < 3 ? oldFullTextLines(view) : []),
    ...attentionLines(directory, view),
  ];
  return directory.isDryRun ? [...lines, '', 'Dry run: nothing was changed.'] : lines;
}

export function vacuumReportLines(report: VacuumReport, elapsedMs: number, view: View): readonly string[] {
  const { plan, isDone, deleted, databaseBytesAfter } = report;
  const { directory, request } = plan;
  if (!isDone)
    return [...notWorthwhileLines(plan, view), ...attentionLines(directory, view), ...backupMadeLines(directory, view)];
  const before = directory.databaseBytes;
  const gain = formatBytes(Math.max(before - databaseBytesAfter, 0));
  const sizes = `${formatBytes(before)} → ${formatBytes(databaseBytesAfter)} (gave back ${gain})`;
  const [first = '', ...rest] = wrapped(`Done in ${formatElapsed(elapsedMs)}. chroma.sqlite3: ${sizes}.`, view.width);
  const kept = formatCount(allRows(directory) - deleted);
  const rows = `${counted(deleted, 'WAL row')} deleted, ${kept} kept${needsYou(directory)}. ${elsewhere(directory)}`;
  return [
    view.style.bold(first),
    ...rest,
    ...(request.withoutPrune ? [] : wrapped(rows, view.width)),
    ...attentionLines(directory, view),
    ...growthLines(directory, view),
    ...backupMadeLines(directory, view),
  ];
}

function modeLines({ directory, mode, temporaryDirectory }: VacuumPlan, live: string, view: View): readonly string[] {
  const sizes = `${formatBytes(directory.databaseBytes)} → about ${live}`;
  if (mode.kind === 'rebuild') {
    return [
      ...labelled('vacuum', 'write the live rows into a new file, verify it, put it in place', view.width),
      ...labelled('', sizes, view.width),
      ...labelled('needs', `about ${live} beside the database`, view.width),
      ...(mode.attributes === 'all' ? [] : labelled('note', NOT_KEPT, view.width)),
    ];
  }
  return [
    ...labelled('vacuum', `rewrite the database in place: ${sizes}`, view.width),
    ...(mode.because === null ? [] : labelled('because', mode.because, view.width)),
    ...labelled(
      'needs',
      `about ${live} in ${printable(temporaryDirectory)} and up to ${live} beside the database`,
      view.width,
    ),
  ];
}

/** From 0.5.6 on Chroma keeps a log of VACUUMs, and expects one there. */
function elsewhere({ versions }: DirectoryPlan): string {
  return versions.sysdb < 8 ? 'Nothing else changed.' : 'Nothing else changed but a row in maintenance_log.';
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

function notWorthwhileLines({ directory, reclaimableBytes, request }: VacuumPlan, { width }: View): readonly string[] {
  const share = directory.databaseBytes === 0 ? 0 : (100 * reclaimableBytes) / directory.databaseBytes;
  const gain = `${formatBytes(reclaimableBytes)} (${share.toFixed(1)} %)`;
  const lines = wrapped(
    `Nothing done: a vacuum would give back ${gain}, less than --min-reclaim ${least(request.minReclaim)}.`,
    width,
  );
  const { rows } = pruneTotals(directory);
  if (rows === 0) return lines;
  return [
    ...lines,
    ...withCommand(`${counted(rows, 'WAL row')} can be deleted with:`, commandOn(directory, 'prune'), width),
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
