import type { ScrubPlan, ScrubReport, Searched } from '../../operations/scrub/plan.ts';
import { isGone, type Found } from '../../operations/scrub/search.ts';
import type { Place, Trace } from '../../operations/scrub/traces.ts';
import { backupJson, pruneJson } from './prune-json.ts';

const SCHEMA = 'chroma-maint/scrub@1';

/** The documented object of `scrub --json` where nothing was done. */
export function scrubPlanJson(plan: ScrubPlan): object {
  return fields(plan, { deleted: 0, after: plan.directory.databaseBytes, changed: false });
}

/** The documented object of `scrub --json`. */
export function scrubReportJson({ plan, deleted, databaseBytesAfter }: ScrubReport): object {
  return fields(plan, { deleted, after: databaseBytesAfter, changed: true });
}

interface Result {
  readonly deleted: number;
  readonly after: number;
  readonly changed: boolean;
}

function fields(plan: ScrubPlan, { deleted, after, changed }: Result): object {
  const { directory, expectedBytes, attributes, fileSystem, searched, request } = plan;
  return {
    schema: SCHEMA,
    persistDir: directory.dir.path,
    dryRun: directory.isDryRun,
    changed,
    journalRecovered: directory.isJournalRecovered,
    before: { databaseBytes: directory.databaseBytes },
    after: { databaseBytes: after },
    expected: { databaseBytes: expectedBytes },
    overwrittenBytes: changed ? directory.databaseBytes : 0,
    fileSystem: fileSystem.name,
    overwritesInPlace: fileSystem.isInPlace,
    attributesKept: attributes,
    searched: searched === null ? null : searchedJson(searched, request.phrases.length),
    prune: pruneJson(directory, deleted),
    backup: backupJson(directory),
  };
}

function searchedJson({ counts, found }: Searched, phrases: number): object {
  return {
    texts: counts.texts,
    phrases,
    tooShort: counts.tooShort,
    rowsBeyond: counts.rowsBeyond,
    indistinct: found.indistinct,
    isGone: isGone(found),
    traces: found.traces.map(traceJson),
    indexes: indexesJson(found),
    leftDirectories: found.leftDirectories,
    unsearchable: found.unsearchable,
  };
}

function traceJson({ place, texts, phrases }: Trace): object {
  return { ...placeJson(place), texts, phrases };
}

function placeJson(place: Place): object {
  const none = { collection: null, state: null, root: null, path: null };
  switch (place.kind) {
    case 'wal':
      return { ...none, place: place.kind, collection: place.collection, state: place.state };
    case 'index':
      return { ...none, place: place.kind, collection: place.collection, path: place.path };
    case 'file':
      return { ...none, place: place.kind, root: place.root, path: place.path };
    case 'left-behind':
    case 'full-text':
    case 'left-index':
    case 'live':
    case 'free-space':
      return { ...none, place: place.kind };
  }
}

function indexesJson({ indexes }: Found): readonly object[] {
  return indexes.map(({ collection, slots, elements, unsaved }) => ({
    collection,
    deletedSlots: slots,
    elements,
    unsavedDeletions: unsaved,
  }));
}
