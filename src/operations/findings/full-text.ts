import type { FindingTexts } from './texts.ts';
import { LOOK_DEEPER } from './steps.ts';

export type FullTextFinding = 'full-text-missing' | 'full-text-tokenizer' | 'full-text-damaged' | 'full-text-differs';

const REBUILD = 'chroma-maint fts rebuild {dir}';

/** The full-text index, which Chroma asks where a filter on documents is given. */
export const FULL_TEXT_TEXTS: FindingTexts<FullTextFinding> = {
  'full-text-missing': {
    severity: 'error',
    title: 'The full-text table is missing.',
    means:
      'The table in which Chroma looks for text in documents (embedding_fulltext_search, up to 0.4.5 embedding_fulltext), or one of the tables in which SQLite keeps it, is not there.',
    matters:
      'Every filter on documents fails. Chroma 1.5.9 then fails on the next write with a document, and from there on every call to the collection; 0.5.5 and 0.6.3 accept writes and do not carry out deletions (tried).',
    remedy: REBUILD,
    steps: [
      { text: 'Stop Chroma, and keep a snapshot.', command: 'chroma-maint backup create {dir} --to /backup' },
      { text: 'Make the index anew from the documents of the records, as Chroma declares it.', command: REBUILD },
      LOOK_DEEPER,
    ],
    sources: { format: ['What Chroma makes of damage'] },
  },
  'full-text-tokenizer': {
    severity: 'error',
    title: 'The full-text table is declared in another way than Chroma does.',
    means:
      "From 0.4.6 on Chroma declares the table with SQLite's tokenizer trigram. Another one is the work of another tool.",
    matters:
      'Filters on documents find the same with unicode61 (tried with 0.5.5, 0.6.3 and 1.5.9), but SQLite cannot use the index for them any more and reads every document of the directory for each.',
    remedy: REBUILD,
    sources: { format: ['Generations', 'What Chroma makes of damage'] },
  },
  'full-text-damaged': {
    severity: 'error',
    title: 'The full-text index does not fit its own table.',
    means:
      "SQLite's own check of the index fails: what it looks words up in is not what stands in its text. A tool that deletes from the tables behind it (embedding_fulltext_search_docsize and the like) does that, and chroma#7388 reports it of documents with a NUL character.",
    matters:
      'Filters on documents fail with "database disk image is malformed", or leave documents out without a word (tried with 0.5.5, 0.6.3 and 1.5.9). The records themselves are whole: their documents also stand in embedding_metadata.',
    remedy: REBUILD,
    sources: { format: ['What Chroma makes of damage'], issues: ['chroma#7388'] },
  },
  'full-text-differs': {
    severity: 'warning',
    title: 'The full-text table does not hold the documents of the records.',
    means:
      'It is compared with the documents in embedding_metadata: some are missing, have another text, or belong to no document. The upgrade of a directory of Chroma 0.4.5 or older fills the table by wrong row numbers.',
    matters:
      'Filters on documents leave records out (tried with 0.5.5, 0.6.3 and 1.5.9) or return ones that do not fit. In a directory of 0.4.5 or older that 1.x has opened, adding documents fails.',
    remedy: REBUILD,
    sources: { format: ['What Chroma makes of damage'] },
  },
};
