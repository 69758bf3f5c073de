/**
 * fts rebuild and fts optimize: what the full-text index is, what the documents are, and what the work needs.
 */
import { isDeepStrictEqual } from 'node:util';
import { countDocumentsWithNul, readDocumentTotals } from '../../chroma/documents.ts';
import {
  countFullTextRows,
  fullTextDifferences,
  readFullText,
  readFullTextDeclaration,
  type FullTextDeclaration,
  type FullTextDifferences,
  type FullTextReading,
  type FullTextRows,
} from '../../chroma/full-text.ts';
import type { Schema } from '../../chroma/model.ts';
import type { PersistDir } from '../../chroma/persist-dir.ts';
import { readSchema } from '../../chroma/schema.ts';
import { MaintError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { shellWord } from '../../shell-word.ts';
import { ownTablesOf } from '../../sqlite/full-text-table.ts';
import { inReadTransaction, withReadOnly, type Database } from '../../sqlite/open.ts';
import { readTableBytes } from '../../sqlite/pages.ts';
import { damagedAmong } from '../../sqlite/quick-check.ts';
import type { FullTextAgreement } from '../agreement.ts';
import { READ_WAIT_MS } from '../guard-context.ts';
import {
  planOn,
  type DirectoryPlan,
  type PlannedSizes,
  type PlannedWork,
  type Planning,
  type Strategy,
} from '../planning.ts';
import { withPreflight } from '../preflight.ts';
import type { Target } from '../target.ts';

export type FullTextVerb = 'fts rebuild' | 'fts optimize';

export interface FullTextRequest {
  readonly target: Target;
}

export interface FullTextPlan {
  readonly directory: DirectoryPlan;
  readonly index: FullTextState;
  /** Upper estimate of the index as it is made anew. */
  readonly expectedBytes: number;
}

/** The full-text index beside the documents. */
export interface FullTextState {
  readonly declaration: FullTextDeclaration;
  readonly reading: FullTextReading;
  /** FTS5's own tables of which SQLite cannot read every page. */
  readonly damaged: readonly string[];
  readonly documents: number;
  readonly documentBytes: number;
  /** Documents with a NUL character, which an index of trigrams takes up to there. */
  readonly endingAtNul: number;
  /** Null where the table has damaged pages. */
  readonly content: FullTextContent | null;
  /** Bytes of the pages of the index, without damaged tables. */
  readonly bytes: number;
}

/** What is worked on inside the transaction. */
export interface IndexWork {
  readonly index: FullTextState;
  readonly schema: Schema;
  readonly dir: PersistDir;
}

export type FullTextContent = FullTextRows & FullTextDifferences;

export interface FullTextStrategy extends Strategy {
  readonly index: FullTextState;
  readonly expectedBytes: number;
}

/** Plans on a read-only connection. */
export function planFullText(verb: FullTextVerb, target: Target, host: Host, isDryRun: boolean): Promise<FullTextPlan> {
  // A dry run may be made beside a running server, whose commits are short.
  const waitMs = isDryRun ? Math.max(target.waitMs, READ_WAIT_MS) : target.waitMs;
  const machine = { host, ownProcesses: [process.pid] };
  return withPreflight(
    fullTextPlanning(verb, target, { isDryRun, agreed: null, damaged: [] }),
    machine,
    (preflight) => {
      const { dir } = preflight.context;
      return withReadOnly(dir.databasePath, waitMs, (db) => {
        const planning = fullTextPlanning(verb, target, { isDryRun, agreed: null, damaged: readDamage(db, dir) });
        return fullTextPlanOf(inReadTransaction(db, () => planOn(db, preflight, planning)));
      });
    },
  );
}

interface Circumstances {
  readonly isDryRun: boolean;
  readonly agreed: FullTextAgreement | null;
  /** What {@link readDamage} found. */
  readonly damaged: readonly string[];
}

/** What either command plans. */
export function fullTextPlanning(
  verb: FullTextVerb,
  target: Target,
  { isDryRun, agreed, damaged }: Circumstances,
): Planning<FullTextStrategy> {
  return {
    target,
    isDryRun,
    isJournalRecovered: agreed?.isJournalRecovered ?? false,
    withoutPrune: true,
    writesTo: [],
    strategy: (sizes, { dir }, { db, reading: { schema } }) => {
      const index = readState(db, schema, damaged);
      if (verb === 'fts optimize') verifyWhole(index, dir);
      const expectedBytes = rebuiltBytes(index);
      const bytes =
        verb === 'fts rebuild' ? bytesToRebuild(index, expectedBytes, sizes) : bytesToOptimize(index, sizes);
      return {
        index,
        expectedBytes,
        needs: [{ directory: dir.path, bytes, purpose: 'the rollback journal and the new index' }],
        alternatives: [],
        whenShort: 'free some space',
      };
    },
  };
}

export function fullTextPlanOf({ plan, strategy }: PlannedWork<FullTextStrategy>): FullTextPlan {
  return { directory: plan, index: strategy.index, expectedBytes: strategy.expectedBytes };
}

/** True where a person who agreed to the one has agreed to the other. */
export function isSameIndex(planned: FullTextState, agreed: FullTextState): boolean {
  return isDeepStrictEqual(planned, agreed);
}

/**
 * Which of FTS5's own tables have damaged pages. To be asked outside of a transaction: SQLite commits none in which it
 * has met such a page.
 */
export function readDamage(db: Database, { databasePath }: PersistDir): readonly string[] {
  const { table } = readFullTextDeclaration(db, readSchema(db, databasePath));
  return damagedAmong(db, ownTablesOf(table));
}

function readState(db: Database, schema: Schema, damaged: readonly string[]): FullTextState {
  const declaration = readFullTextDeclaration(db, schema);
  const { documents, bytes: documentBytes } = readDocumentTotals(db);
  const isReadable = !damaged.includes(`${declaration.table}_content`);
  return {
    declaration,
    reading: readFullText(db, schema),
    damaged,
    documents,
    documentBytes,
    endingAtNul: declaration.hasTrigrams ? countDocumentsWithNul(db) : 0,
    content: isReadable ? { ...countFullTextRows(db, schema), ...fullTextDifferences(db, schema) } : null,
    bytes: bytesOfIndex(db, declaration.table, damaged),
  };
}

/** Bytes of the pages of the index of `table`, without those of FTS5's own tables that are `damaged`. */
export function bytesOfIndex(db: Database, table: string, damaged: readonly string[]): number {
  const whole = ownTablesOf(table).filter((own) => !damaged.includes(own));
  const bytes = readTableBytes(db, (name) => whole.includes(name));
  return [...bytes.values()].reduce((sum, each) => sum + each, 0);
}

/** Throws CORRUPT where there is no whole index to work on: then it has to be made anew. */
function verifyWhole({ reading, damaged }: FullTextState, dir: PersistDir): void {
  const [first] = damaged;
  if (first !== undefined) throw indexDamaged(dir, `SQLite's quick_check found damage in ${first}`);
  if (reading.kind === 'missing') throw indexDamaged(dir, `the table ${reading.table} is missing`);
}

/** The refusal of an index that can only be made anew. */
export function indexDamaged(dir: PersistDir, detail: string, cause?: unknown): MaintError {
  return new MaintError('CORRUPT', {
    message: `the full-text index is damaged: ${dir.databasePath}`,
    details: [detail],
    hint: `make it anew from the documents: chroma-maint fts rebuild ${shellWord(dir.given)}`,
    cause,
  });
}

/**
 * Bytes of an index for each byte of text, at the most, the text itself included. Measured with trigrams: 5.1 where all
 * characters are random ASCII, 3.4 where they are words, 2.7 where they are Chinese; with words 2.7.
 */
const BYTES_PER_BYTE = { trigrams: 6, words: 3 };
/** Bytes of an index for each document, beyond those of its text. */
const BYTES_PER_DOCUMENT = 64;
/** A merge that is under way has some pages twice. */
const MERGING = 1.25;
/** Schema, first and interior pages, rounding. */
const MARGIN = 256 * 1024;

/** Upper estimate: from the index that is there, where it is whole and has most documents, else from the documents. */
function rebuiltBytes(index: FullTextState): number {
  const { declaration, reading, damaged, documents, documentBytes, content, bytes } = index;
  if (documents === 0) return 0;
  const perByte = declaration.hasTrigrams ? BYTES_PER_BYTE.trigrams : BYTES_PER_BYTE.words;
  const fromDocuments = perByte * documentBytes + BYTES_PER_DOCUMENT * documents;
  if (reading.kind !== 'sound' || damaged.length > 0 || content === null) return fromDocuments;
  const right = content.rows - content.orphans - content.differing - content.surplus;
  if (right < documents / 2) return fromDocuments;
  return Math.ceil(Math.min((bytes / content.rows) * documents * MERGING, fromDocuments));
}

/** Pages of the old index that are used again are journalled, and only what they do not hold makes the file grow. */
function bytesToRebuild({ bytes }: FullTextState, expectedBytes: number, { freeBytes }: PlannedSizes): number {
  const journal = Math.min(bytes, expectedBytes);
  return journal + Math.max(expectedBytes - bytes - freeBytes, 0) + MARGIN;
}

/** The merged index is written before the old one is deleted. */
function bytesToOptimize({ bytes }: FullTextState, { freeBytes }: PlannedSizes): number {
  return bytes + Math.max(bytes - freeBytes, 0) + MARGIN;
}
