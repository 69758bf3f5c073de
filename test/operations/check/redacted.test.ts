/**
 * --redact: no name of anything that users have named, whatever is wrong with the directory.
 */
import { describe, expect, it } from 'vitest';
import { unpacked } from '../../support/fixtures.ts';
import { runJson } from '../../support/run.ts';
import { TABLE } from './all-cases.ts';
import { checked, made } from './cases.ts';

/** Collections, databases, tenants, and how the ids of all records begin. */
const NAMES = [
  'notes',
  'drafts',
  'ledger',
  'retired',
  'archive',
  'größe',
  'büro',
  'note-',
  'draft-',
  'entry-',
  'old-0',
  'upserted',
  'tail-',
  'waiting-',
];

describe.each(TABLE)('%s%s', (_kind, _title, each) => {
  it('names nobody', async () => {
    const dir = await made(each);
    const { findings } = await checked(dir, true, { ...each, redact: true });
    const text = findings.map(({ subject, message, remedy }) => `${subject}\n${message}\n${remedy}`).join('\n');
    expect(NAMES.filter((name) => text.includes(name))).toEqual([]);
  });
});

it('the same collection has the same name in every finding and every command', async () => {
  const dir = await unpacked('0.5.7-purge-on');
  const { findings } = await runJson<{ findings: { id: string; subject: string }[] }>([
    'check',
    dir,
    '--deep',
    '--redact',
  ]);
  const { collections } = await runJson<{ collections: { name: string; database: string; tenant: string }[] }>([
    'inspect',
    dir,
    '--redact',
  ]);
  const names = collections.map(({ tenant, database, name }) => `${tenant}/${database}/${name}`);
  const subjectsOf = (kind: string): readonly string[] =>
    findings.filter(({ id }) => id === kind).map(({ subject }) => subject);
  expect(subjectsOf('records-without-vector')).toHaveLength(3);
  for (const subject of [...subjectsOf('records-without-vector'), ...subjectsOf('anchor-missing')])
    expect(names).toContain(subject);
  expect(subjectsOf('anchor-missing')).toEqual(subjectsOf('records-without-vector').slice(0, 2));
});
