/**
 * Where a backup may be, and where it may be restored to.
 */
import { relative } from 'node:path';
import { MaintError } from '../../errors.ts';
import { realPlace } from '../../repository/repository.ts';

/** Throws UNSAFE_PLACE where one of the two directories is the other, or inside it. Neither has to exist. */
export function verifyApart(persistDir: string, repository: string): void {
  const [live, kept] = [realPlace(persistDir), realPlace(repository)];
  if (isInside(kept, live)) {
    throw new MaintError('UNSAFE_PLACE', {
      message: `the repository would be inside the persist directory: ${repository}`,
      details: ['Chroma and other tools take what is in there for theirs, and it would be lost with it'],
      hint: 'name a directory outside, on another disk if there is one',
    });
  }
  if (isInside(live, kept)) {
    throw new MaintError('UNSAFE_PLACE', {
      message: `the persist directory would be inside the repository: ${persistDir}`,
      details: ['a repository holds snapshots and nothing else'],
      hint: 'name another directory',
    });
  }
}

/** True where `path` is `directory` or below it. Both with every link resolved. */
export function isInside(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way === '' || (way.split('/')[0] !== '..' && !way.startsWith('/'));
}
