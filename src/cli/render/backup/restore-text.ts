import type { RestorePlan, RestoreReport } from '../../../operations/backup/restore.ts';
import { formatBytes, formatElapsed } from '../../../units.ts';
import { shellWord } from '../../../shell-word.ts';
import { printable } from '../printable.ts';
import { labelled, unbroken, withCommand, wrapped } from '../table.ts';
import type { View } from '../view.ts';
import { contentsOf, timeText } from './snapshot-text.ts';

export function restorePlanLines(
  { isDryRun, request, snapshot, place, bytes }: RestorePlan,
  { width, style }: View,
): readonly string[] {
  const given = printable(place.given);
  const time = timeText(snapshot.manifest.time);
  const contents = unbroken([`snapshot ${snapshot.id} of ${time} UTC`, ...contentsOf(snapshot)], ', ');
  const writes = `${formatBytes(bytes)}, every byte compared with its hash before anything is put in place`;
  const replaces = `${given}; the directory that is there now gets another name beside it`;
  return [
    style.bold(`Plan for ${given}`),
    ...labelled('restore', contents, width),
    ...labelled('writes', writes, width),
    ...(request.isSwap && place.occupation === 'directory' ? labelled('swaps', replaces, width) : []),
    ...(isDryRun ? ['', 'Dry run: nothing was changed.'] : []),
  ];
}

export function restoreLines(report: RestoreReport, elapsedMs: number, view: View): readonly string[] {
  const { plan, outgoing, settled, hasOwners } = report;
  const { snapshot, place, bytes } = plan;
  const facts = unbroken([...contentsOf(snapshot), formatBytes(bytes), 'every byte as it was stored'], ', ');
  const done = `Restored snapshot ${snapshot.id} to ${printable(place.given)} in ${formatElapsed(elapsedMs)}: ${facts}.`;
  const [first = '', ...rest] = wrapped(done, view.width);
  const owners = 'The files belong to this user: only root can give them the owners they had.';
  return [
    ...(settled === null ? [] : wrapped(settledText(settled), view.width)),
    view.style.bold(first),
    ...rest,
    ...(hasOwners ? [] : wrapped(owners, view.width)),
    ...(outgoing === null
      ? []
      : ['', ...withCommand('The directory that was there before is kept:', shellWord(outgoing), view.width)]),
    '',
    ...withCommand('Next:', printable(`chroma-maint inspect ${shellWord(place.given)}`), view.width),
  ];
}

function settledText(settled: NonNullable<RestoreReport['settled']>): string {
  return settled.kind === 'undone'
    ? 'An earlier restore that was cut off was undone.'
    : `An earlier restore that was cut off was finished; what was there before it is now ${settled.outgoing}.`;
}
