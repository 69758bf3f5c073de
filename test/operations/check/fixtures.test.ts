/**
 * No false alarms: what is found in directories that real Chroma wrote, as they are and after maintenance.
 */
import { describe, expect, it } from 'vitest';
import { FIXTURES, unpacked, unpackedDemo, type Fixture } from '../../support/fixtures.ts';
import { run } from '../../support/run.ts';
import { bytesOf } from '../../support/state.ts';
import { checked, cleaned } from './cases.ts';

const DATABASE = 'chroma.sqlite3';

/** What Chroma itself has damaged: 0.5.0 lost a re-added record's vector, 0.5.7 purged rows of other collections. */
const SPECIAL: Readonly<Record<string, readonly string[]>> = {
  '0.5.0-readd': ['vectors-missing-from-index notes'],
  '0.5.7-purge-on': [
    'records-without-vector büro-süd/größe/ledger',
    'records-without-vector archive/notes',
    'records-without-vector drafts',
    'anchor-missing büro-süd/größe/ledger',
    'anchor-missing archive/notes',
  ],
  // 0.6.3 wrote BLOBs where 1.5.9 had made the column INTEGER.
  'chain-0.6.3-1.5.9-0.6.3': [
    'blob-watermark büro-süd/größe/ledger',
    'blob-watermark archive/notes',
    'blob-watermark notes',
  ],
};

/** Everything but what deleted collections left, which clean-fixtures.test.ts knows exactly. */
function expectedIn({ name, purge, expected }: Fixture): readonly string[] {
  const unsaved = expected.collections.filter(({ skip }) => skip === 'never-persisted').map((each) => each.name);
  // 1.0 makes room for 10,000 vectors in every index, 1.3 and later for 100.
  const roomy = name.startsWith('1.0.') ? ['büro-süd/größe/ledger', 'archive/notes', 'drafts', 'notes'] : [];
  return [
    ...(SPECIAL[name] ?? []),
    ...(purge === 'off' ? [`auto-purge-off ${DATABASE}`] : []),
    ...(purge === null ? [`auto-purge-not-available ${DATABASE}`] : []),
    ...unsaved.map((each) => `never-persisted ${each}`),
    ...roomy.map((each) => `unused-capacity ${each}`),
  ].toSorted();
}

/** The findings of a deep check that are not of deleted collections. */
async function othersIn(dir: string): Promise<readonly string[]> {
  const { findings } = await checked(dir, true);
  return findings
    .filter(({ id }) => !id.startsWith('orphan-'))
    .map(({ id, subject }) => `${id} ${subject}`)
    .toSorted();
}

it.each(FIXTURES.map((each) => [each.name, each] as const))(
  'exactly what is there is found in %s, and not one byte changes',
  async (name, fixture) => {
    const dir = await unpacked(name);
    const before = bytesOf(dir);
    expect(await othersIn(dir)).toEqual(expectedIn(fixture));
    expect(bytesOf(dir)).toEqual(before);
  },
);

it('nothing is wrong with the sample: notes are all there is', async () => {
  const { counts, findings } = await checked(await unpackedDemo(), true);
  expect(counts).toEqual({ error: 0, warning: 0, info: 3 });
  expect(findings.map(({ id }) => id)).toEqual(['never-persisted', 'auto-purge-not-available', 'unused-capacity']);
});

async function done(...argv: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await run(argv);
  expect(exitCode, stderr).toBe(0);
}

/** Each kind of watermark, of full-text table and of catalogue. */
const GENERATIONS = [
  '0.4.0',
  '0.4.14',
  '0.4.24',
  '0.5.5',
  '0.5.13-purge-on',
  '0.6.3-purge-off',
  '1.0.12-purge-off',
  '1.5.9-purge-off',
  'chain-0.5.5-1.5.9',
];

describe.each(GENERATIONS)('in %s', (name) => {
  it('a prune, a clean-up and a vacuum bring nothing to light that was not there', async () => {
    const dir = await unpacked(name);
    const before = await othersIn(dir);
    await done('prune', dir, '--yes');
    expect(await othersIn(dir)).toEqual(before);
    await cleaned(dir);
    expect((await othersIn(dir)).filter((each) => !each.startsWith('quarantine '))).toEqual(before);
    await done('vacuum', dir, '--yes', '--min-reclaim', '0');
    await cleaned(dir, '--purge-quarantine', '--older-than', '0s');
    const { findings } = await checked(dir, true);
    expect(findings.map(({ id, subject }) => `${id} ${subject}`).toSorted()).toEqual(before);
  });
});
