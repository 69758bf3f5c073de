/**
 * fts rebuild and fts optimize on directories that real Chroma wrote, damaged in every way in which an index can be.
 */
import { statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { damagedFullText, databaseOf } from '../support/damage.ts';
import { unpacked } from '../support/fixtures.ts';
import { declarationOf, faultsOf, fts, hitsOf, othersOf, type FtsJson } from '../support/full-text.ts';
import {
  damagedFullTextPage,
  droppedFullText,
  missingFullTextRows,
  otherTokenizer,
  surplusFullTextRows,
  wrongFullTextRows,
} from '../support/full-text-damage.ts';
import { runJson } from '../support/run.ts';
import { bytesOf, otherFilesOf, withDatabase } from '../support/state.ts';

const DIRECTORIES = [
  '0.4.0',
  '0.4.3',
  '0.4.14',
  '0.4.24',
  '0.5.5',
  '0.6.3-purge-off',
  '1.0.12-purge-off',
  '1.5.9-purge-off',
];

/** Damages, each with what the report has to say of it. */
const DAMAGES: readonly (readonly [string, (dir: string) => void, Partial<FtsJson['before']>])[] = [
  ['is as it should be', () => undefined, { state: 'sound', missing: 0, differing: 0, surplus: 0 }],
  ['was dropped', droppedFullText, { state: 'missing', rows: 0, orphans: 0 }],
  ['lacks documents', (dir) => missingFullTextRows(dir, 7), { state: 'sound', missing: 7 }],
  ['has other texts', (dir) => wrongFullTextRows(dir, 5), { state: 'sound', differing: 5, missing: 0 }],
  ['has lost content behind the back of its index', damagedFullText, { state: 'sound', missing: 1 }],
  ['has another tokenizer', (dir) => otherTokenizer(dir, 'porter'), { state: 'wrong-tokenizer', missing: 0 }],
  ['has damaged cells in its index', (dir) => damagedFullTextPage(dir, 'data', 'cells'), {}],
  ['has a damaged page in its index', (dir) => damagedFullTextPage(dir, 'data'), { state: 'damaged', missing: 0 }],
  ['has one in its content', (dir) => damagedFullTextPage(dir, 'content'), { state: 'damaged', missing: null }],
  ['cannot be opened', (dir) => damagedFullTextPage(dir, 'config'), { state: 'damaged', missing: 0 }],
];

describe.each(DIRECTORIES)('the full-text index of %s', (name) => {
  it.each(DAMAGES)('is made anew where it %s', async (_, damage, before) => {
    const dir = await unpacked(name);
    const [declaration, hits] = [declarationOf(dir), hitsOf(dir)];
    damage(dir);
    const [others, files] = [othersOf(dir), otherFilesOf(dir)];

    const { size } = statSync(databaseOf(dir));
    const { expected } = await runJson<FtsJson>(['fts', 'rebuild', dir, '--dry-run']);
    const report = await fts('rebuild', dir);
    expect(report).toMatchObject({ changed: true, before });
    // The room that was asked for: the largest that the file and the index have become.
    expect(statSync(databaseOf(dir)).size - size).toBeLessThanOrEqual(expected.bytes);
    expect(report.after.bytes).toBeLessThanOrEqual(expected.bytes + 64 * 1024);
    expect(faultsOf(dir)).toEqual([]);
    expect(hitsOf(dir)).toEqual(hits);
    expect(declarationOf(dir)).toBe(declaration);
    expect(othersOf(dir)).toEqual(others);
    expect(otherFilesOf(dir)).toEqual(files);
    const { sample } = report;
    expect(sample?.queries).toBeGreaterThan(20);
    expect(sample?.hits).toBeGreaterThanOrEqual(sample?.queries ?? Infinity);
    expect(sample?.correctBefore ?? 0).toBeLessThanOrEqual(sample?.hits ?? 0);
  });

  it('is made anew without rows of no record, and of no document', async () => {
    const dir = await unpacked(name);
    surplusFullTextRows(dir, 6);
    withDatabase(dir, (db) => db.exec('DELETE FROM embeddings WHERE id = (SELECT MIN(id) FROM embeddings)'));
    const [others, hits] = [othersOf(dir), hitsOf(dir)];
    const { before } = await fts('rebuild', dir);
    expect(before).toMatchObject({ surplus: 6, missing: 0, differing: 0 });
    expect(before.orphans).toBeGreaterThan(0);
    expect(faultsOf(dir)).toEqual([]);
    expect(hitsOf(dir)).not.toEqual(hits);
    expect(othersOf(dir)).toEqual(others);
  });

  it('is merged, and answers the same', async () => {
    const dir = await unpacked(name);
    const [others, files, hits] = [othersOf(dir), otherFilesOf(dir), hitsOf(dir)];
    const first = await fts('optimize', dir);
    expect(hitsOf(dir)).toEqual(hits);
    expect(othersOf(dir)).toEqual(others);
    expect(otherFilesOf(dir)).toEqual(files);
    const bytes = bytesOf(dir);
    expect(await fts('optimize', dir)).toMatchObject({ changed: false, sample: null, after: first.after });
    expect(bytesOf(dir)).toEqual(bytes);
  });

  it.each(['rebuild', 'optimize'])('changes no byte in a dry run of %s', async (verb) => {
    const dir = await unpacked(name);
    missingFullTextRows(dir, 2);
    const before = bytesOf(dir);
    expect(await runJson(['fts', verb, dir, '--dry-run'])).toMatchObject({
      dryRun: true,
      changed: false,
      sample: null,
      before: { missing: 2 },
    });
    expect(bytesOf(dir)).toEqual(before);
  });
});

it('an index in several pieces is merged into one, with the same hits', async () => {
  const dir = await unpacked('0.6.3-purge-off');
  const { changed, sample } = await fts('optimize', dir);
  expect(changed).toBe(true);
  expect(sample).toMatchObject({ queries: 50, hitsBefore: sample?.hits });
  expect(faultsOf(dir)).toEqual([]);
});
