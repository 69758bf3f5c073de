import { expect, it } from 'vitest';
import type { Finding } from '../../../src/operations/findings/findings.ts';
import { FIXTURES, unpacked } from '../../support/fixtures.ts';
import { runJson } from '../../support/run.ts';
import { bytesOf } from '../../support/state.ts';

interface Checked {
  readonly findings: readonly Finding[];
  readonly counts: Readonly<Record<Finding['severity'], number>>;
}

/** What Chroma itself has damaged: 0.5.0 lost a re-added record's vector, 0.5.7 purged rows of other collections. */
const DAMAGED_BY_CHROMA = ['0.5.0-readd', '0.5.7-purge-on'];

it.each(FIXTURES.map(({ name }) => [name]))(
  'changes not one byte of %s, and finds no error that is none',
  async (name) => {
    const dir = await unpacked(name);
    const before = bytesOf(dir);
    const { counts } = await runJson<Checked>(['check', dir, '--deep']);
    expect(counts.error > 0).toBe(DAMAGED_BY_CHROMA.includes(name));
    expect(bytesOf(dir)).toEqual(before);
  },
);

it('names the records that 0.5.7 has purged the only vectors of', async () => {
  const { findings } = await runJson<Checked>(['check', await unpacked('0.5.7-purge-on'), '--deep']);
  const lost = findings.filter(({ id }) => id === 'records-without-vector').map(({ message }) => message.split(' ')[0]);
  expect(lost).toEqual(['5', '30', '40']);
});
