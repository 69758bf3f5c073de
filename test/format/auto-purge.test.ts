import { describe, expect, it } from 'vitest';
import { readAutoPurge, type AutoPurge } from '../../src/chroma/auto-purge.ts';
import { readSchema } from '../../src/chroma/schema.ts';
import { withReadOnly } from '../../src/sqlite/open.ts';
import { databaseOf } from '../support/damage.ts';
import { FIXTURES, unpacked } from '../support/fixtures.ts';
import { withDatabase } from '../support/state.ts';

function autoPurgeOf(dir: string): AutoPurge {
  return withReadOnly(databaseOf(dir), 0, (db) => readAutoPurge(db, readSchema(db, databaseOf(dir))));
}

describe('Chroma’s own purge', () => {
  it.each(FIXTURES.map(({ name, purge }) => [name, purge ?? 'not-available'] as const))(
    'is in %s: %s, as the fixture was made',
    async (name, expected) => {
      expect(autoPurgeOf(await unpacked(name))).toBe(expected);
    },
  );

  it.each([
    ['{"automatically_purge":true,"_type":"EmbeddingsQueueConfigurationInternal"}', 'on'],
    ['{"automatically_purge": false}', 'off'],
    ['{"automatically_purge": "true"}', 'off'],
    ['{}', 'off'],
    ['null', 'off'],
    ['true', 'off'],
    ['not JSON', 'off'],
    ['', 'off'],
  ])('with the setting %j is %s', async (text, expected) => {
    const dir = await unpacked('1.5.9-purge-off');
    withDatabase(dir, (db) => db.prepare('UPDATE embeddings_queue_config SET config_json_str = ?').run(text));
    expect(autoPurgeOf(dir)).toBe(expected);
  });

  it('is undecided without a row, or with NULL in it', async () => {
    const dir = await unpacked('0.6.3-purge-on');
    withDatabase(dir, (db) => db.exec('UPDATE embeddings_queue_config SET config_json_str = NULL'));
    expect(autoPurgeOf(dir)).toBe('undecided');
    withDatabase(dir, (db) => db.exec('DELETE FROM embeddings_queue_config'));
    expect(autoPurgeOf(dir)).toBe('undecided');
  });

  it('is what the first row says where there are several', async () => {
    const dir = await unpacked('0.6.3-purge-on');
    const text = '{"automatically_purge": false}';
    withDatabase(dir, (db) => db.prepare('INSERT INTO embeddings_queue_config (config_json_str) VALUES (?)').run(text));
    expect(autoPurgeOf(dir)).toBe('on');
  });
});
