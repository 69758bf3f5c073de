/**
 * Where the bytes of deleted records are: in the rows of the database, anywhere else in its file, in other files, and in
 * the slots of the indexes.
 */
import { join } from 'node:path';
import { liveSegments, segmentsByCollection, type Catalog } from '../../chroma/catalog.ts';
import { countDeletedSlots } from '../../chroma/hnsw-slots.ts';
import { documentOf } from '../../chroma/live-documents.ts';
import type { CollectionId } from '../../chroma/model.ts';
import { DATABASE_NAME, type PersistDir } from '../../chroma/persist-dir.ts';
import { eachRow } from '../../chroma/queue-rows.ts';
import { isSegmentDirName, segmentDirNames } from '../../chroma/segment-dirs.ts';
import { eachStoredText } from '../../chroma/stored-texts.ts';
import { stateOf } from '../../chroma/row-state.ts';
import { storedForms } from '../../chroma/text-forms.ts';
import { searchFiles, type Unsearchable } from '../../repository/searched-files.ts';
import { withReadOnly, type Database } from '../../sqlite/open.ts';
import { READ_WAIT_MS } from '../guard-context.ts';
import type { NamedCollection } from '../names.ts';
import type { Observer } from '../observer.ts';
import { redactedNames } from '../redact.ts';
import { readLiving, type Sought } from './sought.ts';
import { traceBook, type Place, type Trace, type TraceBook } from './traces.ts';
import { WINDOW_BYTES } from './windows.ts';

/** What is left of deleted records. */
export interface Found {
  readonly traces: readonly Trace[];
  /** Deleted texts that cannot be told from texts that live. */
  readonly indistinct: number;
  readonly indexes: readonly IndexTrace[];
  /** Directories of indexes of collections that do not exist any more, by name. */
  readonly leftDirectories: readonly string[];
  readonly unsearchable: readonly (Unsearchable & { readonly root: string | null })[];
}

/** True where nothing of deleted records was found, and everything could be searched. */
export function isGone({ traces, indexes, leftDirectories, unsearchable }: Found): boolean {
  return [...traces, ...indexes, ...leftDirectories, ...unsearchable].length === 0;
}

/** The index of a collection with vectors of deleted records in it. */
export interface IndexTrace {
  readonly collection: NamedCollection;
  /** Slots that are marked deleted and keep their vector; null where the index cannot be read. */
  readonly slots: number | null;
  readonly elements: number;
  /** Deletions in the WAL that the index has not saved: it has those vectors as if nothing had happened. */
  readonly unsaved: number;
}

export interface SearchWish {
  readonly sought: Sought;
  /** Other directories to look into: backups, copies. */
  readonly others: readonly string[];
  readonly redact: boolean;
}

const LIVE: Place = { kind: 'live' };

/** Looks for what is sought, everywhere. Reads only. The database must not be open in this process (its locks would go). */
export async function searchEverywhere(dir: PersistDir, wish: SearchWish, observer: Observer): Promise<Found> {
  const { sought, others } = wish;
  const book = traceBook(sought);
  observer.onStage('searching');
  const living = withReadOnly(dir.databasePath, READ_WAIT_MS, (db) => searchTables(db, dir, wish, book));
  const unsearchable = [];
  for (const root of sought.windows.size === 0 ? [] : [null, ...others]) {
    const placeOf = root === null ? placesIn(living.catalog, wish) : (path: string) => elsewhere(root, path);
    const found = await searchFiles(root ?? dir.path, {
      overlap: WINDOW_BYTES - 1,
      onChunk(path, chunk) {
        const place = placeOf(path);
        const note = place === null ? book.noteInDatabase : (window: number) => book.note(place, window);
        sought.windows.findIn(chunk, note);
      },
      onBytes: observer.onBytes,
    });
    unsearchable.push(...found.map((each) => ({ ...each, root })));
  }
  return { ...book.result(), ...searchIndexes(dir, living, wish), unsearchable };
}

/** What a file of the persist directory is, by its path in it; null for the database. */
function placesIn(catalog: Catalog, { redact }: SearchWish): (path: string) => Place | null {
  const owners = new Map(
    [...segmentsByCollection(catalog)].flatMap(([id, segments]) =>
      segments.map((segment) => [segment.id, id] as const),
    ),
  );
  const collections = new Map(catalog.collections.map((collection) => [collection.id, collection]));
  return (path) => {
    if (path === DATABASE_NAME) return null;
    const [directory = '', ...below] = path.split('/');
    if (below.length !== 1 || !isSegmentDirName(directory)) return elsewhere(null, path);
    const collection = shownAs(collections.get(owners.get(directory) ?? '') ?? null, redact);
    return collection === null ? { kind: 'left-index' } : { kind: 'index', collection, path };
  };
}

function elsewhere(root: string | null, path: string): Place {
  return { kind: 'file', root, path };
}

/** What the tables say of the indexes. */
interface InTables {
  readonly catalog: Catalog;
  /** Deletions that the index of each collection has not saved. */
  readonly unsaved: ReadonlyMap<CollectionId, number>;
}

/** Every text in a row, so that it is known what lives and whose the rest is. */
function searchTables(db: Database, dir: PersistDir, { sought, redact }: SearchWish, book: TraceBook): InTables {
  const { catalog, standings, isLive } = readLiving(db, dir);
  const find = (bytes: Buffer, place: Place): void =>
    sought.windows.findIn(bytes, (window) => book.note(place, window));
  for (const { text, holder } of eachStoredText(db, liveSegments(catalog))) {
    // A text that lives may stand anywhere in any of its forms.
    for (const form of storedForms(text)) find(form, { kind: holder });
    if (holder !== 'live') book.noteRow({ kind: holder });
  }
  const unsaved = new Map<CollectionId, number>();
  for (const row of eachRow(db, 'newest-first')) {
    const { collection, standing } = standings.of(row.topic);
    const state = standing === null ? 'orphan' : stateOf(row.seqId, standing);
    if (collection !== null && row.operation === 'delete' && state !== 'committed') {
      unsaved.set(collection.id, (unsaved.get(collection.id) ?? 0) + 1);
    }
    if (row.metadata === null) continue;
    const document = documentOf(row);
    const isDeleted = document !== null && !isLive(row, document);
    const place: Place = isDeleted ? { kind: 'wal', collection: shownAs(collection, redact), state } : LIVE;
    if (isDeleted) book.noteRow(place);
    find(Buffer.from(row.metadata, 'utf8'), place);
  }
  return { catalog, unsaved };
}

/** Without what else the catalogue knows of it. */
function shownAs(collection: NamedCollection | null, redact: boolean): NamedCollection | null {
  if (collection === null) return null;
  const { id, name, tenant, database } = collection;
  const named = { id, name, tenant, database };
  return redact ? { ...named, ...redactedNames(named) } : named;
}

/** Vectors are no texts: where a record was deleted they are told by the marks of the index, and by whose it is. */
function searchIndexes(
  dir: PersistDir,
  { catalog, unsaved }: InTables,
  { redact }: SearchWish,
): Pick<Found, 'indexes' | 'leftDirectories'> {
  const segments = segmentsByCollection(catalog);
  const indexes = catalog.collections.flatMap((each): readonly IndexTrace[] => {
    const collection = shownAs(each, redact) ?? each;
    return (segments.get(each.id) ?? [])
      .filter(({ kind }) => kind === 'vector')
      .map((segment) => countDeletedSlots(join(dir.path, segment.id)))
      .flatMap((slots) => {
        if (slots.kind === 'absent') return [];
        const [elements, deleted] = slots.kind === 'read' ? [slots.elements, slots.deleted] : [0, null];
        const trace = { collection, slots: deleted, elements, unsaved: unsaved.get(each.id) ?? 0 };
        return deleted === 0 && trace.unsaved === 0 ? [] : [trace];
      });
  });
  const live = liveSegments(catalog);
  return { indexes, leftDirectories: segmentDirNames(dir.path).filter((name) => !live.has(name)) };
}
