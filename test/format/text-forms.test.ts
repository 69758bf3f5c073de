import { describe, expect, it } from 'vitest';
import { documentOf } from '../../src/chroma/live-documents.ts';
import { eachPage, EVERY_ROW } from '../../src/chroma/queue-rows.ts';
import { BEFORE_ALL, LARGEST } from '../../src/chroma/seq-id.ts';
import { storedForms } from '../../src/chroma/text-forms.ts';
import { FIXTURES, unpacked } from '../support/fixtures.ts';
import { withDatabase } from '../support/state.ts';

const QUESTION = {
  order: 'oldest-first',
  after: BEFORE_ALL,
  upTo: LARGEST,
  filter: EVERY_ROW,
  withVectors: false,
} as const;

function textsOf(text: string): readonly string[] {
  return storedForms(text).map((form) => form.toString('utf8'));
}

describe('the forms of a text', () => {
  it('are one where nothing has to be escaped', () => {
    expect(textsOf('plain words')).toEqual(['plain words']);
  });

  it('are those of Rust and of Python where something has to be', () => {
    expect(textsOf('a "quote"\n')).toEqual(['a "quote"\n', String.raw`a \"quote\"\n`]);
    expect(textsOf('Füße 文 🎈')).toEqual(['Füße 文 🎈', String.raw`F\u00fc\u00dfe \u6587 \ud83c\udf88`]);
    expect(textsOf('ü\u007f\u0001')).toEqual(['ü\u007f\u0001', 'ü\u007f\\u0001', String.raw`\u00fc\u007f\u0001`]);
  });

  it.each(FIXTURES.map(({ name }) => name))('are those in which %s has every document in its WAL', async (name) => {
    const dir = await unpacked(name);
    const rows = withDatabase(dir, (db) => [...eachPage(db, QUESTION)].flat());
    const documents = rows.filter((row) => documentOf(row) !== null);
    expect(documents.length > 0).toBe(rows.some(({ metadata }) => metadata !== null));
    const strange = documents.filter(
      (row) => !textsOf(documentOf(row) ?? '').some((form) => row.metadata?.includes(form) === true),
    );
    expect(strange).toEqual([]);
  });
});
