import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { createLockFile, withLock, type Lock } from '../../src/sqlite/open.ts';
import { databaseOf } from '../support/damage.ts';
import { temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { inTransaction } from '../support/process.ts';
import { bytesOf } from '../support/state.ts';

/** What another connection may do to the database at `path`. */
function allowedTo(path: string): readonly string[] {
  const attempts = {
    read: 'SELECT COUNT(*) FROM sqlite_schema',
    begin: 'BEGIN IMMEDIATE',
    commit: 'PRAGMA user_version = 1',
  };
  return Object.entries(attempts).flatMap(([name, sql]) => {
    const db = new Database(path, { timeout: 0 });
    try {
      db.exec(sql);
      return [name];
    } catch {
      return [];
    } finally {
      db.close();
    }
  });
}

describe('a lock', () => {
  it.each<readonly [Lock, readonly string[]]>([
    ['shared', ['read', 'begin']],
    ['reserved', ['read']],
    ['exclusive', []],
  ])('that is %s leaves others %j', async (lock, allowed) => {
    const dir = await unpacked('0.5.5');
    const found = await withLock(databaseOf(dir), lock, 0, () => Promise.resolve(allowedTo(databaseOf(dir))));
    expect(found).toEqual(allowed);
  });

  it.each<Lock>(['shared', 'reserved', 'exclusive'])('that is %s changes no byte', async (lock) => {
    const dir = await unpacked('0.5.5');
    const before = bytesOf(dir);
    const during = await withLock(databaseOf(dir), lock, 0, () => Promise.resolve(readdirSync(dir).length));
    expect(during).toBe(readdirSync(dir).length);
    expect(bytesOf(dir)).toEqual(before);
  });

  it.each<Lock>(['reserved', 'exclusive'])('that is %s is not had while somebody is in a transaction', async (lock) => {
    const path = databaseOf(await unpacked('0.5.5'));
    const other = await inTransaction(path, 'BEGIN IMMEDIATE');
    await expect(withLock(path, lock, 0, () => Promise.resolve())).rejects.toMatchObject({ code: 'IN_USE' });
    other.kill();
    await withLock(path, lock, 10_000, () => Promise.resolve());
  });

  it('ends with the work, however that ends', async () => {
    const path = databaseOf(await unpacked('0.5.5'));
    const failing = withLock(path, 'exclusive', 0, () => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    expect(allowedTo(path)).toEqual(['read', 'begin', 'commit']);
  });
});

describe('a lock file', () => {
  it('has no journal beside it while it is locked, and stays as it is', async () => {
    const path = join(temporaryDirectory(), 'lock');
    createLockFile(path);
    const { ino, mtimeMs, size } = statSync(path);
    expect(size).toBeGreaterThan(0);
    createLockFile(path);
    const names = await withLock(path, 'exclusive', 0, () => Promise.resolve(readdirSync(dirname(path))));
    expect(names).toEqual(['lock']);
    expect(statSync(path)).toMatchObject({ ino, mtimeMs, size });
    expect(existsSync(`${path}-journal`)).toBe(false);
  });
});
