import type { ScrubPlan, ScrubReport, Searched } from '../../operations/scrub/plan.ts';
import { isGone, type Found } from '../../operations/scrub/search.ts';
import type { Place, Trace } from '../../operations/scrub/traces.ts';
import { backupJson, pruneJson } from './prune-json.ts';

const SCHEMA = 'chroma-maint/scrub@1';

/** The documented object of `scrub --json` where nothing was done. */
export function scrubPlanJson(plan: ScrubPlan): object {
  return fields(plan, { deleted: 0, after: plan.directory.databaseBytes, overwrittenBytes: 0, changed: false });
}

/** The documented object of `scrub --json`. */
export function scrubReportJson({ plan, deleted, databaseBytesAfter, overwrittenBytes }: ScrubReport): object {
  return fields(plan, { deleted, after: databaseBytesAfter, overwrittenBytes, changed: true });
}

interface Result {
  readonly deleted: number;
  readonly after: number;
  readonly overwrittenBytes: number;
  readonly changed: boolean;
}

function fields(plan: ScrubPlan, { deleted, after, overwrittenBytes, changed }: Result): object {
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
    overwrittenBytes,
    fileSystem: fileSystem.name,
    overwritesInPlace: fileSystem.isInPlace,
    attributesKept: attributes,
    searched: searched === null ? null : searchedJson(searched, request.phrases.length),
    prune: pruneJson(directory, deleted),
    backup: backupJson(directory),
  };
}

function searchedJson({ counts, step, found }: Searched, phrases: number): object {
  return {
    texts: counts.texts,
    phrases,
    pieceStep: step,
    tooShort: found.tooShort,
    rowsBeyond: found.rowsBeyond,
    indistinct: found.indistinct,
    indistinctPhrases: found.indistinctPhrases,
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
  const none = { collection: null, state: null, prunable: null, table: null, root: null, path: null };
  switch (place.kind) {
    case 'wal':
      return {
        ...none,
        place: place.kind,
        collection: place.collection,
        state: place.state,
        prunable: place.isPrunable,
      };
    case 'index':
      return { ...none, place: place.kind, collection: place.collection, path: place.path };
    case 'table':
      return { ...none, place: place.kind, table: place.table };
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
