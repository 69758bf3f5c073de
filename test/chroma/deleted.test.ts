/** Directories in which real Chroma has deleted collections and databases: named, cleaned, and asked again. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  type CheckJson,
  type CleanJson,
  expectedLeftovers,
  filesIn,
  leftoversIn,
  rowsByTable,
  withoutLeftovers,
} from '../support/cleaned.ts';
import { type Deletions, unpackedDeletions } from '../support/fixtures.ts';
import { differences, type Dump, isHitGone, isWrongHitGone } from './differences.ts';
import { printed } from './processes.ts';
import {
  add,
  type Copies,
  dump,
  judgesOf,
  lossesIn,
  lostWrites,
  NEWEST,
  ownVersion,
  pythonOf,
  SELECTED_DELETIONS,
} from './support.ts';

const LEFTOVERS = fileURLToPath(new URL('../../fixtures/leftovers.py', import.meta.url));

const CASES = SELECTED_DELETIONS.map((each) => [each.name, each] as const);
const JUDGED = SELECTED_DELETIONS.flatMap((each) => judgesOf(each).map((judge) => ({ name: each.name, judge, each })));
/** Here 0.4.6 or newer has numbered the full text of 0.4.3 by other rows than the records'. */
const MISNUMBERED = SELECTED_DELETIONS.filter(({ chain }) => chain[0] === '0.4.3' && chain.length > 1);

async function check(dir: string): Promise<CheckJson> {
  return JSON.parse(await printed(['check', dir, '--json'])) as CheckJson;
}

async function clean(dir: string, ...options: readonly string[]): Promise<CleanJson> {
  return JSON.parse(await printed(['clean', dir, '--yes', '--min-age', '0s', '--json', ...options])) as CleanJson;
}

/** What the independent reference says of a directory as it is now. */
function reference(dir: string, deletions: Deletions): Deletions['expected'] {
  const output = execFileSync(pythonOf(ownVersion(deletions)), [LEFTOVERS, dir], { encoding: 'utf8' });
  return JSON.parse(output) as Deletions['expected'];
}

async function copies(deletions: Deletions): Promise<Copies> {
  const [untouched, treated] = [await unpackedDeletions(deletions), await unpackedDeletions(deletions)];
  const { rows } = await clean(treated);
  expect(rows).toEqual(deletions.expected.removableRows);
  return { untouched, treated };
}

describe.each(CASES)('%s', (_, deletions) => {
  it('is left by the program without anything that deleted collections left, and with everything else', async () => {
    const dir = await unpackedDeletions(deletions);
    expect(leftoversIn(await check(dir))).toEqual(expectedLeftovers(deletions));

    const { directories, findings, removableRows, living } = reference(dir, deletions);
    expect(findings).toEqual(deletions.expected.findings);
    const [rows, live] = [rowsByTable(dir), filesIn(dir, living.directories)];
    const report = await clean(dir, '--delete');
    expect(report.rows).toEqual(removableRows);
    expect(report.directories.map(({ path }) => path).toSorted()).toEqual(directories.map((name) => join(dir, name)));
    expect(rowsByTable(dir)).toEqual(withoutLeftovers(rows, deletions));
    expect(filesIn(dir, living.directories)).toEqual(live);
    expect(directories.filter((name) => existsSync(join(dir, name)))).toEqual([]);

    const { staying } = deletions.expected;
    const topics = staying.map((topic) => ({ topic, rows: 1 }));
    expect(reference(dir, deletions)).toMatchObject({ removableRows: {}, directories: [], topics, staying, living });
    const after = (await check(dir)).findings.filter(({ id }) => id === 'quarantine' || id.startsWith('orphan-'));
    expect(after).toEqual([]);
  });
});

describe.each(JUDGED)('$name judged by Chroma $judge', ({ each, judge }) => {
  it('gives the same records, neighbours and full-text hits as an untouched copy', async () => {
    const { untouched, treated } = await copies(each);
    const before = await dump(untouched, judge, each);
    // Not two answers without a hit.
    const looked = isNumberedAnew(each, judge) ? [] : each.words;
    for (const word of looked) expect(hitsOf(before, word), word).not.toEqual([]);
    const found = differences(before, await dump(treated, judge, each));
    expect(found.filter((line) => !isOwedToChroma(line, each, judge))).toEqual([]);
  });

  it('keeps what is written to it, and answers as an untouched copy with the same writes', async () => {
    const found = await lossesIn(await copies(each), each, judge);
    expect(found.filter((line) => !isOwedToChroma(line, each, judge))).toEqual([]);
  });
});

/** True where the judge, on opening the directory, numbers the full text of 0.4.3 by rows that are not the records'. */
function isNumberedAnew({ chroma }: Deletions, judge: string): boolean {
  return chroma === '0.4.3' && judge !== chroma;
}

/**
 * Whatever Chroma has numbered so is found by accident: a record by the text that happens to stand in the row of its
 * number. Text of deleted collections is no longer found so. Nothing is found that was not found before.
 */
function isOwedToChroma(line: string, deletions: Deletions, judge: string): boolean {
  if (isNumberedAnew(deletions, judge)) return isHitGone(line);
  return MISNUMBERED.includes(deletions) && isWrongHitGone(line);
}

function hitsOf({ collections }: Dump, word: string): readonly string[] {
  return collections.flatMap(({ fullText }) => fullText?.find(({ contains }) => contains === word)?.ids ?? []);
}

describe.each(MISNUMBERED)(`$name, to which Chroma ${NEWEST} writes no documents`, (deletions) => {
  it('takes documents once the full text of no record is gone', async () => {
    const { untouched, treated } = await copies(deletions);
    expect(await add(untouched, NEWEST, deletions, true)).toHaveLength(deletions.expected.collections.length);
    expect(await add(treated, NEWEST, deletions, true)).toEqual([]);
    expect(await lostWrites(treated, NEWEST, deletions)).toEqual([]);
  });
});
