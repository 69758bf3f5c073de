/**
 * What the operating system refuses, in the operator's words.
 */
import { MaintError, systemErrorCode, type ErrorCode, type FailureText } from '../errors.ts';

interface Translation extends Pick<FailureText, 'hint'> {
  readonly code: ErrorCode;
  readonly fact: string;
}

const FULL: Translation = {
  code: 'NO_SPACE',
  fact: 'the disk is full',
  hint: 'free some space, then run this again',
};
const FORBIDDEN: Translation = {
  code: 'NOT_WRITABLE',
  fact: 'this user may not do that here',
  hint: 'run this as the user that owns the files, on a file system that is mounted read-write',
};
const FAILING: Translation = {
  code: 'FAILED',
  fact: 'the disk reported an error',
  hint: 'look at the kernel log (dmesg); if the disk is failing, copy what is on it first',
};
const GONE: Translation = {
  code: 'FAILED',
  fact: 'a file or directory is not there',
  hint: 'look at the path, and whether something else is at work there, then run this again',
};
const MOUNTED: Translation = {
  code: 'FAILED',
  fact: 'something is mounted here, or this is part of another file system',
  hint: 'look at the mounts (findmnt), then run this again',
};

const TOO_LONG: Translation = {
  code: 'FAILED',
  fact: 'the name is longer than the file system takes',
  hint: 'choose a shorter one',
};

const TRANSLATIONS: Readonly<Record<string, Translation>> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  EACCES: FORBIDDEN,
  EPERM: FORBIDDEN,
  EROFS: FORBIDDEN,
  EIO: FAILING,
  ENOENT: GONE,
  ENOTDIR: GONE,
  EBUSY: MOUNTED,
  EXDEV: MOUNTED,
  ENAMETOOLONG: TOO_LONG,
};

/** Runs `work`; what the operating system refuses in it names the file, or `where` if it names none. */
export async function inWords<T>(where: string, work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asFailure(where, error);
  }
}

/** The operator's version of `thrown`, or `thrown` itself where it is nothing that the operating system said. */
export function asFailure(where: string, thrown: unknown): unknown {
  const translation = TRANSLATIONS[systemErrorCode(thrown) ?? ''];
  if (translation === undefined || thrown instanceof MaintError || !(thrown instanceof Error)) return thrown;
  const { code, fact, hint } = translation;
  const path = 'path' in thrown && typeof thrown.path === 'string' ? thrown.path : where;
  return new MaintError(code, { message: `${fact}: ${path}`, details: [thrown.message], hint, cause: thrown });
}
