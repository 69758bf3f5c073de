/**
 * scrub: a new database file without anything that was deleted, zeros over the old one, and a search for what is left.
 */
import { readFullText, readFullTextDeclaration } from '../../chroma/full-text.ts';
import { locatePersistDir } from '../../chroma/persist-dir.ts';
import type { PrunePlan } from '../../chroma/prune-plan.ts';
import { MaintError } from '../../errors.ts';
import type { KeptAttributes } from '../../host/attributes.ts';
import type { Host } from '../../host/host.ts';
import type { AutoVacuum } from '../../sqlite/auto-vacuum.ts';
import { withReadOnly } from '../../sqlite/open.ts';
import type { Agreement } from '../agreement.ts';
import { indexDamaged } from '../full-text/plan.ts';
import { READ_WAIT_MS } from '../guard-context.ts';
import { planDirectory, type DirectoryPlan, type PlannedWork, type Planning, type Strategy } from '../planning.ts';
import type { Target } from '../target.ts';
import { checkedAfterwards } from '../vacuum.ts';
import { obstacleToRebuild } from '../vacuum-mode.ts';
import { rebuildNeeds } from '../vacuum-space.ts';
import { searchEverywhere, type Found } from './search.ts';
import { readSought, type SoughtCounts } from './sought.ts';
import { verifyOthers } from './others.ts';

export interface ScrubRequest {
  readonly target: Target;
  /** Texts that are sought beside the deleted documents that the WAL names. */
  readonly phrases: readonly string[];
  /** Other directories to look into, with every symbolic link resolved: backups, copies. */
  readonly others: readonly string[];
}

export interface ScrubPlan {
  readonly request: ScrubRequest;
  readonly directory: DirectoryPlan;
  /** Estimated bytes of the new file. */
  readonly expectedBytes: number;
  readonly attributes: KeptAttributes;
  readonly fileSystem: FileSystemPromise;
  /** What was found: after the work, or in a dry run before it; null where nothing was searched yet. */
  readonly searched: Searched | null;
}

/** What the file system does with blocks that are written over. */
export interface FileSystemPromise {
  readonly name: string;
  /** False where it writes to other blocks, or is not known to write to the same ones. */
  readonly isInPlace: boolean;
}

export interface Searched {
  readonly counts: SoughtCounts;
  /** Bytes from the beginning of one piece of a text that was sought to that of the next. */
  readonly step: number;
  readonly found: Found;
}

export interface ScrubReport {
  readonly plan: ScrubPlan;
  readonly deleted: number;
  readonly databaseBytesAfter: number;
  /** Bytes of the old file that zeros were written over: all of it. */
  readonly overwrittenBytes: number;
  readonly searched: Searched;
}

export interface ScrubStrategy extends Strategy {
  readonly expectedBytes: number;
  readonly attributes: KeptAttributes;
  readonly fileSystem: FileSystemPromise;
  readonly fullTextTable: string;
  /** How the old file gives pages back, and so the new one. */
  readonly autoVacuum: AutoVacuum;
}

/** File systems that write over a block where it is, unless it is shared with a snapshot or a copy of the file. */
const IN_PLACE: readonly string[] = ['ext2', 'ext3', 'ext4', 'xfs', 'tmpfs', 'ntfs', 'ntfs3', 'exfat', 'vfat'];

/** Plans a scrub. Reads only. A dry run also says where the deleted texts are now. */
export async function planScrub(request: ScrubRequest, host: Host, isDryRun: boolean): Promise<ScrubPlan> {
  const planned = await planDirectory(scrubPlanning(request, isDryRun, null), host);
  const plan = scrubPlanOf(request, planned);
  return isDryRun ? { ...plan, searched: await searchNow(request, plan.directory.prune) } : plan;
}

async function searchNow({ target, phrases, others }: ScrubRequest, { steps }: PrunePlan): Promise<Searched> {
  const dir = locatePersistDir(target.path);
  const sought = withReadOnly(dir.databasePath, READ_WAIT_MS, (db) => readSought(db, dir, phrases));
  const observer = { onPlanned: () => undefined, onStage: () => undefined, onBytes: () => undefined };
  const cutoffs = new Map(steps.map(({ collectionId, below }) => [collectionId, below]));
  const found = await searchEverywhere(dir, { sought, others, cutoffs, redact: target.redact }, observer);
  return { counts: sought.counts, step: sought.windows.step, found };
}

/** What a scrub plans. Throws where it cannot be carried out as it was asked for. */
export function scrubPlanning(
  { target, others }: ScrubRequest,
  isDryRun: boolean,
  agreed: Agreement | null,
): Planning<ScrubStrategy> {
  verifyOthers(target, others);
  return {
    target,
    isDryRun,
    isJournalRecovered: agreed?.isJournalRecovered ?? false,
    withoutPrune: false,
    writesTo: [],
    strategy(sizes, context, { db, reading: { schema } }) {
      const { dir, host } = context;
      const obstacle = obstacleToRebuild(sizes, context);
      // A process that can be seen is what the guard names in a dry run, which goes on.
      const isNamed = isDryRun && host.holdersOf(dir.path, context.ownProcesses).holders.length > 0;
      if (obstacle !== null && !isNamed) {
        throw new MaintError(obstacle.code, {
          message: `${dir.given} cannot be rebuilt into a new file, so the old one cannot be overwritten`,
          details: [obstacle.because],
          hint: 'stop whatever else uses the directory, and run this as its owner on the machine that it is on',
        });
      }
      const fullText = readFullText(db, schema);
      if (fullText.kind === 'missing') throw indexDamaged(dir, `the table ${fullText.table} is missing`);
      const { name } = host.fileSystemOf(dir.path);
      return {
        expectedBytes: Math.max(sizes.databaseBytes - sizes.freeBytes - sizes.prunableBytes, 0),
        attributes: host.attributesKept(),
        fileSystem: { name, isInPlace: IN_PLACE.includes(name) },
        autoVacuum: sizes.autoVacuum,
        fullTextTable: readFullTextDeclaration(db, schema).table,
        needs: rebuildNeeds(sizes, sizes.autoVacuum),
        alternatives: [],
        whenShort: 'free some space',
      };
    },
  };
}

export function scrubPlanOf(request: ScrubRequest, { plan, strategy }: PlannedWork<ScrubStrategy>): ScrubPlan {
  const { expectedBytes, attributes, fileSystem } = strategy;
  return { request, directory: checkedAfterwards(plan), expectedBytes, attributes, fileSystem, searched: null };
}
