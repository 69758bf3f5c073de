/** How far a file has grown that another process writes. */
import { closeSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { realHost } from '../../src/host/real-host.ts';
import { growthOf } from '../../src/operations/growth.ts';
import { temporaryDirectory } from '../support/fixtures.ts';

const OWN = { host: realHost, pid: process.pid, expectedBytes: 500 };
const NO_PROCESS = 2 ** 22 + 1;

it('is that of the new file while one is written, and nothing where there is none', () => {
  const dir = temporaryDirectory();
  expect(growthOf('rebuilding', dir, OWN)).toBeNull();
  writeFileSync(join(dir, 'chroma.sqlite3.chroma-maint-rebuild'), 'x'.repeat(200));
  expect(growthOf('rebuilding', dir, OWN)).toEqual({ written: 200, expected: 500 });
  expect(growthOf('verifying', dir, OWN)).toBeNull();
});

it('is that of the temporary file without a name and of the journal while VACUUM works', () => {
  const dir = temporaryDirectory();
  const before = growthOf('vacuuming', dir, OWN)?.written ?? 0;
  const path = join(dir, 'temporary');
  const descriptor = openSync(path, 'w');
  onTestFinished(() => closeSync(descriptor));
  rmSync(path);
  writeSync(descriptor, 'x'.repeat(300));
  writeFileSync(join(dir, 'chroma.sqlite3-journal'), 'x'.repeat(100));
  expect(growthOf('vacuuming', dir, OWN)).toEqual({ written: before + 400, expected: 1_000 });
});

it('is not known of a process that is gone', () => {
  expect(growthOf('vacuuming', temporaryDirectory(), { ...OWN, pid: NO_PROCESS })).toBeNull();
});
