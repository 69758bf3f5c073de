import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { overwrite } from '../../src/sqlite/descriptor.ts';
import { temporaryDirectory } from '../support/fixtures.ts';

const MEBIBYTE = 1024 * 1024;

it.each([0, 1, 100, 4 * MEBIBYTE, 9 * MEBIBYTE + 5])('%i bytes are overwritten to the last, and none more', (size) => {
  const path = join(temporaryDirectory(), 'old');
  writeFileSync(path, randomBytes(size));
  const descriptor = openSync(path, 'r+');
  const told: (readonly [number, number])[] = [];
  try {
    expect(overwrite(descriptor, (done, all) => void told.push([done, all]))).toBe(size);
  } finally {
    closeSync(descriptor);
  }
  expect(readFileSync(path).equals(Buffer.alloc(size))).toBe(true);
  expect(told.at(-1) ?? [0, 0]).toEqual([size, size]);
});
