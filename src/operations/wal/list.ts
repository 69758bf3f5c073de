/**
 * wal list: the rows of the queue, decoded, the newest first. Reads only, to the byte, and in constant memory.
 */
import { eachPage, readEnds } from '../../chroma/queue-rows.ts';
import { BEFORE_ALL } from '../../chroma/seq-id.ts';
import { readSchema } from '../../chroma/schema.ts';
import type { Host } from '../../host/host.ts';
import { whileLooking } from '../looking.ts';
import { described, readStandings, redactedRow, type DescribedRow } from './described.ts';
import { filterOf, readQueueCatalog, type Wanted } from './question.ts';

export interface ListRequest extends Wanted {
  readonly path: string;
  readonly redact: boolean;
  /** True where whoever takes the rows may take his time over them, as the reader of a pipe does. */
  readonly isStreamed: boolean;
  /** False where it is not to be asked whether there are more. */
  readonly tellsMore: boolean;
}

/**
 * Hands the rows that were asked for to `take`, some at a time, and waits for it. Returns true where there are more than
 * `limit`. What keeps it from going on is thrown behind the rows that were
 * read before.
 */
export async function listRows(
  request: ListRequest,
  host: Host,
  take: (rows: readonly DescribedRow[]) => Promise<void>,
): Promise<boolean> {
  const { path, limit, redact, isStreamed, tellsMore } = request;
  // A view is kept for as long as somebody leaves a pager open, and a Chroma that starts meanwhile could save nothing.
  return whileLooking(path, host, { keepsView: !isStreamed }, async (db, dir) => {
    const schema = readSchema(db, dir.databasePath);
    const upTo = readEnds(db)?.last ?? BEFORE_ALL;
    const catalog = readQueueCatalog(db, schema);
    const filter = filterOf(request, catalog, redact);
    const standings = readStandings(db, dir, catalog);
    const question = { after: BEFORE_ALL, upTo, filter, withVectors: true } as const;
    let left = limit ?? Infinity;
    for (const page of eachPage(db, { ...question, order: 'newest-first' })) {
      const rows = page.slice(0, left).map((row) => described(row, standings));
      if (rows.length > 0) await take(redact ? rows.map(redactedRow) : rows);
      if (page.length > left) return true;
      left -= rows.length;
      if (left === 0 && !tellsMore) return false;
    }
    return false;
  });
}
