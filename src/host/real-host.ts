import { closeSync, fsyncSync, openSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { open } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type checkDiskSpace from 'check-disk-space';
import { attributesKept, copyAttributes } from './attributes.ts';
import { fileSystemOf } from './file-system.ts';
import type { Host } from './host.ts';
import { probeLease } from './lease.ts';
import { holdersOf, holdersOfFile, unnamedFileBytes } from './processes.ts';

/** This machine. */
export const realHost: Host = {
  now: () => new Date(),
  environment: process.env,
  userId: () => process.geteuid?.() ?? 0,
  groupIds: () => [process.getegid?.() ?? 0, ...(process.getgroups?.() ?? [])],
  async freeBytes(path) {
    // Loaded late: only commands that write need it. Required, because its types describe its CommonJS face alone.
    const module = createRequire(import.meta.url)('check-disk-space') as { default: typeof checkDiskSpace.default };
    const { free } = await module.default(path);
    return free;
  },
  fileSystemOf,
  holdersOf,
  holdersOfFile,
  unnamedFileBytes,
  probeLease,
  attributesKept,
  copyAttributes,
  // By another process: this one may hold SQLite's locks on `from`, which go when it closes a descriptor of it.
  clone: (from, to) => spawnSync('cp', ['--reflink=always', '--', from, to], { stdio: 'ignore' }).status === 0,
  sync(path) {
    // Linux syncs through a read-only descriptor too, so nothing of the file changes, not even its times.
    const descriptor = openSync(path, 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  },
  async syncAhead(path) {
    const file = await open(path, 'r').catch(() => null);
    await file?.datasync().catch(() => undefined);
    await file?.close();
  },
  // syncfs(2), which Node.js does not have.
  syncFileSystem: (path) => spawnSync('sync', ['--file-system', path], { stdio: 'ignore' }).status === 0,
};
