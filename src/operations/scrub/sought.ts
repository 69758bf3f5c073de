/**
 * The texts of which nothing is to be left: what the WAL still names and no record has any more, what is in rows that
 * belong to nothing, and phrases that the operator gives.
 */
import { createHash } from 'node:crypto';
import { liveSegments, type Catalog } from '../../chroma/catalog.ts';
import type { PersistDir } from '../../chroma/persist-dir.ts';
import { eachRow } from '../../chroma/queue-rows.ts';
import { rowTexts, type PlaceOf, type TextsOf } from '../../chroma/row-texts.ts';
import { readSchema } from '../../chroma/schema.ts';
import { BEFORE_ALL } from '../../chroma/seq-id.ts';
import { eachStoredText } from '../../chroma/stored-texts.ts';
import { formsUnderKey, storedForms } from '../../chroma/text-forms.ts';
import type { Database } from '../../sqlite/open.ts';
import { readStandings, type Standings } from '../wal/described.ts';
import { readQueueCatalog } from '../wal/question.ts';
import { endOf, piecesOf, type Piece } from './pieces.ts';
import { collectWindows, type Windows } from './windows.ts';

export interface Sought {
  readonly windows: Windows;
  /** The texts with the first numbers in `windows`. */
  readonly phrases: readonly string[];
  /** Deleted texts that say too little to be told from other data, even under their keys; see {@link shortText}. */
  readonly short: ReadonlySet<string>;
  /** True where a text is sought by what it is under its key. */
  readonly hasKeyed: boolean;
  readonly counts: SoughtCounts;
}

export interface SoughtCounts {
  /** Deleted texts that are sought, each counted once. */
  readonly texts: number;
  /** Rows with deleted texts beyond the number that is sought. */
  readonly rowsBeyond: number;
}

/** With six pieces each that are always kept there is room for them all (windows.ts). */
const MOST_TEXTS = 250_000;

/** Reads through `db` what was deleted: the queue, the newest row first, then what is left in other tables. */
export function readSought(db: Database, dir: PersistDir, phrases: readonly string[]): Sought {
  const collector = collectWindows();
  const add = (pieces: readonly Piece[], owner: number): boolean => {
    for (const piece of pieces) collector.add(piece, owner);
    return pieces.length > 0;
  };
  for (const [number, phrase] of phrases.entries()) add(storedForms(phrase).flatMap(piecesOf), number);
  const known = new Set<string>();
  const short = new Set<string>();
  let [texts, rowsBeyond, hasKeyed] = [0, 0, false];
  for (const { key, text } of deletedTexts(db, dir)) {
    const pieces = storedForms(text).flatMap(piecesOf);
    const isKeyed = pieces.length === 0 && key !== null;
    const digest = createHash('sha256')
      .update(isKeyed ? shortText(key, text) : text)
      .digest('base64');
    if (known.has(digest)) continue;
    if (known.size === MOST_TEXTS) {
      rowsBeyond += 1;
      continue;
    }
    known.add(digest);
    const keyed = isKeyed ? formsUnderKey(key, text).flatMap(endOf) : [];
    if (add([...pieces, ...keyed], phrases.length + texts)) texts += 1;
    else if (text !== '') short.add(shortText(key, text));
    hasKeyed ||= keyed.length > 0;
  }
  return { windows: collector.finish(), phrases, short, hasKeyed, counts: { texts, rowsBeyond } };
}

/** What a text that says too little is known by. */
export function shortText(key: string | null, text: string): string {
  return JSON.stringify([key, text]);
}

interface DeletedText {
  readonly key: string | null;
  readonly text: string;
}

/** Texts of records that are gone, or that have others now. No names: ids and keys are not what a record says. */
function* deletedTexts(db: Database, dir: PersistDir): Generator<DeletedText> {
  const { catalog, textsOf } = readLiving(db, dir);
  for (const row of eachRow(db, 'newest-first')) yield* textsOf(row).filter(({ isLive }) => !isLive);
  for (const stored of eachStoredText(db, liveSegments(catalog))) {
    if (stored.holder !== 'live' && stored.key !== null) yield stored;
  }
}

/** What is known of the rows' collections, and which of their texts live. */
export interface Living {
  readonly catalog: Catalog;
  readonly standings: Standings;
  readonly textsOf: TextsOf;
}

export function readLiving(db: Database, dir: PersistDir): Living {
  const queue = readQueueCatalog(db, readSchema(db, dir.databasePath));
  const standings = readStandings(db, dir, queue);
  const placeOf: PlaceOf = (topic) => {
    const metadata = standings.of(topic).segments.find(({ kind }) => kind === 'metadata');
    if (metadata === undefined) return null;
    const { position } = metadata;
    return { metadataSegment: metadata.id, position: position.kind === 'recorded' ? position.seqId : BEFORE_ALL };
  };
  return { catalog: queue.catalog, standings, textsOf: rowTexts(db, placeOf) };
}
