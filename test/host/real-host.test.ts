import { statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fileSystemOf } from '../../src/host/file-system.ts';
import { realHost } from '../../src/host/real-host.ts';
import { databaseOf, pickleOf } from '../support/damage.ts';
import { unpacked } from '../support/fixtures.ts';
import { bytesOf } from '../support/state.ts';

describe('the file system of a directory', () => {
  it('is local where the tests run, and the same for everything in it', async () => {
    const dir = await unpacked('0.5.5');
    const found = fileSystemOf(dir);
    expect(found).toMatchObject({ isNetwork: false, device: statSync(dir, { bigint: true }).dev });
    expect(fileSystemOf(databaseOf(dir))).toEqual(found);
  });

  it('is another one for /proc, which is not a network', () => {
    expect(fileSystemOf('/proc')).toMatchObject({ name: 'unknown', isNetwork: false });
    expect(fileSystemOf('/proc').device).not.toBe(fileSystemOf('/').device);
  });

  it('cannot be told of what does not exist', async () => {
    const dir = await unpacked('0.5.5');
    expect(() => fileSystemOf(join(dir, 'no-such'))).toThrow('ENOENT');
  });
});

describe('this machine', () => {
  it('has as many free bytes as the kernel lets this user write', async () => {
    const dir = await unpacked('0.5.5');
    const { bavail, bsize, blocks } = statfsSync(dir);
    const free = await realHost.freeBytes(dir);
    // Others write meanwhile; the whole disk is the scale on which that is nothing.
    expect(Math.abs(free - bavail * bsize)).toBeLessThan((blocks * bsize) / 10);
  });

  it('syncs files and directories without changing anything of them, and says so where it cannot', async () => {
    const dir = await unpacked('0.5.5');
    const before = bytesOf(dir);
    for (const path of [databaseOf(dir), pickleOf(dir, 'notes'), dir]) realHost.sync(path);
    expect(bytesOf(dir)).toEqual(before);
    expect(() => realHost.sync(join(dir, 'no-such'))).toThrow('ENOENT');
  });

  it('passes on that the kernel could not sync what was opened', () => {
    expect(() => realHost.sync('/dev/null')).toThrow('EINVAL');
  });

  it('knows its user and the time', () => {
    expect(realHost.userId()).toBe(process.geteuid?.());
    expect(realHost.now()).toBeInstanceOf(Date);
  });
});
