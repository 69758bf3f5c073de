/**
 * What of a row `wal list` and `wal show` put in the same words.
 */
import type { RowState } from '../../../chroma/row-state.ts';
import { shortName } from '../../../operations/names.ts';
import type { DescribedRow } from '../../../operations/wal/described.ts';
import { printable } from '../printable.ts';

export const NOTHING = '–';
export const UNKNOWN = '?';

/** As narrow as a column has to be. */
export const STATES: Readonly<Record<RowState, string>> = {
  committed: 'committed',
  'waiting-for-metadata': 'waits: metadata',
  'waiting-for-index': 'waits: index',
  orphan: 'orphan',
  unknown: 'unknown',
};

/** The collection's name; of a row that belongs to none what its topic ends in, which is the id that it had. */
export function collectionText({ collection, topic }: Pick<DescribedRow, 'collection' | 'topic'>): string {
  if (collection !== null) return printable(shortName(collection));
  return topic === null ? UNKNOWN : printable(topic.slice(topic.lastIndexOf('/') + 1));
}

export function dimensionText({ dimension, vectorBytes }: DescribedRow): string {
  if (vectorBytes === null) return NOTHING;
  return dimension === null ? UNKNOWN : String(dimension);
}

export function normText({ norm, vectorBytes }: DescribedRow): string {
  if (vectorBytes === null) return NOTHING;
  if (norm === null) return UNKNOWN;
  return norm < 1e6 ? norm.toFixed(4) : norm.toExponential(3);
}

/** A time as --since and --until take it. */
export function timeText(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
