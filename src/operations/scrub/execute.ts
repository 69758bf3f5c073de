/**
 * scrub under one lock, in the working process. What is searched afterwards is what is there afterwards.
 */
import { statSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { totalRows } from '../../chroma/prune-plan.ts';
import { locatePersistDir } from '../../chroma/persist-dir.ts';
import { MaintError } from '../../errors.ts';
import { inExclusiveTransaction, keepLock } from '../../sqlite/open.ts';
import { overwriteLeftover } from '../../sqlite/rebuilt-file.ts';
import type { Machine } from '../guard-context.ts';
import type { ScrubJob } from '../job.ts';
import type { Observer } from '../observer.ts';
import { executed } from '../prune.ts';
import { rebuild } from '../rebuild.ts';
import { consentToPrune, inNumbers, planUnderLock, withDirectory } from '../under-lock.ts';
import { SCRUBBED } from './state.ts';
import { scrubPlanning, scrubPlanOf, type ScrubReport } from './plan.ts';
import { searchEverywhere, type Found } from './search.ts';
import { readSought } from './sought.ts';
import { otherDirectories } from './others.ts';

/** Plans, rebuilds, overwrites and searches. Whatever is thrown before the new file is put in place leaves everything. */
export async function scrubUnderLock(
  { request, agreed }: ScrubJob,
  machine: Machine,
  observer: Observer,
): Promise<ScrubReport> {
  const planning = scrubPlanning(request, false, agreed);
  const { planned, sought, overwrittenBytes } = await withDirectory(planning, machine, observer, (db, preflight) => {
    const work = inExclusiveTransaction(db, () => {
      overwriteLeftover(preflight.context.dir.databasePath);
      const begun = planUnderLock(db, preflight, planning, consentToPrune(agreed?.prune ?? null));
      observer.onPlanned(inNumbers(begun, begun.strategy.expectedBytes));
      keepLock(db);
      return begun;
    });
    const { dir } = preflight.context;
    observer.onStage('gathering');
    const texts = readSought(db, dir, request.phrases);
    const { fullTextTable, autoVacuum } = work.strategy;
    const settings = { isFull: true, autoPurgeText: null, autoVacuum };
    const done = rebuild(db, work, { observer, ...settings, scrubbing: { fullTextTable } });
    return { planned: work, sought: texts, overwrittenBytes: done.overwrittenBytes };
  });
  // Whoever ended the run meanwhile is heard now: until here the old file had to be overwritten to its end.
  await setImmediate();
  const plan = scrubPlanOf(request, planned);
  const { target } = request;
  const wish = { sought, others: otherDirectories(target, request.others), cutoffs: new Map(), redact: target.redact };
  const found = await statingScrubbed(() => searchEverywhere(locatePersistDir(target.path), wish, observer));
  const searched = { counts: sought.counts, step: sought.windows.step, found };
  return {
    plan: { ...plan, directory: executed(plan.directory), searched },
    deleted: totalRows(plan.directory.prune),
    databaseBytesAfter: statSync(plan.directory.dir.databasePath).size,
    overwrittenBytes,
    searched,
  };
}

async function statingScrubbed(search: () => Promise<Found>): Promise<Found> {
  try {
    return await search();
  } catch (error) {
    throw error instanceof MaintError ? error.withState(SCRUBBED) : error;
  }
}
