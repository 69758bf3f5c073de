/**
 * Where the bytes of deleted records are: in the rows of the database, anywhere else in its file, in other files, and in
 * the slots of the indexes.
 */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { liveSegments, segmentsByCollection, type Catalog } from '../../chroma/catalog.ts';
import { countDeletedSlots } from '../../chroma/hnsw-slots.ts';
import { visitIndexedIds } from '../../chroma/index-metadata.ts';
import type { SegmentId } from '../../chroma/model.ts';
import { DATABASE_NAME, type PersistDir } from '../../chroma/persist-dir.ts';
import { isSegmentDirName, segmentDirNames } from '../../chroma/segment-dirs.ts';
import { searchFiles, SYMBOLIC_LINK, type Unsearchable } from '../../repository/searched-files.ts';
import { withReadOnly } from '../../sqlite/open.ts';
import { isInside } from '../backup/places.ts';
import { READ_WAIT_MS } from '../guard-context.ts';
import type { NamedCollection } from '../names.ts';
import type { Observer } from '../observer.ts';
import { PIECE_BYTES } from './pieces.ts';
import { searchRows, shownAs, type InTables, type RowWish } from './rows.ts';
import { traceBook, type Place, type TraceBook, type Traces } from './traces.ts';

/** What is left of deleted records. */
export interface Found extends Traces {
  readonly indexes: readonly IndexTrace[];
  /** Directories of indexes of collections that do not exist any more, by name. */
  readonly leftDirectories: readonly string[];
  readonly unsearchable: readonly (Unsearchable & { readonly root: string | null })[];
  /** Deleted texts too short to be told from other data, of which no row has any. */
  readonly tooShort: number;
  /** Rows with deleted texts beyond the number that is sought. */
  readonly rowsBeyond: number;
}

/** True where nothing of deleted records was found, and everything could be searched for. */
export function isGone({
  traces,
  indexes,
  leftDirectories,
  unsearchable,
  indistinctPhrases,
  ...counts
}: Found): boolean {
  const found = [...traces, ...indexes, ...leftDirectories, ...unsearchable, ...indistinctPhrases];
  return found.length + counts.tooShort + counts.rowsBeyond === 0;
}

/** The index of a collection with vectors of deleted records in it. */
export interface IndexTrace {
  readonly collection: NamedCollection;
  /** Slots that are marked deleted and keep their vector; null where the index cannot be read. */
  readonly slots: number | null;
  readonly elements: number;
  /** Records that the WAL deletes and the index still has as if nothing had happened. */
  readonly unsaved: number;
}

export interface SearchWish extends RowWish {
  /** Other directories to look into: backups, copies. */
  readonly others: readonly string[];
}

/** Looks for what is sought, everywhere. Reads only. The database must not be open in this process (its locks would go). */
export async function searchEverywhere(dir: PersistDir, wish: SearchWish, observer: Observer): Promise<Found> {
  const { sought } = wish;
  const book = traceBook(sought);
  observer.onStage('searching');
  const inTables = withReadOnly(dir.databasePath, READ_WAIT_MS, (db) => searchRows(db, dir, wish, book));
  const unsearchable =
    sought.windows.size === 0 ? [] : await searchAllFiles(dir, inTables.catalog, wish, book, observer);
  return {
    ...book.result(),
    ...searchIndexes(dir, inTables, wish),
    unsearchable,
    tooShort: inTables.tooShort,
    rowsBeyond: sought.counts.rowsBeyond,
  };
}

async function searchAllFiles(
  dir: PersistDir,
  catalog: Catalog,
  { sought, others, redact }: SearchWish,
  book: TraceBook,
  { onBytes }: Observer,
): Promise<Found['unsearchable']> {
  const searched = [dir.path, ...others];
  const search = (directory: string, placeOf: (path: string) => Place | null): Promise<readonly Unsearchable[]> =>
    searchFiles(directory, {
      overlap: PIECE_BYTES - 1,
      onChunk(path, chunk) {
        const place = placeOf(path);
        const note = place === null ? book.noteInDatabase : (window: number): void => book.noteInFile(place, window);
        sought.windows.findIn(chunk, note);
      },
      onBytes,
    });
  const unsearchable: Found['unsearchable'][number][] = [];
  const placeIn = placesIn(catalog, redact);
  for (const [root, directory] of [[null, dir.path] as const, ...others.map((each) => [each, each] as const)]) {
    const found = await search(directory, root === null ? placeIn : (path) => elsewhere(root, path));
    for (const each of found) {
      const target = each.because === SYMBOLIC_LINK ? targetOf(join(directory, each.path)) : null;
      if (each.because !== SYMBOLIC_LINK) {
        unsearchable.push({ ...each, root });
      } else if (target !== null && root === null && isSegmentDirName(each.path)) {
        // Chroma follows it, too: an index may be on another disk.
        const inIndex = await search(target, (path) => placeIn(`${each.path}/${path}`));
        unsearchable.push(...inIndex.map((file) => ({ ...file, path: `${each.path}/${file.path}`, root })));
      } else if (target !== null && !searched.some((other) => isInside(target, other))) {
        unsearchable.push({ ...each, root });
      }
    }
  }
  return unsearchable;
}

/** Where a link leads to; null where there is nothing. */
function targetOf(link: string): string | null {
  try {
    return realpathSync(link);
  } catch {
    return null;
  }
}

/** What a file of the persist directory is, by its path in it; null for the database. */
function placesIn(catalog: Catalog, redact: boolean): (path: string) => Place | null {
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

/** Vectors are no texts: where a record was deleted they are told by the marks of the index, and by whose it is. */
function searchIndexes(
  dir: PersistDir,
  { catalog, unsaved }: InTables,
  { redact }: SearchWish,
): Pick<Found, 'indexes' | 'leftDirectories'> {
  const segments = segmentsByCollection(catalog);
  const indexes = catalog.collections.flatMap((each): readonly IndexTrace[] =>
    (segments.get(each.id) ?? [])
      .filter(({ kind }) => kind === 'vector')
      .flatMap(({ id }) => indexTrace(dir, id, unsaved.get(each.id) ?? new Set(), shownAs(each, redact) ?? each)),
  );
  const live = liveSegments(catalog);
  return { indexes, leftDirectories: segmentDirNames(dir.path).filter((name) => !live.has(name)) };
}

function indexTrace(
  { path }: PersistDir,
  segment: SegmentId,
  deleted: ReadonlySet<string>,
  collection: NamedCollection,
): readonly IndexTrace[] {
  const slots = countDeletedSlots(join(path, segment));
  if (slots.kind === 'absent') return [];
  const unsaved = stillIndexed(join(path, segment), deleted);
  if (slots.kind === 'unreadable') return [{ collection, slots: null, elements: 0, unsaved }];
  return slots.deleted + unsaved === 0 ? [] : [{ collection, slots: slots.deleted, elements: slots.elements, unsaved }];
}

/** How many of `ids` the index has; all of them where that cannot be read. */
function stillIndexed(segmentDir: string, ids: ReadonlySet<string>): number {
  if (ids.size === 0) return 0;
  let held = 0;
  const reading = visitIndexedIds(segmentDir, (id) => (held += ids.has(id) ? 1 : 0));
  if (reading.kind === 'unreadable') return ids.size;
  return reading.kind === 'absent' ? 0 : held;
}
