/**
 * inspect: what the directory is, where its bytes are, what maintenance would give back. Reads only, to the byte.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readAutoPurge } from '../chroma/auto-purge.ts';
import { liveSegments, readRecordCounts } from '../chroma/catalog.ts';
import { QUEUE } from '../chroma/embeddings-queue.ts';
import { isQuiet, readIndexStamp } from '../chroma/index-stamp.ts';
import type { Collection, SegmentId } from '../chroma/model.ts';
import type { PersistDir } from '../chroma/persist-dir.ts';
import { needsAttention, sequenceRegressions, totalBytes } from '../chroma/prune-plan.ts';
import { listSegmentDirs } from '../chroma/segment-dirs.ts';
import type { Host, HolderScan } from '../host/host.ts';
import { inReadTransaction, readSqliteVersion, withReadOnly, type Database } from '../sqlite/open.ts';
import { readTableBytes } from '../sqlite/pages.ts';
import { rebuiltBytes } from '../sqlite/rebuilt-file.ts';
import { collectionPlans } from './collections.ts';
import { presented } from './findings/findings.ts';
import { inspectionFindings } from './examine/inspection.ts';
import { quarantineBytes } from './examine/quarantines.ts';
import { readRoom, type Room } from './examine/space.ts';
import type { ByteShares, InspectedCollection, Inspection, InspectionReading } from './inspection.ts';
import { namingHolders } from './in-use.ts';
import { locateToLook, LOOK_AGAIN } from './looking.ts';
import { READ_WAIT_MS } from './guard-context.ts';
import { sizesOf } from './planning.ts';
import { planFromReading, readDirectory, type Reading } from './reading.ts';
import { redacted } from './redact.ts';

export interface InspectRequest {
  readonly path: string;
  readonly redact: boolean;
}

/** Inspects the directory. Works on a read-only mount and beside a running server. */
export async function inspect({ path, redact }: InspectRequest, host: Host): Promise<Inspection> {
  const located = await locateToLook(path, host);
  const { dir, holders } = located;
  const readOnce = (): InspectionReading =>
    withReadOnly(dir.databasePath, READ_WAIT_MS, (db) => {
      const work = (): InspectionReading => readAll(db, dir, host, holders, redact);
      // One view of everything where nobody is there; beside a server an open read would keep it from committing.
      return holders.holders.length === 0 ? inReadTransaction(db, work) : work();
    });
  const read = await namingHolders(located, () => atRest(readOnce), LOOK_AGAIN);
  return interpret(read, path, await roomOf(read));
}

/** Together longer than a Chroma may be held up in the middle of a save. */
const LOOKS = 10;
const LOOK_AGAIN_MS = 250;

/** What is read once nothing in it can be half of a save: until then an index looks damaged, or ahead of the WAL. */
async function atRest(readOnce: () => InspectionReading): Promise<InspectionReading> {
  for (let looks = 1; ; looks += 1) {
    const read = readOnce();
    if (read.holders.holders.length === 0 || looks === LOOKS || !isHalfSaved(read)) return read;
    await delay(LOOK_AGAIN_MS);
  }
}

function isHalfSaved({ dir, host, plan, reading: { collections, lastSeqId } }: InspectionReading): boolean {
  const odd = new Set([
    ...plan.skipped.filter(({ reason }) => needsAttention(reason)).map(({ collectionId }) => collectionId),
    ...sequenceRegressions(collections, lastSeqId).map(({ collectionId }) => collectionId),
  ]);
  return collections
    .filter(({ id }) => odd.has(id))
    .flatMap(({ segments }) => segments)
    .some(({ id, kind }) => kind === 'vector' && !isQuiet(readIndexStamp(join(dir.path, id)), host.now()));
}

function readAll(db: Database, dir: PersistDir, host: Host, holders: HolderScan, redact: boolean): InspectionReading {
  const isShared = holders.holders.length > 0;
  const found = readDirectory(db, dir, () => ({ excluded: new Set(), asksIndexes: true, isShared }));
  const reading = redact ? redacted(found) : found;
  return {
    dir,
    host,
    reading,
    plan: planFromReading(reading),
    autoPurge: readAutoPurge(db, reading.schema),
    holders,
    records: readRecordCounts(db),
    tables: readTableBytes(db, (table) => table !== QUEUE),
    segmentDirs: listSegmentDirs(dir.path),
    asideBytes: quarantineBytes(dir.path),
    rebuiltBytes: rebuiltBytes(dir.databasePath),
    sqliteVersion: readSqliteVersion(db),
  };
}

/** Null where the system does not say what is free: what was read is worth telling all the same. */
async function roomOf({ dir, reading, plan, host }: InspectionReading): Promise<Room | null> {
  try {
    return await readRoom(sizesOf(dir, reading, plan), host);
  } catch {
    return null;
  }
}

function interpret(read: InspectionReading, given: string, room: Room | null): Inspection {
  const { dir, reading, plan, autoPurge, holders } = read;
  const collections = inspectedCollections(read);
  return {
    dir,
    schema: reading.schema,
    autoPurge,
    holders,
    room,
    records: collections.reduce((sum, { records }) => sum + records, 0),
    bytes: byteShares(read, totalBytes(plan)),
    collections,
    findings: presented(inspectionFindings(read, collections), given),
    sqliteVersion: read.sqliteVersion,
  };
}

function inspectedCollections({
  reading,
  plan,
  records,
  segmentDirs,
}: InspectionReading): readonly InspectedCollection[] {
  const dirBytes = new Map(segmentDirs.map(({ id, bytes }) => [id, bytes]));
  const plans = new Map(collectionPlans(reading, plan).map((each) => [each.id, each]));
  return reading.collections.flatMap((collection) => {
    const planned = plans.get(collection.id);
    if (planned === undefined) return [];
    const sum = (values: ReadonlyMap<SegmentId, number>): number =>
      collection.segments.reduce((total, { id }) => total + (values.get(id) ?? 0), 0);
    return [
      { ...planned, records: sum(records), hnswBytes: sum(dirBytes), deletedShare: deletedShare(collection, reading) },
    ];
  });
}

function deletedShare({ segments }: Collection, { index }: Reading): number | null {
  const vector = segments.find(({ kind }) => kind === 'vector');
  const files = vector && index.get(vector.id);
  if (files?.metadata.kind !== 'read' || files.hnsw.kind !== 'read') return null;
  const { elements } = files.hnsw.header;
  return elements === 0 ? 0 : Math.max(elements - files.metadata.metadata.records, 0) / elements;
}

function byteShares(
  { reading, tables, segmentDirs, asideBytes }: InspectionReading,
  prunableEstimate: number,
): ByteShares {
  const { pageSize, pages, freePages } = reading.pages;
  const database = pages * pageSize;
  const free = freePages * pageSize;
  const sum = (isPart: (table: string) => boolean): number =>
    [...tables].reduce((total, [table, bytes]) => total + (isPart(table) ? bytes : 0), 0);
  // Everything but the queue was measured page by page, so what is left of the file is the queue, exactly.
  const wal = Math.max(database - free - sum(() => true), 0);
  const walEstimate = [...reading.usage.values()].reduce((total, { bytes }) => total + bytes, 0);
  const live = liveSegments(reading.catalog);
  const hnsw = segmentDirs.filter(({ id }) => live.has(id));
  const orphans = segmentDirs.filter(({ id }) => !live.has(id));
  return {
    database,
    free,
    wal,
    walPrunable: walEstimate === 0 ? 0 : Math.round((wal * Math.min(prunableEstimate, walEstimate)) / walEstimate),
    metadata: sum(isMetadata),
    fullText: sum(isFullText),
    catalog: sum((table) => !isMetadata(table) && !isFullText(table)),
    hnsw: hnsw.reduce((total, { bytes }) => total + bytes, 0),
    orphans: orphans.reduce((total, { bytes }) => total + bytes, 0),
    quarantine: asideBytes,
  };
}

function isMetadata(table: string): boolean {
  return ['embeddings', 'embedding_metadata', 'embedding_metadata_array'].includes(table);
}

function isFullText(table: string): boolean {
  return table.startsWith('embedding_fulltext');
}
