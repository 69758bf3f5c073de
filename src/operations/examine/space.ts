/**
 * Whether there is room for what the maintenance commands would write.
 */
import { MaintError, messageOf } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { sqliteTempDir } from '../../sqlite/temp-dir.ts';
import { finding, type Finding } from '../findings/findings.ts';
import { LEAST_BATCH_ROWS, leastRoomCommand } from '../least-room.ts';
import type { SpaceNeed } from '../guard-context.ts';
import type { PlannedSizes } from '../planning.ts';
import { batchJournalNeed, pruneJournalNeed } from '../prune.ts';
import { freeByDevice, verifySpace } from '../space.ts';
import { inPlaceNeeds, rebuildNeeds } from '../vacuum-space.ts';

/** One finding for each command that would have too little room, or a single one where that cannot be told. */
export async function spaceFindings(sizes: PlannedSizes, host: Host): Promise<readonly Finding[]> {
  const temporary = sqliteTempDir(host.environment) ?? sizes.dir.path;
  try {
    return shortages(sizes, temporary, await freeByDevice([sizes.dir.path, temporary], host), host);
  } catch (error) {
    // The system's own "df" is asked, which a small container may lack.
    return [finding('low-space', sizes.dir.path, `how much is free could not be found out: ${messageOf(error)}`)];
  }
}

function shortages(
  sizes: PlannedSizes,
  temporary: string,
  free: ReadonlyMap<bigint, number>,
  host: Host,
): readonly Finding[] {
  const shortage = (needs: readonly SpaceNeed[]): string | null => {
    try {
      verifySpace({ dir: sizes.dir, host, free, needs, alternatives: [], whenShort: '' });
      return null;
    } catch (error) {
      if (!(error instanceof MaintError) || error.code !== 'NO_SPACE') throw error;
      return error.details.join('; ');
    }
  };
  const prune = shortage([pruneJournalNeed(sizes)]);
  const rebuild = shortage(rebuildNeeds(sizes));
  const inPlace = rebuild === null ? null : shortage(inPlaceNeeds(sizes, temporary));
  const short = [
    ...(prune === null ? [] : [finding('low-space', 'prune', prune)]),
    ...(rebuild === null || inPlace === null ? [] : [finding('low-space', 'vacuum', rebuild)]),
  ];
  const least = batchJournalNeed(sizes, { batchRows: LEAST_BATCH_ROWS, pauseMs: 0 });
  const command = commandWithRoom(sizes, {
    vacuum: rebuild === null || inPlace === null,
    prune: prune === null,
    batches: shortage([least]) === null,
  });
  return command === null ? short : short.map((each) => ({ ...each, remedy: command }));
}

/** What there is room for, of what gives the most back; null where that is nothing. */
function commandWithRoom(
  { prunableRows }: PlannedSizes,
  fits: { readonly vacuum: boolean; readonly prune: boolean; readonly batches: boolean },
): string | null {
  if (fits.vacuum) return 'chroma-maint vacuum {dir}';
  if (prunableRows === 0) return null;
  if (fits.prune) return 'chroma-maint prune {dir}';
  return fits.batches ? leastRoomCommand('{dir}') : null;
}
