import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { searchFiles, type Unsearchable } from '../../src/repository/searched-files.ts';
import { temporaryDirectory } from '../support/fixtures.ts';

const MEBIBYTE = 1024 * 1024;
const TEXT = 'sixteen bytes :-';

interface Outcome {
  readonly unsearchable: readonly Unsearchable[];
  /** Paths in the order in which the text was found in them. */
  readonly found: readonly string[];
  readonly progress: readonly (readonly [number, number])[];
}

async function searched(root: string, onChunk = (): void => undefined): Promise<Outcome> {
  const found: string[] = [];
  const progress: [number, number][] = [];
  const unsearchable = await searchFiles(root, {
    overlap: TEXT.length - 1,
    onChunk(path, chunk) {
      onChunk();
      if (chunk.includes(TEXT)) found.push(path);
    },
    onBytes: (done, all) => void progress.push([done, all]),
  });
  return { unsearchable, found, progress };
}

describe('files that are searched', () => {
  it('are found to have a text wherever it is cut by the end of what is read at once', async () => {
    const root = temporaryDirectory();
    const names = Array.from({ length: TEXT.length + 1 }, (_, at) => String(at).padStart(2, '0'));
    for (const [at, name] of names.entries()) {
      writeFileSync(join(root, name), Buffer.concat([Buffer.alloc(MEBIBYTE - at, 'z'), Buffer.from(TEXT)]));
    }
    const { found, progress } = await searched(root);
    expect(found).toEqual(names);
    const all = names.length * MEBIBYTE + names.reduce((sum, _, at) => sum + TEXT.length - at, 0);
    expect(progress.at(-1)).toEqual([all, all]);
    expect(progress.map(([done]) => done)).toEqual(progress.map(([done]) => done).toSorted((a, b) => a - b));
  });

  it.each([
    ['gzip', gzipSync('text')],
    ['zstd', Buffer.from('28b52ffd2400', 'hex')],
    ['xz', Buffer.from('fd377a585a000004', 'hex')],
    ['bzip2', Buffer.from('BZh91AY&SY')],
    ['zip', Buffer.from('PK\u0003\u0004text')],
  ])(
    'that %s has compressed are named, and others that have its first bytes further on are searched',
    async (_, bytes) => {
      const root = temporaryDirectory();
      writeFileSync(join(root, 'compressed'), bytes);
      writeFileSync(join(root, 'other'), Buffer.concat([Buffer.alloc(MEBIBYTE, 'z'), bytes, Buffer.from(TEXT)]));
      const { unsearchable, found } = await searched(root);
      expect(unsearchable).toEqual([{ path: 'compressed', because: 'compressed' }]);
      expect(found).toEqual(['other']);
    },
  );

  it('may be gone before it is their turn, but not the whole directory', async () => {
    const root = temporaryDirectory();
    for (const name of ['first', 'second', 'third']) writeFileSync(join(root, name), TEXT);
    const { unsearchable, found } = await searched(root, () => rmSync(join(root, 'second'), { force: true }));
    expect([unsearchable, found]).toEqual([[], ['first', 'third']]);
    mkdirSync(join(root, 'below'));
    expect((await searched(join(root, 'below'))).unsearchable).toEqual([]);
    rmSync(join(root, 'below'), { recursive: true });
    expect((await searched(join(root, 'below'))).unsearchable).toEqual([
      { path: '.', because: expect.stringContaining('ENOENT') },
    ]);
  });
});
