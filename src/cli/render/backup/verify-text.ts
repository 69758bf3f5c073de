import type { VerifiedSnapshot, VerifyReport } from '../../../operations/backup/verify.ts';
import { counted, formatCount } from '../../../units.ts';
import { printable } from '../printable.ts';
import { withCommand, wrapped } from '../table.ts';
import type { View } from '../view.ts';
import { timeText, backupCommand } from './snapshot-text.ts';

export function verifyLines({ request, results }: VerifyReport, view: View): readonly string[] {
  const broken = results.filter(isDamaged).length;
  const sound = `${counted(results.length, 'snapshot is', 'snapshots are')} sound: every byte is as it was stored.`;
  const summary =
    broken === 0
      ? `${sound}${request.isFull ? ' Restored and read: the database, its full text and its rows are right.' : ''}`
      : `${formatCount(broken)} of ${counted(results.length, 'snapshot is', 'snapshots are')} damaged.`;
  return [
    ...wrapped(summary, view.width).map(view.style.bold),
    '',
    ...results.flatMap((result) => verifiedLines(result, view)),
    ...(broken === 0 ? [] : ['', ...withCommand('See:', backupCommand('list', request.repository), view.width)]),
  ];
}

/** True where the snapshot is not what was stored. */
export function isDamaged(result: VerifiedSnapshot): boolean {
  return result.kind === 'unreadable' || result.problems.length > 0;
}

function verifiedLines(result: VerifiedSnapshot, view: View): readonly string[] {
  if (result.kind === 'unreadable') {
    const { id, because } = result.snapshot;
    const text = `${id}  damaged: ${[because.message, ...because.details].join('; ')}`;
    return wrapped(text, view.width, '  ').map(view.style.bad);
  }
  const { snapshot, problems, findings, isRecorded } = result;
  const name = `${snapshot.id}  ${timeText(snapshot.manifest.time)}`;
  const files = counted(snapshot.manifest.files.length, 'file');
  if (problems.length > 0) {
    return [
      view.style.bad(`  ${name}  damaged: ${counted(problems.length, 'problem')}`),
      ...problems.flatMap(({ path, what }) => wrapped(`${printable(path)}: ${what}`, view.width, '    ')),
    ];
  }
  const known = findings ?? [];
  const kinds = [...new Set(known.map(({ id }) => id))].join(', ');
  return [
    `  ${name}  sound  ${files}`,
    ...(known.length === 0
      ? []
      : wrapped(
          `${counted(known.length, 'error')} that the directory had when it was copied: ${kinds}`,
          view.width,
          '    ',
        )),
    ...(isRecorded
      ? []
      : wrapped('this could not be kept beside the snapshot (no right to write)', view.width, '    ')),
  ];
}
