/**
 * Directories in which every generation of Chroma has really deleted collections and databases: what is named and what
 * goes is what an independent reference (fixtures/leftovers.py) says, and nothing else changes.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type CheckJson,
  type CleanJson,
  expectedLeftovers,
  filesIn,
  fullTextHits,
  leftoversIn,
  rowsByTable,
  withoutLeftovers,
} from '../support/cleaned.ts';
import { DELETIONS, type Deletions, seqIdsIn, unpackedDeletions } from '../support/fixtures.ts';
import { runJson } from '../support/run.ts';
import { bytesOf } from '../support/state.ts';

const AT_ONCE = ['--yes', '--min-age', '0s'];

function check(dir: string): Promise<CheckJson> {
  return runJson<CheckJson>(['check', dir]);
}

function clean(dir: string, ...options: readonly string[]): Promise<CleanJson> {
  return runJson<CleanJson>(['clean', dir, ...AT_ONCE, ...options]);
}

function othersIn({ findings }: CheckJson): readonly string[] {
  return findings.filter(({ id }) => !id.startsWith('orphan-')).map(({ id, subject }) => `${id} ${subject}`);
}

describe.each(DELETIONS.map((each) => [each.name, each] as const))('the directory %s', (_, deletions) => {
  const { expected, words } = deletions;
  const { directories, removableRows, removableRowids, totalRows } = expected;

  it('is checked: everything that deleted collections left is named, and nothing else', async () => {
    const dir = await unpackedDeletions(deletions);
    const before = bytesOf(dir);
    const report = await check(dir);
    expect(leftoversIn(report)).toEqual(expectedLeftovers(deletions));
    expect(report.counts.error).toBe(0);
    expect(bytesOf(dir)).toEqual(before);
    for (const { id, subject, message } of report.findings.filter((each) => each.subject in removableRows)) {
      expect(message, id).toContain(`${removableRows[subject]} of ${totalRows[subject]?.toLocaleString('en')} rows`);
    }
  });

  it('is planned as the reference plans it, without changing a byte', async () => {
    const dir = await unpackedDeletions(deletions);
    const before = bytesOf(dir);
    const plan = await runJson<CleanJson>(['clean', dir, '--dry-run', '--min-age', '0s']);
    expect(plan).toMatchObject({ dryRun: true, changed: false, rows: removableRows });
    expect(Object.keys(plan.rows).toSorted()).toEqual(Object.keys(removableRows).toSorted());
    expect(plan.directories.map(({ path }) => path).toSorted()).toEqual(directories.map((name) => join(dir, name)));
    expect(bytesOf(dir)).toEqual(before);
  });

  it('loses exactly what the reference names, and keeps every other row and every byte of a live index', async () => {
    const dir = await unpackedDeletions(deletions);
    const [rows, hits, names] = [rowsByTable(dir), fullTextHits(dir, words), readdirSync(dir)];
    const [live, dead] = [filesIn(dir, expected.living.directories), filesIn(dir, directories)];

    const report = await clean(dir);
    expect(report.changed).toBe(true);
    expect(report.rows).toEqual(removableRows);
    expect(report.directories.map(({ path }) => path).toSorted()).toEqual(directories.map((name) => join(dir, name)));

    expect(rowsByTable(dir)).toEqual(withoutLeftovers(rows, deletions));
    expect(filesIn(dir, expected.living.directories)).toEqual(live);
    expect(filesIn(join(dir, '.chroma-maint/quarantine', report.quarantine ?? ''), directories)).toEqual(dead);
    const kept = names.filter((name) => !directories.includes(name));
    expect(readdirSync(dir).toSorted()).toEqual([...kept, '.chroma-maint'].toSorted());
    const gone = new Set(
      seqIdsIn(removableRowids['embedding_fulltext_search'] ?? removableRowids['embedding_fulltext'] ?? ''),
    );
    const keptHits = [...hits].map(([word, ids]) => [word, ids.filter((id) => !gone.has(id))] as const);
    expect(fullTextHits(dir, words)).toEqual(new Map(keptHits));
  });

  it('has nothing left over after that, but for the quarantine', async () => {
    const dir = await unpackedDeletions(deletions);
    const before = await check(dir);
    await clean(dir);
    const after = await check(dir);
    expect(leftoversIn(after)).toEqual([]);
    expect(othersIn(after).filter((each) => !each.startsWith('quarantine '))).toEqual(othersIn(before));
    expect(after.findings.filter(({ id }) => id === 'quarantine').map(({ severity }) => severity)).toEqual(['info']);
    const bytes = bytesOf(dir);
    expect(await clean(dir)).toMatchObject({ changed: false, directories: [], rows: {} });
    expect(bytesOf(dir)).toEqual(bytes);
  });

  it('has no quarantine where its directories were deleted at once', async () => {
    const dir = await unpackedDeletions(deletions);
    const report = await clean(dir, '--delete');
    expect(report.quarantine).toBeNull();
    expect(report.reclaimedBytes).toBe(report.directories.reduce((sum, { bytes }) => sum + bytes, 0));
    expect(directories.filter((name) => existsSync(join(dir, name)))).toEqual([]);
    expect((await check(dir)).findings.filter(({ id }) => id === 'quarantine' || id.startsWith('orphan-'))).toEqual([]);
    expect(existsSync(join(dir, '.chroma-maint'))).toBe(false);
  });
});

it('comes to the same where its parts are cleaned one by one', async () => {
  // The one version that leaves something of every kind.
  const deletions = DELETIONS.find(({ name }) => name === 'deletions-0.6.3') as Deletions;
  const [whole, parts] = [await unpackedDeletions(deletions), await unpackedDeletions(deletions)];
  await clean(whole);
  const { directories, rows } = await clean(parts, '--only', 'topics');
  expect([directories, Object.keys(rows)]).toEqual([[], ['embeddings_queue']]);
  expect(await clean(parts, '--only', 'dirs')).toMatchObject({ rows: {}, changed: true });
  expect((await clean(parts, '--only', 'rows')).directories).toEqual([]);
  expect(rowsByTable(parts)).toEqual(rowsByTable(whole));
  expect(readdirSync(parts).toSorted()).toEqual(readdirSync(whole).toSorted());
});
