/**
 * Large directories: what is read grows with what must be known, not with the number of collections or the vectors.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { locatePersistDir } from '../../src/chroma/persist-dir.ts';
import { realHost } from '../../src/host/real-host.ts';
import { inspect } from '../../src/operations/inspect.ts';
import { planFromReading, readDirectory } from '../../src/operations/reading.ts';
import { enlarge } from '../support/enlarge.ts';
import { unpacked } from '../support/fixtures.ts';
import { multiply } from '../support/multiply.ts';
import { run } from '../support/run.ts';

/** The statements that one reading with its plan runs. */
function statementsFor(persistDir: string): number {
  const statements: string[] = [];
  const verbose = (sql: unknown): void => void statements.push(String(sql));
  const db = new Database(join(persistDir, 'chroma.sqlite3'), { readonly: true, verbose });
  db.defaultSafeIntegers(true);
  const options = { excluded: new Set<string>(), asksIndexes: true, isShared: false };
  planFromReading(readDirectory(db, locatePersistDir(persistDir), () => options));
  db.close();
  return statements.length;
}

/** Bytes that this process has read so far, from files and page cache alike. */
function bytesRead(): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}

describe('a directory of 1,200 collections', () => {
  it('is read with as many statements as one of five', async () => {
    const [few, many] = [await unpacked('0.5.5'), await unpacked('0.5.5')];
    multiply(many, 'ledger', 1_200);
    expect(statementsFor(many)).toBe(statementsFor(few));
  });

  it('is inspected and pruned as a whole', async () => {
    const dir = await unpacked('0.5.5');
    multiply(dir, 'ledger', 1_200);
    const { exitCode, stdout } = await run(['inspect', dir]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('more collections');
    expect(stdout.split('\n').length).toBeLessThan(80);
    const pruned = await run(['prune', dir, '--yes', '--json']);
    expect(JSON.parse(pruned.stdout)).toMatchObject({ changed: true });
  });
});

describe('a queue of 1536-dimensional vectors', () => {
  it('is inspected without reading the pages that only vectors are on', async () => {
    const dir = await unpacked('0.5.5');
    enlarge(dir, 'drafts', 20_000, 1_536);
    const before = bytesRead();
    const { bytes } = await inspect({ path: dir, redact: false }, realHost);
    const size = statSync(join(dir, 'chroma.sqlite3')).size;
    expect(bytes.wal).toBeGreaterThan(size * 0.9);
    // A 6 KiB vector leaves half of its row's bytes on overflow pages.
    expect(bytesRead() - before).toBeLessThan(size * 0.7);
  });
});
