/**
 * wal export: every field of the rows that were asked for, in the order of their seq_ids, as JSON Lines. In constant
 * memory; reads the directory only, to the byte, and writes nothing into it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { PersistDir } from '../../chroma/persist-dir.ts';
import { eachPage, readEnds, type QueueRow, type RowQuestion } from '../../chroma/queue-rows.ts';
import { BEFORE_ALL } from '../../chroma/seq-id.ts';
import { readSchema } from '../../chroma/schema.ts';
import { MaintError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { writeNewFile } from '../../repository/new-file.ts';
import { realPlace } from '../../repository/repository.ts';
import { isBusy } from '../../sqlite/errors.ts';
import { waitBriefly, type Database } from '../../sqlite/open.ts';
import { isInside } from '../backup/places.ts';
import type { Execution } from '../job.ts';
import { whileLooking } from '../looking.ts';
import { exportLine, type VectorForm } from './export-line.ts';
import { filterOf, readQueueCatalog, type Wanted } from './question.ts';

export interface ExportRequest extends Wanted {
  readonly path: string;
  /** Only rows above this seq_id; null for all of them. */
  readonly after: bigint | null;
  readonly vectors: VectorForm;
}

export interface ExportFileRequest extends ExportRequest {
  /** Compressed where its name ends in `.gz`. */
  readonly file: string;
}

export interface Exported {
  readonly rows: number;
  readonly firstSeqId: bigint | null;
  readonly lastSeqId: bigint | null;
  /** Where the queue ends, before the `after` that was given: its newest rows are gone, and their numbers come again. */
  readonly endsBefore: bigint | null;
}

export interface ExportReport extends Exported {
  readonly request: ExportFileRequest;
  readonly dir: PersistDir;
  /** With every symbolic link resolved; null where none was written, because the queue ends before `after`. */
  readonly file: string | null;
  readonly bytes: number;
  readonly isCompressed: boolean;
}

/** Characters of lines that are handed on together. */
const CHUNK = 2 ** 16;

/** What has been handed on so far. */
interface Tally {
  rows: number;
  firstSeqId: bigint | null;
  lastSeqId: bigint | null;
}

/**
 * Hands the export to `take`, some lines at a time, and waits for it. What fails is thrown behind the lines before it, and
 * says how far they go.
 */
export async function exportLines(
  request: ExportRequest,
  host: Host,
  take: (lines: string) => Promise<void>,
): Promise<Exported> {
  const tally = noRows();
  try {
    return await whileLooking(request.path, host, { keepsView: false }, async (db, dir) => {
      const { chunks, endsBefore } = linesOf(db, dir, request, tally);
      for await (const chunk of chunks) await take(chunk);
      return { ...tally, endsBefore };
    });
  } catch (error) {
    if (!(error instanceof MaintError) || error.code !== 'IN_USE' || tally.lastSeqId === null) throw error;
    const { code, message, details, state } = error;
    const soFar = `the rows up to seq_id ${tally.lastSeqId} are in the output`;
    const hint = `go on with the same command and --after ${tally.lastSeqId}`;
    throw new MaintError(code, { message, details: [...details, soFar], state, hint, cause: error });
  }
}

/**
 * Writes the export into a new file, which is there whole or not at all; none where the queue ends before `after`. Throws TARGET_EXISTS where there is something at
 * its place, UNSAFE_PLACE where that is inside the persist directory.
 */
export async function exportToFile(
  request: ExportFileRequest,
  host: Host,
  { signal, onStage, onBytes }: Pick<Execution, 'signal' | 'onStage' | 'onBytes'>,
): Promise<ExportReport> {
  return whileLooking(request.path, host, { keepsView: true }, async (db, dir) => {
    verifyOutside(request.file, dir);
    const isCompressed = request.file.endsWith('.gz');
    const tally = noRows();
    const { chunks, endsBefore } = linesOf(db, dir, request, tally, onBytes);
    // An empty file would be in the way of the export that has to follow.
    if (endsBefore !== null) return { request, dir, file: null, bytes: 0, isCompressed, ...tally, endsBefore };
    onStage('exporting');
    const { path, bytes } = await writeNewFile(request.file, { host, signal, isCompressed }, chunks);
    return { request, dir, file: path, bytes, isCompressed, ...tally, endsBefore };
  });
}

function noRows(): Tally {
  return { rows: 0, firstSeqId: null, lastSeqId: null };
}

interface Lines {
  readonly chunks: AsyncGenerator<string>;
  readonly endsBefore: bigint | null;
}

/** Everything that can be refused is, before the first line is asked for. */
function linesOf(
  db: Database,
  dir: PersistDir,
  request: ExportRequest,
  tally: Tally,
  onBytes: Execution['onBytes'] = () => undefined,
): Lines {
  const schema = readSchema(db, dir.databasePath);
  // Up to where it ends now: beside a server that writes it would never come to an end.
  const ends = readEnds(db);
  const catalog = readQueueCatalog(db, schema);
  const filter = filterOf(request, catalog, false);
  const { after, vectors } = request;
  const [first, last] = [largerOf(after ?? BEFORE_ALL, (ends?.first ?? 0n) - 1n), ends?.last ?? BEFORE_ALL];
  waitBriefly(db);
  const pages = patientPages(db, {
    order: 'oldest-first',
    after: after ?? BEFORE_ALL,
    upTo: last,
    filter,
    withVectors: vectors !== 'none',
  });
  const onWritten = (written: number): void =>
    onBytes(written, expected(written, tally.lastSeqId, { before: first, last }));
  const lineOf = (row: QueueRow): string => exportLine(row, catalog.ownerOf(row.topic), vectors);
  const chunks = chunksOf(pages, request.limit ?? Infinity, { lineOf, tally, onWritten });
  return { chunks, endsBefore: after !== null && last < after ? (ends?.last ?? 0n) : null };
}

interface Course {
  readonly lineOf: (row: QueueRow) => string;
  readonly tally: Tally;
  readonly onWritten: (characters: number) => void;
}

/** How long somebody may hold a lock that keeps a page from being read. */
const PATIENCE_MS = 30_000;
const POLL_MS = 5;

/**
 * The pages that were asked for. A lock is waited for in short turns, and then it goes on behind the last row: beside a
 * writer that never rests one of thousands of pages meets a lock for certain.
 */
async function* patientPages(db: Database, question: RowQuestion): AsyncGenerator<readonly QueueRow[]> {
  let { after } = question;
  for (let since = Date.now(); ;) {
    try {
      for (const page of eachPage(db, { ...question, after })) {
        yield page;
        after = page.at(-1)?.seqId ?? after;
        since = Date.now();
      }
      return;
    } catch (error) {
      if (!isBusy(error) || Date.now() - since > PATIENCE_MS) throw error;
      await delay(POLL_MS);
    }
  }
}

async function* chunksOf(
  pages: AsyncIterable<readonly QueueRow[]>,
  limit: number,
  { lineOf, tally, onWritten }: Course,
): AsyncGenerator<string> {
  let [left, written] = [limit, 0];
  for await (const page of pages) {
    let chunk = '';
    for (const row of page.slice(0, left)) {
      chunk += lineOf(row);
      tally.rows += 1;
      tally.firstSeqId ??= row.seqId;
      tally.lastSeqId = row.seqId;
      if (chunk.length < CHUNK) continue;
      written += chunk.length;
      yield chunk;
      chunk = '';
    }
    written += chunk.length;
    if (chunk !== '') yield chunk;
    onWritten(written);
    left -= page.length;
    if (left <= 0) return;
  }
}

/** Characters of the whole, by the share of the numbers that is done. */
function expected(
  written: number,
  at: bigint | null,
  { before, last }: { readonly before: bigint; readonly last: bigint },
): number {
  const share = Number((at ?? last) - before) / Math.max(Number(last - before), 1);
  return Math.max(Math.round(written / share), written);
}

function largerOf(one: bigint, other: bigint): bigint {
  return one > other ? one : other;
}

function verifyOutside(file: string, { path }: PersistDir): void {
  if (!isInside(realPlace(file), path)) return;
  throw new MaintError('UNSAFE_PLACE', {
    message: `the export would be inside the persist directory: ${file}`,
    details: ['Chroma and other tools take what is in there for theirs, and it would be lost with it'],
    hint: 'name a file outside, on another disk if there is one',
  });
}
