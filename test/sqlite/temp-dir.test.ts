import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sqliteTempDir } from '../../src/sqlite/temp-dir.ts';
import { temporaryDirectory } from '../support/fixtures.ts';

describe('the directory of SQLite’s temporary files', () => {
  it('is SQLITE_TMPDIR, else TMPDIR, else /var/tmp or its like', () => {
    const [first, second] = [temporaryDirectory(), temporaryDirectory()];
    expect(sqliteTempDir({ SQLITE_TMPDIR: first, TMPDIR: second })).toBe(first);
    expect(sqliteTempDir({ TMPDIR: second })).toBe(second);
    expect(['/var/tmp', '/usr/tmp', '/tmp', '.']).toContain(sqliteTempDir({}));
  });

  it('passes over what is empty, missing, or a file', () => {
    const good = temporaryDirectory();
    const file = join(temporaryDirectory(), 'file');
    writeFileSync(file, '', { mode: 0o777 });
    for (const bad of ['', join(good, 'no-such'), file]) {
      expect(sqliteTempDir({ SQLITE_TMPDIR: bad, TMPDIR: good })).toBe(good);
    }
  });
});
