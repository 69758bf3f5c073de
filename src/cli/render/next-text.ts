/**
 * What to do after an inspection, as commands that can be pasted.
 */
import { pruneWithRoom, type Room } from '../../operations/examine/space.ts';
import { reclaimable, type Inspection } from '../../operations/inspection.ts';
import { formatBytes } from '../../units.ts';
import { commandOn } from './command-text.ts';
import { wrapped } from './table.ts';
import type { View } from './view.ts';

/** Below this share of the file a vacuum is not worth a word. */
const WORTH_A_VACUUM = 0.01;

export function nextLines(inspection: Inspection, view: View): readonly string[] {
  const { bytes, findings } = inspection;
  if (findings.some(({ id }) => id === 'watermark-ahead-of-queue')) {
    const text = 'stop writing to this directory; prune and vacuum refuse it until that is mended';
    return wrapped(`${view.style.bold('Next:')} ${text}`, view.width);
  }
  if (reclaimable(bytes) >= bytes.database * WORTH_A_VACUUM) return vacuumLines(inspection, view);
  return [
    ...wrapped('Nothing worth a vacuum: it would give back less than 1 % of the file.', view.width),
    ...cleanLines(inspection, view),
  ];
}

function vacuumLines(inspection: Inspection, view: View): readonly string[] {
  const { bytes, room, holders } = inspection;
  if (room !== null && room.lacks.vacuum !== null) return noRoomLines(inspection, room, view);
  const gain = reclaimable(bytes);
  const sizes = `${formatBytes(bytes.database)} → ${formatBytes(bytes.database - gain)}`;
  const left = bytes.orphans === 0 ? '' : `, and puts ${formatBytes(bytes.orphans)} of deleted collections aside`;
  const options = bytes.orphans === 0 ? [] : ['--clean'];
  const isInUse = holders.holders.length > 0;
  return [
    ...nextLine(
      isInUse ? 'Next, with Chroma stopped:' : 'Next:',
      commandOn(inspection, 'vacuum', ...options),
      `gives back about ${formatBytes(gain)} (${sizes})${left}`,
      view,
    ),
    ...(isInUse && bytes.walPrunable > 0
      ? nextLine('Beside it:', commandOn(inspection, 'prune', '--while-running'), 'stops the growth', view)
      : []),
  ];
}

/** What can be done where there is no room for a vacuum. */
function noRoomLines(inspection: Inspection, room: Room, view: View): readonly string[] {
  const { bytes, holders } = inspection;
  const gain = formatBytes(reclaimable(bytes));
  const lack = `A vacuum would give back about ${gain}, but there is no room for what it writes first. Free some, or, with Chroma stopped, vacuum a copy of the directory on another disk.`;
  const options = bytes.walPrunable === 0 ? null : pruneWithRoom(room, holders.holders.length > 0);
  return [
    ...wrapped(lack, view.width),
    ...(options === null
      ? []
      : nextLine('Next:', commandOn(inspection, 'prune', ...options), 'stops the growth', view)),
  ];
}

/** What deleted collections left beside the file, which a vacuum alone does not give back. */
function cleanLines(inspection: Inspection, view: View): readonly string[] {
  const { bytes } = inspection;
  if (bytes.orphans === 0) return [];
  const left = `deleted collections left ${formatBytes(bytes.orphans)} of index files, and rows`;
  return nextLine('Next:', commandOn(inspection, 'clean'), left, view);
}

function nextLine(label: string, command: string, gain: string, { width, style }: View): readonly string[] {
  const line = `${label} ${command}     ${gain}`;
  if (line.length <= width) return [line.replace(label, style.bold(label))];
  return [`${style.bold(label)} ${command}`, ...wrapped(gain, width, '      ')];
}
