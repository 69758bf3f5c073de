import { createHash, randomBytes } from 'node:crypto';
import { lstatSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copyTo, digestOf, digestOfSame, withFile } from '../../src/repository/file-content.ts';
import { temporaryDirectory } from '../support/fixtures.ts';

const MIB = 1024 * 1024;

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function silent(): void {
  // Nobody listens.
}

/** Bytes with stretches of zeros, some of them whole blocks, some not. */
const contents = fc
  .array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 300_000 })), { maxLength: 12 })
  .map((parts) =>
    Buffer.concat(parts.map(([isZero, length]) => (isZero ? Buffer.alloc(length) : randomBytes(length)))),
  );

describe('a copy', () => {
  it('has the bytes and the hash of its source, whatever its size and whether holes are made', async () => {
    const directory = temporaryDirectory();
    let count = 0;
    await fc.assert(
      fc.asyncProperty(contents, fc.boolean(), async (bytes, isSparse) => {
        count += 1;
        const [source, target] = [join(directory, `source-${count}`), join(directory, `target-${count}`)];
        writeFileSync(source, bytes);
        const told: number[] = [];
        const digest = await withFile(source, (descriptor) =>
          copyTo(descriptor, target, isSparse, (each) => told.push(each)),
        );
        expect(digest).toEqual({ bytes: bytes.length, sha256: sha256(bytes) });
        expect(readFileSync(target).equals(bytes)).toBe(true);
        expect(told.reduce((sum, each) => sum + each, 0)).toBe(bytes.length);
        expect(await withFile(target, (descriptor) => digestOf(descriptor, silent))).toEqual(digest);
      }),
      { numRuns: 60 },
    );
  });

  it.each([0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 5 * MIB + 17])('of %i bytes is whole', async (size) => {
    const directory = temporaryDirectory();
    const bytes = randomBytes(size);
    writeFileSync(join(directory, 'source'), bytes);
    await withFile(join(directory, 'source'), (descriptor) =>
      copyTo(descriptor, join(directory, 'target'), false, silent),
    );
    expect(readFileSync(join(directory, 'target')).equals(bytes)).toBe(true);
  });

  it('keeps holes, and makes none in a file that has none', async () => {
    const directory = temporaryDirectory();
    const source = join(directory, 'source');
    writeFileSync(source, randomBytes(4096));
    truncateSync(source, 64 * MIB);
    for (const isSparse of [true, false]) {
      const target = join(directory, String(isSparse));
      await withFile(source, (descriptor) => copyTo(descriptor, target, isSparse, silent));
      expect(lstatSync(target).size).toBe(64 * MIB);
      expect(lstatSync(target).blocks * 512 < MIB).toBe(isSparse);
    }
  });

  it('is readable by its owner alone, and overwrites nothing', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'source'), 'new');
    writeFileSync(join(directory, 'there'), 'old');
    const copy = (name: string): Promise<unknown> =>
      withFile(join(directory, 'source'), (descriptor) => copyTo(descriptor, join(directory, name), false, silent));
    await expect(copy('there')).rejects.toMatchObject({ code: 'EEXIST' });
    expect(readFileSync(join(directory, 'there'), 'utf8')).toBe('old');
    await copy('target');
    expect(lstatSync(join(directory, 'target')).mode & 0o777).toBe(0o600);
  });
});

describe('two files', () => {
  it.each([
    ['the same', (bytes: Buffer) => bytes, true],
    ['different in the last byte', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -1), Buffer.from('x')]), false],
    ['one longer', (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('x')]), false],
    ['one shorter', (bytes: Buffer) => bytes.subarray(0, -1), false],
    ['one empty', () => Buffer.alloc(0), false],
  ])('%s are told apart', async (_, change, isSame) => {
    const directory = temporaryDirectory();
    const bytes = Buffer.alloc(3 * MIB + 5, 7);
    writeFileSync(join(directory, 'one'), bytes);
    writeFileSync(join(directory, 'other'), change(bytes));
    const digest = await withFile(join(directory, 'one'), (one) =>
      withFile(join(directory, 'other'), (other) => digestOfSame(one, other, silent)),
    );
    expect(digest).toEqual(isSame ? { bytes: bytes.length, sha256: sha256(bytes) } : null);
  });
});

describe('a symbolic link', () => {
  it('is not opened', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'file'), 'bytes');
    symlinkSync('file', join(directory, 'link'));
    await expect(withFile(join(directory, 'link'), () => Promise.resolve())).rejects.toMatchObject({ code: 'ELOOP' });
  });
});
