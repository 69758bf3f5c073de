import type { FullTextReport } from '../../operations/full-text/execute.ts';
import type { FullTextPlan, FullTextState } from '../../operations/full-text/plan.ts';
import { backupJson, checkJson } from './prune-json.ts';

/** The documented object of `fts rebuild --json` and `fts optimize --json` where nothing was done. */
export function ftsPlanJson(schema: string, plan: FullTextPlan): object {
  return fields(schema, plan, { sample: null, bytesAfter: plan.index.bytes });
}

/** The documented object of `fts rebuild --json` and `fts optimize --json`. */
export function ftsReportJson(schema: string, { plan, sample, bytesAfter }: FullTextReport): object {
  return fields(schema, plan, { sample, bytesAfter });
}

function fields(
  schema: string,
  { directory, index, expectedBytes }: FullTextPlan,
  { sample, bytesAfter }: Pick<FullTextReport, 'sample' | 'bytesAfter'>,
): object {
  const { declaration, documents, documentBytes, endingAtNul, bytes } = index;
  return {
    schema,
    persistDir: directory.dir.path,
    dryRun: directory.isDryRun,
    changed: sample !== null,
    journalRecovered: directory.isJournalRecovered,
    table: declaration.table,
    declaration: declaration.arguments,
    documents,
    documentBytes,
    endingAtNul,
    before: { ...stateJson(index), bytes },
    after: { bytes: bytesAfter },
    expected: { bytes: expectedBytes },
    sample:
      sample === null
        ? null
        : {
            queries: sample.queries,
            hits: sample.hits,
            hitsBefore: sample.before?.found ?? null,
            correctBefore: sample.before?.correct ?? null,
          },
    checks: directory.checks.map(checkJson),
    backup: backupJson(directory),
  };
}

/** `sound` says what the schema says; the counts are null where damaged pages keep the table from being compared. */
function stateJson({ reading, damaged, content }: FullTextState): object {
  return {
    state: damaged.length > 0 ? 'damaged' : reading.kind,
    declaration: reading.kind === 'wrong-tokenizer' ? reading.found : null,
    damagedTables: damaged,
    rows: content?.rows ?? null,
    missing: content?.missing ?? null,
    differing: content?.differing ?? null,
    surplus: content?.surplus ?? null,
    orphans: content?.orphans ?? null,
  };
}
