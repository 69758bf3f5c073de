import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { temporaryDirectory } from './fixtures.ts';

/** A copy of a test's directory, every time in it included, which is removed when the test has finished. */
export function cloneOf(persistDir: string): string {
  const clone = join(temporaryDirectory(), 'persist');
  execFileSync('cp', ['-a', persistDir, clone]);
  return clone;
}
