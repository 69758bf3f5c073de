/**
 * What becomes of the way in which a file gives pages back; no SQLite.
 */
import type { AutoVacuum } from '../sqlite/auto-vacuum.ts';

export interface AutoVacuumStep {
  readonly before: AutoVacuum;
  readonly after: AutoVacuum;
}

/** True where the file is to give pages back in another way than before. */
export function isChanging({ before, after }: AutoVacuumStep): boolean {
  return before !== after;
}

/** True where SQLite changes it at once, and not only with the next VACUUM. */
export function changesAtOnce({ before, after }: AutoVacuumStep): boolean {
  return before === 'full' && after === 'incremental';
}
