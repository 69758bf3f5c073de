/**
 * Whether there is room for what the maintenance commands would write.
 */
import { MaintError, messageOf } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { sqliteTempDir } from '../../sqlite/temp-dir.ts';
import { finding, type Finding } from '../findings/findings.ts';
import { LEAST_BATCH_ROWS, LEAST_ROOM_OPTIONS } from '../least-room.ts';
import type { SpaceNeed } from '../guard-context.ts';
import type { PlannedSizes } from '../planning.ts';
import { batchJournalNeed, pruneJournalNeed } from '../prune.ts';
import { freeByDevice, verifySpace } from '../space.ts';
import { inPlaceNeeds, rebuildNeeds } from '../vacuum-space.ts';

/** What there is room for beside the database. */
export interface Room {
  /** Bytes that are free where the directory is. */
  readonly freeBytes: number;
  /** What each command lacks, in words; null where it has the room that it needs. */
  readonly lacks: Readonly<Record<'vacuum' | 'prune' | 'batches', string | null>>;
}

/** One finding for each command that would have too little room, or a single one where that cannot be told. */
export async function spaceFindings(sizes: PlannedSizes, host: Host): Promise<readonly Finding[]> {
  try {
    return shortages(sizes, await readRoom(sizes, host));
  } catch (error) {
    // The system's own "df" is asked, which a small container may lack.
    return [finding('low-space', sizes.dir.path, `how much is free could not be found out: ${messageOf(error)}`)];
  }
}

/** Asks for the free bytes, and compares them with what the commands need. Throws where the system does not say. */
export async function readRoom(sizes: PlannedSizes, host: Host): Promise<Room> {
  const { dir } = sizes;
  const temporary = sqliteTempDir(host.environment) ?? dir.path;
  const free = await freeByDevice([dir.path, temporary], host);
  const lack = (needs: readonly SpaceNeed[]): string | null => {
    try {
      verifySpace({ dir, host, free, needs, alternatives: [], whenShort: '' });
      return null;
    } catch (error) {
      if (!(error instanceof MaintError) || error.code !== 'NO_SPACE') throw error;
      return error.details.join('; ');
    }
  };
  const rebuild = lack(rebuildNeeds(sizes));
  const isFittingInPlace = rebuild !== null && lack(inPlaceNeeds(sizes, temporary)) === null;
  return {
    freeBytes: free.get(host.fileSystemOf(dir.path).device) ?? 0,
    lacks: {
      vacuum: isFittingInPlace ? null : rebuild,
      prune: lack([pruneJournalNeed(sizes)]),
      batches: lack([batchJournalNeed(sizes, { batchRows: LEAST_BATCH_ROWS, pauseMs: 0 })]),
    },
  };
}

/** Options of a prune that there is room for, beside a server where one is there; null where there is none. */
export function pruneWithRoom({ lacks }: Room, isInUse: boolean): readonly string[] | null {
  if (lacks.prune === null && !isInUse) return [];
  return lacks.batches === null ? LEAST_ROOM_OPTIONS : null;
}

function shortages({ prunableRows }: PlannedSizes, room: Room): readonly Finding[] {
  const { vacuum, prune } = room.lacks;
  const short = [
    ...(prune === null ? [] : [finding('low-space', 'prune', prune)]),
    ...(vacuum === null ? [] : [finding('low-space', 'vacuum', vacuum)]),
  ];
  const options = prunableRows === 0 ? null : pruneWithRoom(room, false);
  const pruning = options === null ? null : ['chroma-maint prune {dir}', ...options].join(' ');
  const remedy = vacuum === null ? 'chroma-maint vacuum {dir}' : pruning;
  return remedy === null ? short : short.map((each) => ({ ...each, remedy }));
}
