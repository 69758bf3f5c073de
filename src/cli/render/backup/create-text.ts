import type { CreateReport } from '../../../operations/backup/create.ts';
import { totalsOf } from '../../../operations/backup/totals.ts';
import { formatBytes, formatElapsed } from '../../../units.ts';
import { printable } from '../printable.ts';
import { unbroken, withCommand, wrapped } from '../table.ts';
import type { View } from '../view.ts';
import { contentsOf, backupCommand } from './snapshot-text.ts';

export function createLines(report: CreateReport, elapsedMs: number, view: View): readonly string[] {
  const { request, snapshot, newBytes } = report;
  const { source } = snapshot.manifest;
  const facts = unbroken(
    [...contentsOf(snapshot), formatBytes(totalsOf(snapshot).bytes), `${formatBytes(newBytes)} of it new`],
    ', ',
  );
  const done = `Snapshot ${snapshot.id} of ${printable(request.path)} in ${formatElapsed(elapsedMs)}: ${facts}.`;
  const [first = '', ...rest] = wrapped(done, view.width);
  const beside = 'Another process had the directory open; database and index files are of one moment all the same.';
  return [
    view.style.bold(first),
    ...rest,
    ...(source.wasInUse ? wrapped(beside, view.width) : []),
    ...(snapshot.verification === null
      ? ['', ...withCommand('Next:', backupCommand('verify', request.repository, '--latest'), view.width)]
      : []),
  ];
}

/** What of a snapshot somebody should know who trusts in it. */
export function createWarnings(report: CreateReport): readonly string[] {
  const { leftOut, runaways, damagedIndexes, isClockSetBack } = report;
  return [
    ...leftOut
      .filter(({ kind }) => kind !== 'temporary file')
      .map(({ path, kind }) => `left out of the snapshot: ${path}, a ${kind}`),
    ...runaways.map(
      ({ path, size, allocated }) =>
        `${path} has run away (${formatBytes(size)}, of which ${formatBytes(allocated)} are on disk); it was copied with its holes`,
    ),
    ...damagedIndexes.map((id) => `the index files in ${id} are damaged; they are in the snapshot as they are`),
    ...(isClockSetBack ? ['the clock was set back: the snapshot before carries a later time than this one'] : []),
  ];
}
