/**
 * What there is to find about the full-text index.
 */
import { fullTextDifferences, readFullText } from '../../chroma/full-text.ts';
import type { Schema } from '../../chroma/model.ts';
import type { Database } from '../../sqlite/open.ts';
import { counted } from '../../units.ts';
import { finding, type Finding } from '../findings/findings.ts';

/** The table as the schema has it. Reads no row of it. */
export function fullTextFindings(db: Database, schema: Schema): readonly Finding[] {
  const reading = readFullText(db, schema);
  switch (reading.kind) {
    case 'missing':
      return [finding('full-text-missing', reading.table, 'the table is not there: queries on documents fail')];
    case 'wrong-tokenizer': {
      const message = `it is declared as ${reading.found}, Chroma declares ${reading.expected}`;
      return [finding('full-text-tokenizer', reading.table, message)];
    }
    case 'sound':
      return [];
  }
}

/** Its content, compared with the documents. That it is not there says everything about its content. */
export function contentFindings(db: Database, schema: Schema): readonly Finding[] {
  const { kind, table } = readFullText(db, schema);
  if (kind === 'missing') return [];
  const { missing, differing, surplus } = fullTextDifferences(db, schema);
  const facts = [
    ...(missing > 0 ? [`lacks ${counted(missing, 'document')}`] : []),
    ...(differing > 0 ? [`has another text than ${counted(differing, 'document')}`] : []),
    ...(surplus > 0 ? [`answers for ${counted(surplus, 'record')} without a document`] : []),
  ];
  return facts.length === 0 ? [] : [finding('full-text-differs', table, `it ${facts.join(', ')}`)];
}
