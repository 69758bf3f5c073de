/**
 * Manifests that lie, as decay or somebody who wants to deceive would leave them.
 */
import { existsSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { create, forgedManifest, newRepository, refusal, restoreArgv } from '../support/backup.ts';
import * as damage from '../support/damage.ts';
import { unpacked } from '../support/fixtures.ts';
import { run } from '../support/run.ts';

describe('a manifest', () => {
  const FORGERIES: readonly (readonly [string, (path: string) => string])[] = [
    ['an absolute path', () => '/etc/chroma-maint-was-here'],
    ['a path that climbs out', (path) => `../../../${path}`],
    ['a path that climbs out later', (path) => `a/../../${path}`],
    ['an empty part', (path) => `.//${path}`],
  ];

  it.each(FORGERIES)('with %s is not believed, and nothing is restored', async (_, forge) => {
    const repository = newRepository();
    const { snapshot } = await create(await unpacked('0.5.5'), repository);
    const id = forgedManifest(snapshot.path, (manifest) => ({
      ...manifest,
      files: (manifest['files'] as readonly { path: string }[]).map((file) => ({ ...file, path: forge(file.path) })),
    }));
    const target = `${repository}-restored`;
    const argv = ['backup', 'restore', id, '--from', repository, '--to', target];
    const { code, details } = await refusal(argv);
    expect(code).toBe('CORRUPT');
    // Found before a file is looked for.
    expect(details[0]).toContain('a path that leads out of the snapshot');
    expect(existsSync(target)).toBe(false);
    expect((await run(['backup', 'verify', repository, '--all'])).exitCode).toBe(3);
  });

  it('does not lead through a symbolic link', async () => {
    const dir = await unpacked('0.5.5');
    const repository = newRepository();
    const { snapshot } = await create(dir, repository);
    const segment = damage.vectorSegmentOf(dir, 'ledger');
    const stored = join(snapshot.path, 'data', segment);
    renameSync(stored, `${repository}-moved`);
    symlinkSync(`${repository}-moved`, stored);
    expect(await refusal(restoreArgv(repository, `${repository}-restored`))).toMatchObject({ code: 'CORRUPT' });
    rmSync(stored);
    renameSync(`${repository}-moved`, stored);
    renameSync(join(snapshot.path, 'data/chroma.sqlite3'), `${repository}-database`);
    symlinkSync(`${repository}-database`, join(snapshot.path, 'data/chroma.sqlite3'));
    const { exitCode, stdout } = await run(['backup', 'verify', repository]);
    expect({ exitCode, stdout }).toMatchObject({ exitCode: 3, stdout: expect.stringContaining('it is no file') });
  });

  it('that was changed by a byte does not fit its name', async () => {
    const repository = newRepository();
    const { snapshot } = await create(await unpacked('0.5.5'), repository);
    const file = join(snapshot.path, 'manifest.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"records": ', '"records": 1'));
    expect(await refusal(restoreArgv(repository, `${repository}-restored`))).toMatchObject({ code: 'CORRUPT' });
    const { stdout } = await run(['backup', 'list', repository]);
    expect(stdout).toContain('is damaged');
  });
});
