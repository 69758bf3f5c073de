import { accessSync, constants, statSync } from 'node:fs';

/** Variable that tells SQLite where its temporary files go. */
export const TEMP_DIR_VARIABLE = 'SQLITE_TMPDIR';

/**
 * The directory in which SQLite will put the temporary copy of a VACUUM: the first of its candidates that is a
 * directory this user may write to (SQLite os_unix.c `unixTempFileDir`). Undefined where there is none.
 */
export function sqliteTempDir(environment: NodeJS.ProcessEnv): string | undefined {
  const candidates = [environment[TEMP_DIR_VARIABLE], environment['TMPDIR'], '/var/tmp', '/usr/tmp', '/tmp', '.'];
  return candidates.find((candidate) => candidate !== undefined && candidate !== '' && isUsable(candidate));
}

function isUsable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    return statSync(directory).isDirectory();
  } catch {
    return false;
  }
}
