/**
 * The directories that are searched beside the persist directory itself.
 */
import { MaintError } from '../../errors.ts';
import { realPlace } from '../../repository/repository.ts';
import { isInside } from '../backup/places.ts';
import type { Target } from '../target.ts';

/** Throws USAGE where a directory to be searched as well is the persist directory, or one of the two is in the other. */
export function verifyOthers({ path }: Target, others: readonly string[]): void {
  const place = realPlace(path);
  const around = others.find((other) => isInside(place, other) || isInside(other, place));
  if (around === undefined) return;
  throw new MaintError('USAGE', {
    message: `--also ${around} and the persist directory ${path} are one, or one is in the other`,
    details: ['the persist directory is searched anyway'],
    hint: 'name with --also only directories of backups and copies',
  });
}

/** All of them, each once: a snapshot that is made first has everything that is deleted then. */
export function otherDirectories({ backup }: Target, others: readonly string[]): readonly string[] {
  return [...new Set([...others, ...(backup === null ? [] : [realPlace(backup.repository)])])];
}
