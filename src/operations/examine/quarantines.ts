/**
 * What clean has put aside in a directory.
 */
import { systemErrorCode } from '../../errors.ts';
import { listQuarantines, type Quarantine } from '../../repository/quarantine.ts';
import { counted, formatBytes } from '../../units.ts';
import { finding, type Finding } from '../findings/findings.ts';

const DAY_MS = 86_400_000;
/** What `clean --purge-quarantine` leaves where nothing else is said. */
const KEPT_DAYS = 7;

export const NOT_FOR_THIS_USER: readonly string[] = ['EACCES', 'EPERM'];

/** One finding for each quarantine of the directory at `path`; the remedy is one that works at the time `now`. */
export function quarantineFindings(path: string, now: Date): readonly Finding[] {
  const found = quarantinesIn(path);
  if ('code' in found) {
    return [finding('quarantine', '.chroma-maint', `this user may not see what clean put aside there (${found.code})`)];
  }
  return found.quarantines.map(({ id, time, directories, bytes }) => {
    const what = counted(directories.length, 'directory', 'directories');
    const message = `${what} of deleted collections (${formatBytes(bytes)}), put aside by clean`;
    const told = finding('quarantine', id, message);
    const oldEnough = Date.parse(time) + KEPT_DAYS * DAY_MS;
    if (now.getTime() >= oldEnough) return told;
    const day = new Date(oldEnough).toISOString().slice(0, 10);
    return { ...told, remedy: `Delete it from ${day} on, or at once with --older-than 0s: ${told.remedy}` };
  });
}

/** Bytes on disk of all quarantines that this user may see. */
export function quarantineBytes(path: string): number {
  const found = quarantinesIn(path);
  return 'code' in found ? 0 : found.quarantines.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** What is there; the system's code where this user may not look, for a quarantine is for its owner alone. */
function quarantinesIn(path: string): { readonly quarantines: readonly Quarantine[] } | { readonly code: string } {
  try {
    return { quarantines: listQuarantines(path) };
  } catch (error) {
    const code = systemErrorCode(error) ?? '';
    if (!NOT_FOR_THIS_USER.includes(code)) throw error;
    return { code };
  }
}
