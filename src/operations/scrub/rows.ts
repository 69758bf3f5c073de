/**
 * Every text in a row of the database: what lives, and whose the rest is. After this it is known which pieces of the
 * texts that are sought tell anything where they are found.
 */
import { liveSegments, type Catalog } from '../../chroma/catalog.ts';
import type { CollectionId } from '../../chroma/model.ts';
import type { PersistDir } from '../../chroma/persist-dir.ts';
import { eachRow, type QueueRow } from '../../chroma/queue-rows.ts';
import { stateOf } from '../../chroma/row-state.ts';
import type { TextsOf } from '../../chroma/row-texts.ts';
import type { SeqId } from '../../chroma/seq-id.ts';
import { eachStoredText, type StoredText } from '../../chroma/stored-texts.ts';
import { formsUnderKey, storedForms } from '../../chroma/text-forms.ts';
import type { Database } from '../../sqlite/open.ts';
import type { NamedCollection } from '../names.ts';
import { redactedNames } from '../redact.ts';
import type { Standings } from '../wal/described.ts';
import { readLiving, shortText, type Sought } from './sought.ts';
import type { Place, TraceBook } from './traces.ts';

/** What the tables say of the rest. */
export interface InTables {
  readonly catalog: Catalog;
  /** Ids of the records that were deleted since the index of their collection was saved. */
  readonly unsaved: ReadonlyMap<CollectionId, ReadonlySet<string>>;
  /** Deleted texts too short to be sought that no record has either. */
  readonly tooShort: number;
}

export interface RowWish {
  readonly sought: Sought;
  /** The rows of each collection below which the work deletes them; none once it is done. */
  readonly cutoffs: ReadonlyMap<CollectionId, SeqId>;
  readonly redact: boolean;
}

type LogPlace = Extract<Place, { kind: 'wal' }>;

const LIVE: Place = { kind: 'live' };

/** Reads every row, and notes in `book` what stands in it. */
export function searchRows(db: Database, dir: PersistDir, wish: RowWish, book: TraceBook): InTables {
  const { catalog, standings, textsOf } = readLiving(db, dir);
  const reader = rowReader(wish.sought, book);
  for (const stored of eachStoredText(db, liveSegments(catalog))) noteStored(stored, reader, book);
  const unsaved = new Map<CollectionId, Set<string>>();
  const placeOf = placesOfRows(standings, wish);
  for (const row of eachRow(db, 'newest-first')) {
    const place = placeOf(row);
    if (place.collection !== null && row.id !== null && row.operation === 'delete' && place.state !== 'committed') {
      const ids = unsaved.get(place.collection.id) ?? new Set();
      unsaved.set(place.collection.id, ids.add(row.id));
    }
    noteLogged(row, place, { textsOf, reader, book });
  }
  return { catalog, unsaved, tooShort: reader.tooShort() };
}

interface RowReader {
  /** Reads a text that lives, in every form in which it may stand anywhere. */
  readonly living: (key: string | null, text: string, place: Place) => void;
  /** Reads what stands in a row, whatever becomes of it. */
  readonly standing: (text: string, place: Place) => void;
  /** Reads the JSON text of a row. Returns whether something of a phrase is in it. */
  readonly json: (text: string, isLive: boolean) => boolean;
  readonly tooShort: () => number;
}

function rowReader({ windows, phrases, short, hasKeyed }: Sought, book: TraceBook): RowReader {
  const tooShort = new Set(short);
  /** Returns whether a piece of a phrase is in it. */
  const read = (form: Buffer, isLive: boolean): boolean => {
    let hasPhrase = false;
    windows.findIn(form, (window) => {
      book.noteInRow(window, isLive);
      hasPhrase ||= windows.ownerOf(window) < phrases.length;
    });
    return hasPhrase;
  };
  const notePhrases = (text: string, place: Place): void => {
    for (const [number, phrase] of phrases.entries()) if (text.includes(phrase)) book.notePhrase(place, number);
  };
  return {
    living(key, text, place) {
      const forms = [...storedForms(text), ...(hasKeyed && key !== null ? formsUnderKey(key, text) : [])];
      const found = forms.filter((form) => read(form, true));
      if (found.length > 0) notePhrases(text, place);
      if (tooShort.size > 0) tooShort.delete(shortText(key, text));
    },
    standing(text, place) {
      if (read(Buffer.from(text, 'utf8'), false)) notePhrases(text, place);
    },
    json: (text, isLive) => read(Buffer.from(text, 'utf8'), isLive),
    tooShort: () => tooShort.size,
  };
}

function noteStored({ text, key, holder, table }: StoredText, reader: RowReader, book: TraceBook): void {
  if (holder === 'live') {
    reader.living(key, text, key === null ? { kind: 'table', table } : LIVE);
    return;
  }
  reader.standing(text, { kind: holder });
  if (key !== null) book.noteRow({ kind: holder });
}

interface LogReading {
  readonly textsOf: TextsOf;
  readonly reader: RowReader;
  readonly book: TraceBook;
}

function noteLogged(row: QueueRow, place: LogPlace, { textsOf, reader, book }: LogReading): void {
  if (row.id !== null) reader.standing(row.id, place);
  if (row.metadata === null) return;
  const texts = textsOf(row);
  if (texts.length === 0) {
    reader.standing(row.metadata, place);
    return;
  }
  const isLiving = texts.every(({ isLive }) => isLive);
  if (!isLiving) book.noteRow(place);
  const hasPhrase = reader.json(row.metadata, isLiving);
  // By far most rows are of records that have all of it, so their texts were read in the tables.
  if (isLiving && !hasPhrase && place.state !== 'waiting-for-metadata') return;
  for (const { key, text, isLive } of texts) {
    if (isLive) reader.living(key, text, LIVE);
    else reader.standing(text, place);
  }
}

function placesOfRows(standings: Standings, { cutoffs, redact }: RowWish): (row: QueueRow) => LogPlace {
  return ({ topic, seqId }) => {
    const { collection, standing } = standings.of(topic);
    const state = standing === null ? 'orphan' : stateOf(seqId, standing);
    const below = collection === null ? undefined : cutoffs.get(collection.id);
    return {
      kind: 'wal',
      collection: shownAs(collection, redact),
      state,
      isPrunable: below !== undefined && seqId < below,
    };
  };
}

/** Without what else the catalogue knows of it. */
export function shownAs(collection: NamedCollection | null, redact: boolean): NamedCollection | null {
  if (collection === null) return null;
  const { id, name, tenant, database } = collection;
  const named = { id, name, tenant, database };
  return redact ? { ...named, ...redactedNames(named) } : named;
}
