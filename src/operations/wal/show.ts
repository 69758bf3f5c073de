/**
 * wal show: everything about one row of the queue. Reads only, to the byte.
 */
import type { RecordedPosition, Segment } from '../../chroma/model.ts';
import type { PersistDir } from '../../chroma/persist-dir.ts';
import { DOCUMENT_KEY, membersOf, stringOf, type StoredMember } from '../../chroma/queue-metadata.ts';
import { eachPage, EVERY_ROW, readEnds, readNeighbours, type QueueRow } from '../../chroma/queue-rows.ts';
import { BEFORE_ALL, LARGEST } from '../../chroma/seq-id.ts';
import { numbersOf } from '../../chroma/queue-vector.ts';
import { readSchema } from '../../chroma/schema.ts';
import type { Standing } from '../../chroma/row-state.ts';
import { MaintError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { Database } from '../../sqlite/open.ts';
import { shellWord } from '../../shell-word.ts';
import { whileLooking } from '../looking.ts';
import { described, readStandings, redactedRow, type DescribedRow } from './described.ts';
import { readQueueCatalog } from './question.ts';

export interface ShowRequest {
  readonly path: string;
  readonly seqId: bigint;
  readonly redact: boolean;
}

export interface ShownRow extends DescribedRow {
  /** The first numbers of its vector; null where there is none, or none that can be told. */
  readonly vectorStart: readonly number[] | null;
  /** Its metadata but for the document, the values as they are stored; null where there is none that is a JSON object. */
  readonly members: readonly StoredMember[] | null;
  readonly document: string | null;
}

export interface SegmentPosition {
  readonly kind: Segment['kind'];
  readonly position: RecordedPosition;
}

export interface Shown {
  readonly row: ShownRow;
  /** How far each segment of its collection has come. */
  readonly positions: readonly SegmentPosition[];
  /** Null where its topic belongs to no collection. */
  readonly standing: Standing | null;
  /** The rows before and after it of the same record. */
  readonly previous: QueueRow | null;
  readonly next: QueueRow | null;
}

const NUMBERS_SHOWN = 8;

/** Shows the row. Throws USAGE where there is none with this seq_id. */
export async function showRow({ path, seqId, redact }: ShowRequest, host: Host): Promise<Shown> {
  return whileLooking(path, host, { keepsView: true }, async (db, dir) => {
    const schema = readSchema(db, dir.databasePath);
    const row = readRow(db, seqId);
    if (row === null) throw noRow(db, dir, seqId);
    const standings = readStandings(db, dir, readQueueCatalog(db, schema));
    const { segments, standing } = standings.of(row.topic);
    const shown = shownRow(row, described(row, standings));
    return {
      row: redact ? redactedShown(shown) : shown,
      positions: segments.map(({ kind, position }) => ({ kind, position })),
      standing,
      previous: nearest(db, row, 'before'),
      next: nearest(db, row, 'after'),
    };
  });
}

function readRow(db: Database, seqId: bigint): QueueRow | null {
  const one = { order: 'oldest-first', after: seqId - 1n, upTo: seqId, filter: EVERY_ROW, withVectors: true } as const;
  for (const [row] of eachPage(db, one)) if (row !== undefined) return row;
  return null;
}

/** The nearest row of the same record; without an index on ids, so it may have to look at every row. */
function nearest(db: Database, { seqId, topic, id }: QueueRow, where: 'before' | 'after'): QueueRow | null {
  if (topic === null || id === null) return null;
  const filter = { ...EVERY_ROW, of: { topics: [topic], endings: [] }, id };
  const range =
    where === 'before'
      ? ({ order: 'newest-first', after: BEFORE_ALL, upTo: seqId - 1n } as const)
      : ({ order: 'oldest-first', after: seqId, upTo: LARGEST } as const);
  for (const [row] of eachPage(db, { ...range, filter, withVectors: false })) if (row !== undefined) return row;
  return null;
}

function shownRow(row: QueueRow, about: DescribedRow): ShownRow {
  const members = row.metadata === null ? null : membersOf(row.metadata);
  const document = members?.findLast(({ key }) => key === DOCUMENT_KEY)?.value;
  return {
    ...about,
    vectorStart: numbersOf(row, NUMBERS_SHOWN),
    members: members?.filter(({ key }) => key !== DOCUMENT_KEY) ?? null,
    document: document === undefined ? null : stringOf(document),
  };
}

function redactedShown(shown: ShownRow): ShownRow {
  return { ...redactedRow(shown), vectorStart: null, members: null, document: null };
}

function noRow(db: Database, { given }: PersistDir, seqId: bigint): MaintError {
  const ends = readEnds(db);
  const { before, after } = readNeighbours(db, seqId);
  const beside = [before, after].filter((each) => each !== null).join(' and ');
  return new MaintError('USAGE', {
    message: `the WAL has no row ${seqId}: ${given}`,
    details:
      ends === null
        ? ['it has no row at all']
        : [`its rows go from ${ends.first} to ${ends.last}`, `next to the place of ${seqId}: ${beside}`],
    hint: `see the rows that there are with: chroma-maint wal list ${shellWord(given)}`,
  });
}
