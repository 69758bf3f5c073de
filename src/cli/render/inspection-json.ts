import { reclaimable, type InspectedCollection, type Inspection } from '../../operations/inspection.ts';

/** The documented object of `inspect --json` (docs/JSON.md). Fields are only ever added. */
export function inspectionJson(inspection: Inspection): object {
  const { dir, schema, autoPurge, holders, room, records, bytes, collections, findings, sqliteVersion } = inspection;
  return {
    schema: 'chroma-maint/inspect@1',
    persistDir: dir.path,
    generation: schema.generation,
    writtenBy: schema.writtenBy,
    openedByRust: schema.openedByRust,
    autoPurge,
    journal: dir.journal,
    inUse: holders.holders.length > 0,
    holders: holders.holders.map(({ pid, user, command, openFiles }) => ({ pid, user, command, openFiles })),
    unreadableProcesses: holders.isSupported ? holders.unreadable : null,
    sqliteVersion,
    records,
    bytes,
    availableBytes: room?.freeBytes ?? null,
    reclaimable: { insideFile: bytes.walPrunable, byVacuum: reclaimable(bytes), byClean: bytes.orphans },
    collections: collections.map(collectionJson),
    findings,
  };
}

function collectionJson(collection: InspectedCollection): object {
  const { id, name, tenant, database, records, rows, prunable, bytes, watermark, heldBackBy, skip } = collection;
  return {
    id,
    name,
    tenant,
    database,
    records,
    walRows: rows,
    prunableRows: prunable,
    prunableBytes: bytes,
    watermark: watermark === null ? null : String(watermark),
    heldBackBy,
    hnswBytes: collection.hnswBytes,
    deletedShare: collection.deletedShare,
    skip,
  };
}
