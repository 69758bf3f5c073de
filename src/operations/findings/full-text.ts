import type { FindingTexts } from './kinds.ts';

export type FullTextFinding = 'full-text-missing' | 'full-text-tokenizer' | 'full-text-damaged' | 'full-text-differs';

/** The full-text index, which Chroma asks for where_document. */
export const FULL_TEXT_TEXTS: FindingTexts<FullTextFinding> = {
  'full-text-missing': {
    severity: 'error',
    title: 'The full-text table is missing.',
    remedy: 'chroma-maint fts rebuild {dir}',
  },
  'full-text-tokenizer': {
    severity: 'error',
    title: "The full-text table has another tokenizer than Chroma's.",
    remedy: 'Restore a backup from before the table was changed: a rebuild keeps the tokenizer that it finds.',
  },
  'full-text-damaged': {
    severity: 'error',
    title: 'The full-text index does not fit its own table.',
    remedy: 'chroma-maint fts rebuild {dir}',
  },
  'full-text-differs': {
    severity: 'warning',
    title: 'The full-text table does not hold the documents of the records.',
    remedy: 'chroma-maint fts rebuild {dir}',
  },
};
