import { totalsOf } from '../../../operations/backup/totals.ts';
import type { Snapshot, Verification } from '../../../repository/snapshots.ts';
import { counted } from '../../../units.ts';
import { shellWord } from '../../../shell-word.ts';
import { printable } from '../printable.ts';

/** What is in it, in words. */
export function contentsOf(snapshot: Snapshot): readonly string[] {
  const { collections } = snapshot.manifest.contents;
  return [counted(collections.length, 'collection'), counted(totalsOf(snapshot).records, 'record')];
}

/** `2026-11-21 20:14:15`, of a time in ISO 8601. */
export function timeText(time: string): string {
  return time.slice(0, 19).replace('T', ' ');
}

/** `2026-11-21 20:14`, where there is no room for more. */
export function minuteText(time: string): string {
  return timeText(time).slice(0, 16);
}

/** Whether and when it was verified. */
export function verificationText(verification: Verification | null): string {
  if (verification === null) return '–';
  if (verification.problems > 0) return 'damaged';
  return `${verification.time.slice(0, 10)}${verification.extent === 'full' ? ' full' : ''}`;
}

/** A command line on the repository that can be pasted. */
export function backupCommand(verb: string, repository: string, ...rest: readonly string[]): string {
  return printable(['chroma-maint backup', verb, shellWord(repository), ...rest].join(' '));
}
