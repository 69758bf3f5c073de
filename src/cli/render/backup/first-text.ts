import type { DirectoryPlan } from '../../../operations/planning.ts';
import { formatBytes } from '../../../units.ts';
import { shellWord } from '../../../shell-word.ts';
import { printable } from '../printable.ts';
import { labelled, withCommand } from '../table.ts';
import type { View } from '../view.ts';

/** That a snapshot comes first, for a plan. */
export function backupStepLines({ backup }: DirectoryPlan, { width }: View): readonly string[] {
  if (backup?.kind !== 'planned') return [];
  const text = `a snapshot into ${printable(backup.repository)} first, verified; up to ${formatBytes(backup.bytes)}`;
  return labelled('backup', text, width);
}

/** How to go back to the snapshot that was made first, for a report. */
export function backupMadeLines({ backup, dir }: DirectoryPlan, { width }: View): readonly string[] {
  if (backup?.kind !== 'made') return [];
  const { snapshot, request } = backup.report;
  const [repository, target] = [shellWord(request.repository), shellWord(dir.given)];
  const command = `chroma-maint backup restore ${snapshot.id} --from ${repository} --to ${target} --swap`;
  const text = `Snapshot ${snapshot.id} was made first and verified. To go back:`;
  return ['', ...withCommand(text, printable(command), width)];
}
