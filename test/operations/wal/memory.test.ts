/** 200,000 rows with a heap that could not hold them. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory, unpacked } from '../../support/fixtures.ts';
import { PROGRAM } from '../../support/program.ts';
import { withDatabase } from '../../support/state.ts';

const ROWS = 200_000;
/** Megabytes; the rows as objects of JavaScript need several times as much. */
const HEAP = '40';

const APPEND = `
  WITH RECURSIVE counter(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < ?)
  INSERT INTO embeddings_queue (operation, topic, id, vector, encoding, metadata)
  SELECT 0, (SELECT MIN(topic) FROM embeddings_queue), 'row-' || n, zeroblob(64), 'FLOAT32',
    '{"chroma:document": "' || printf('%.400c', 'x') || '", "rank": ' || n || '}'
  FROM counter`;

it.each([
  ['an export', ROWS + 706, ['export']],
  ['a list as JSON', ROWS + 706, ['list', '--json']],
  // A line about the whole, one without anything, the titles; at the end one without anything and one that counts.
  ['a list as a table', ROWS + 706 + 5, ['list', '--limit', '1000000']],
  ['a list of which the last row is asked for', 1, ['list', '--json', '--id', 'row-1']],
])(
  '%s needs no more memory than a few pages of them',
  async (_, lines, [verb = '', ...options]) => {
    const dir = await unpacked('0.5.5');
    withDatabase(dir, (db) => db.prepare(APPEND).run(ROWS));
    const out = join(temporaryDirectory(), 'out');
    const descriptor = openSync(out, 'w');
    const argv = [`--max-old-space-size=${HEAP}`, PROGRAM, 'wal', verb, dir, ...options];
    const { status, stderr } = spawnSync(process.execPath, argv, {
      stdio: ['ignore', descriptor, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(descriptor);
    expect(status, stderr).toBe(0);
    expect(readFileSync(out).filter((byte) => byte === 10).length).toBe(lines);
  },
  120_000,
);
