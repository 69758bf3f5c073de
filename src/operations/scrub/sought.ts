/**
 * The texts of which nothing is to be left: documents that the WAL still names and no record has any more, what is in
 * rows that belong to nothing, and phrases that the operator gives.
 */
import { createHash } from 'node:crypto';
import { liveSegments, type Catalog } from '../../chroma/catalog.ts';
import { documentOf, liveDocuments, type IsLiveDocument, type PlaceOf } from '../../chroma/live-documents.ts';
import type { PersistDir } from '../../chroma/persist-dir.ts';
import { eachRow } from '../../chroma/queue-rows.ts';
import { readSchema } from '../../chroma/schema.ts';
import { BEFORE_ALL } from '../../chroma/seq-id.ts';
import { eachStoredText } from '../../chroma/stored-texts.ts';
import { storedForms } from '../../chroma/text-forms.ts';
import type { Database } from '../../sqlite/open.ts';
import { readStandings, type Standings } from '../wal/described.ts';
import { readQueueCatalog } from '../wal/question.ts';
import { collectWindows, windowsOf, type Windows } from './windows.ts';

export interface Sought {
  readonly windows: Windows;
  /** The texts with the first numbers are phrases, in the order in which they were given. */
  readonly phrases: number;
  readonly counts: SoughtCounts;
}

/** Different texts, each counted once. */
export interface SoughtCounts {
  /** Deleted texts that are sought. */
  readonly texts: number;
  /** Deleted documents in the WAL that are too short to be told from other data. */
  readonly tooShort: number;
  /** Rows with deleted texts beyond the number that is sought. */
  readonly rowsBeyond: number;
}

/** What is in memory for each of them is half a kilobyte. */
const MOST_TEXTS = 100_000;

/** Reads through `db` what was deleted: the queue, the newest row first, then what is left in other tables. */
export function readSought(db: Database, dir: PersistDir, phrases: readonly string[]): Sought {
  const collector = collectWindows();
  const add = (text: string, owner: number): boolean => {
    const windows = storedForms(text).flatMap(windowsOf);
    for (const window of windows) collector.add(window, owner);
    return windows.length > 0;
  };
  for (const [number, phrase] of phrases.entries()) add(phrase, number);
  const known = new Set<string>();
  const counts = { texts: 0, tooShort: 0, rowsBeyond: 0 };
  for (const { text, isDocument } of deletedTexts(db, dir)) {
    const digest = createHash('sha256').update(text).digest('base64');
    if (known.has(digest)) continue;
    if (counts.texts === MOST_TEXTS) {
      counts.rowsBeyond += 1;
      continue;
    }
    known.add(digest);
    if (add(text, phrases.length + counts.texts)) counts.texts += 1;
    else if (isDocument) counts.tooShort += 1;
  }
  return { windows: collector.finish(), phrases: phrases.length, counts };
}

interface DeletedText {
  readonly text: string;
  /** False for what may be any string of the metadata. */
  readonly isDocument: boolean;
}

function* deletedTexts(db: Database, dir: PersistDir): Generator<DeletedText> {
  const { catalog, isLive } = readLiving(db, dir);
  for (const row of eachRow(db, 'newest-first')) {
    const text = documentOf(row);
    if (text !== null && !isLive(row, text)) yield { text, isDocument: true };
  }
  for (const { text, holder } of eachStoredText(db, liveSegments(catalog))) {
    if (holder !== 'live') yield { text, isDocument: false };
  }
}

/** What is known of the rows' collections, and which of their documents live. */
export interface Living {
  readonly catalog: Catalog;
  readonly standings: Standings;
  readonly isLive: IsLiveDocument;
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
  return { catalog: queue.catalog, standings, isLive: liveDocuments(db, placeOf) };
}
