/** The program as a process of its own. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What node is given to run it. */
export const PROGRAM = fileURLToPath(new URL('../../bin/chroma-maint.js', import.meta.url));

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs it in a user namespace without capabilities: permissions hold even where the tests run as root. */
export function unprivileged(...argv: readonly string[]): Ended {
  return spawnSync('unshare', ['--user', process.execPath, PROGRAM, ...argv], { encoding: 'utf8' });
}
