import type { FullTextFinding } from '../../../src/operations/findings/full-text.ts';
import { damagedFullText } from '../../support/damage.ts';
import {
  droppedFullText,
  missingFullTextRows,
  otherTokenizer,
  surplusFullTextRows,
  wrongFullTextRows,
} from '../../support/full-text-damage.ts';
import { withDatabase } from '../../support/state.ts';
import type { Cases } from './cases.ts';

const ERROR = { severity: 'error' } as const;
const WARNING = { severity: 'warning' } as const;
const [OLD, NEW] = ['embedding_fulltext', 'embedding_fulltext_search'];
const NOT_THERE = 'the table is not there: queries on documents fail';

function withoutOwnTable(suffix: string): (dir: string) => unknown {
  return (dir) =>
    withDatabase(dir, (db) => {
      db.unsafeMode(true);
      db.exec(`DROP TABLE ${NEW}_${suffix}`);
    });
}

export const FULL_TEXT_CASES: Cases<FullTextFinding> = {
  'full-text-missing': [
    {
      ...ERROR,
      title: 'from 0.4.6 on',
      fixture: '1.5.9-purge-off',
      shown: droppedFullText,
      finds: () => [[NEW, NOT_THERE]],
    },
    { ...ERROR, title: 'before', fixture: '0.4.3', shown: droppedFullText, finds: () => [[OLD, NOT_THERE]] },
    ...['data', 'idx', 'content', 'docsize', 'config'].map((suffix) => ({
      ...ERROR,
      title: `its own table for ${suffix}`,
      fixture: '0.6.3-purge-off',
      shown: withoutOwnTable(suffix),
      finds: () => [[`${NEW}_${suffix}`, NOT_THERE]] as const,
      along: ['full-text-damaged'] as const,
    })),
  ],
  'full-text-tokenizer': [
    {
      ...ERROR,
      fixture: '0.6.3-purge-off',
      shown: (dir) => otherTokenizer(dir, 'unicode61'),
      finds: () => [
        [
          NEW,
          "it is declared as fts5(string_value, tokenize='unicode61'), Chroma declares fts5(string_value, tokenize='trigram')",
        ],
      ],
    },
  ],
  'full-text-damaged': [
    {
      ...ERROR,
      fixture: '0.6.3-purge-off',
      shown: damagedFullText,
      finds: () => [['chroma.sqlite3', /fts5.*embedding_fulltext_search/i]],
      along: ['full-text-differs'],
      only: 'deep',
    },
  ],
  'full-text-differs': [
    {
      ...WARNING,
      title: 'missing',
      fixture: '1.5.9-purge-off',
      shown: (dir) => missingFullTextRows(dir, 3),
      finds: () => [[NEW, 'it lacks 3 documents']],
      only: 'deep',
    },
    {
      ...WARNING,
      title: 'another text',
      fixture: '0.4.3',
      shown: (dir) => wrongFullTextRows(dir, 1),
      finds: () => [[OLD, 'it has another text than 1 document']],
      only: 'deep',
    },
    {
      ...WARNING,
      title: 'too many',
      fixture: '0.6.3-purge-off',
      shown: (dir) => surplusFullTextRows(dir, 2),
      finds: () => [[NEW, 'it answers for 2 records without a document']],
      only: 'deep',
    },
    {
      ...WARNING,
      title: 'all of it',
      fixture: '0.6.3-purge-off',
      shown: (dir) => {
        missingFullTextRows(dir, 2);
        surplusFullTextRows(dir, 7);
      },
      finds: () => [[NEW, 'it answers for 5 records without a document']],
      only: 'deep',
    },
  ],
};
