import { describe, expect, it } from 'vitest';
import { withReadOnly, withWritable, type Database } from '../../src/sqlite/open.ts';
import { databaseOf } from '../support/damage.ts';
import { unpacked } from '../support/fixtures.ts';

function pragmasOf(db: Database, names: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(names.map((name) => [name, db.pragma(name, { simple: true })]));
}

describe('a connection', () => {
  it('for writing has a journal that survives a power cut, and sorts on disk', async () => {
    const path = databaseOf(await unpacked('0.5.5'));
    const names = ['journal_mode', 'synchronous', 'temp_store', 'secure_delete', 'foreign_keys', 'query_only'];
    expect(withWritable(path, 0, (db) => pragmasOf(db, names))).toEqual({
      journal_mode: 'delete',
      synchronous: 2n,
      temp_store: 0n,
      secure_delete: 0n,
      foreign_keys: 0n,
      query_only: 0n,
    });
  });

  it('for reading needs no disk, and can write nothing', async () => {
    const path = databaseOf(await unpacked('0.5.5'));
    expect(withReadOnly(path, 0, (db) => pragmasOf(db, ['journal_mode', 'temp_store']))).toEqual({
      journal_mode: 'delete',
      temp_store: 2n,
    });
    expect(() => withReadOnly(path, 0, (db) => db.exec('DELETE FROM embeddings_queue'))).toThrow('cannot be written');
  });
});
