import { describe, expect, it } from 'vitest';
import { eachRow } from '../../src/chroma/queue-rows.ts';
import { textsIn } from '../../src/chroma/row-texts.ts';
import { formsUnderKey, storedForms } from '../../src/chroma/text-forms.ts';
import { FIXTURES, unpacked } from '../support/fixtures.ts';
import { withDatabase } from '../support/state.ts';

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

  it.each(FIXTURES.map(({ name }) => name))('are those in which %s has every text in its WAL', async (name) => {
    const dir = await unpacked(name);
    const texts = withDatabase(dir, (db) => [...eachRow(db, 'oldest-first')]).flatMap(({ metadata }) =>
      textsIn(metadata).map((each) => ({ ...each, metadata: metadata ?? '' })),
    );
    expect(texts.length).toBeGreaterThan(0);
    expect(texts.filter(({ text, metadata }) => !textsOf(text).some((form) => metadata.includes(form)))).toEqual([]);
    const isUnderKey = ({ key, text, metadata }: (typeof texts)[number]): boolean =>
      formsUnderKey(key, text).some((form) => metadata.includes(form.toString('utf8')));
    // Of a list only the first text follows its key.
    expect(texts.filter(({ key, ...each }) => key !== 'tags' && !isUnderKey({ key, ...each }))).toEqual([]);
  });
});

function under(key: string, text: string): readonly string[] {
  return formsUnderKey(key, text).map((form) => form.toString('utf8'));
}

describe('the forms of a text under its key', () => {
  it('are those of a table, of Rust and of Python, with the closing quote of a short text', () => {
    expect(under('größe', 'x"')).toEqual(['größex"', String.raw`"größe":"x\""`, String.raw`"gr\u00f6\u00dfe": "x\""`]);
  });

  it('end after sixteen characters of a long one', () => {
    expect(under('k', '0123456789abcdefghi')).toEqual([
      'k0123456789abcdef',
      '"k":"0123456789abcdef',
      '"k": "0123456789abcdef',
    ]);
    expect(under('k', '0123456789abcdef')[1]).toBe('"k":"0123456789abcdef"');
  });
});
