/**
 * docs/examples/replay.py: what it makes of an export is what the rows of the log say, and where the log is complete what
 * the exported directory holds.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { finished, lastLines, printed } from './processes.ts';
import { judgesOf, NEWEST, ownVersion, pythonOf, SELECTED, type JudgedFixture } from './support.ts';

interface Replayed {
  readonly tenant: string;
  readonly database: string;
  readonly name: string;
  readonly records: readonly ReplayedRecord[];
}

interface ReplayedRecord {
  readonly id: string;
  readonly document: string | null;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly embedding: readonly number[] | null;
}

const REPLAY = fileURLToPath(new URL('../../docs/examples/replay.py', import.meta.url));
const REPLAYED = fileURLToPath(new URL('replayed.py', import.meta.url));
const REFERENCE = fileURLToPath(new URL('../../fixtures/queue_rows.py', import.meta.url));

/** Fixtures whose export the newest Chroma replays, too. */
const FOR_THE_NEWEST = ['0.4.24', '0.5.5', '0.6.3-purge-off'];

const CASES = SELECTED.flatMap((fixture) => {
  const judges = [newestWriter(fixture), ...(FOR_THE_NEWEST.includes(fixture.name) ? [NEWEST] : [])];
  const known = judgesOf({ judges }).filter((judge, at, all) => all.indexOf(judge) === at);
  return known.map((judge) => ({ fixture, name: fixture.name, judge }));
});

/** What takes every row: metadata of 1.5 has lists, which older versions refuse. */
function newestWriter({ chain }: JudgedFixture): string {
  return chain.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1) ?? '';
}

describe.each(CASES)('the export of $name, replayed by Chroma $judge', ({ fixture, judge }) => {
  it('is what its rows say, and what the directory holds where no row was deleted', async () => {
    const [dir, target] = [await unpacked(fixture.name), join(temporaryDirectory(), 'replayed')];
    const file = join(temporaryDirectory(), 'wal.jsonl.gz');
    await printed(['wal', 'export', dir, '-o', file]);
    const folded = await answer('python3', [REFERENCE, '--fold', dir]);
    mkdirSync(target);
    const exported = gunzipSync(readFileSync(file)).toString('utf8');
    const places = fixture.expected.collections
      .filter(({ id }) => exported.includes(`"collection":"${id}"`))
      .map(({ id, tenant, database, name }) => `--to=${id}=${tenant}/${database}/${name}`);
    await outputOf(pythonOf(judge), [REPLAY, file, target, ...places]);
    const replayed = await answer(pythonOf(judge), [REPLAYED, target, ...databasesOf(folded)]);

    expect(replayed).toEqual(folded);
    // Where an older Chroma has opened the directory of a newer one, it does not see all that this has written.
    if (fixture.purge === 'on' || newestWriter(fixture) !== ownVersion(fixture)) return;
    const original = await answer(pythonOf(ownVersion(fixture)), [REPLAYED, dir, ...fixture.databases]);
    expect(comparable(replayed, fixture)).toEqual(comparable(original.filter(hasRecords), fixture));
  });
});

/** Chroma keeps vectors of some collections at length 1; the replayed collections have its default distance. */
function comparable(collections: readonly Replayed[], { name }: JudgedFixture): readonly Replayed[] {
  return collections.map((collection) => ({
    ...collection,
    records: collection.records.map((record) => ({
      ...record,
      // In this directory Chroma itself has lost vectors that the log still has.
      embedding: name === '0.5.0-readd' || record.embedding === null ? null : ofLengthOne(record.embedding),
    })),
  }));
}

function ofLengthOne(vector: readonly number[]): readonly number[] {
  const length = Math.hypot(...vector);
  return vector.map((each) => Math.round((each / length) * 1e4) / 1e4 + 0);
}

function hasRecords({ records }: Replayed): boolean {
  return records.length > 0;
}

function databasesOf(collections: readonly Replayed[]): readonly string[] {
  return [...new Set(collections.map(({ tenant, database }) => `${tenant}/${database}`))];
}

/** One object a line, in the order of the collections' names. */
async function answer(command: string, argumentsGiven: readonly string[]): Promise<readonly Replayed[]> {
  const lines = (await outputOf(command, argumentsGiven)).split('\n').filter((line) => line !== '');
  const nameOf = ({ tenant, database, name }: Replayed): string => `${tenant}/${database}/${name}`;
  return lines.map((line) => JSON.parse(line) as Replayed).toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

async function outputOf(command: string, argumentsGiven: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await finished(command, argumentsGiven);
  expect(exitCode, lastLines(stderr)).toBe(0);
  return stdout;
}
