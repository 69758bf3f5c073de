/**
 * Which of the two ways a vacuum takes: a rebuild reads and writes every live byte once, but renames a file, which is
 * safe only where nobody has the old one open; SQLite's own VACUUM is safe beside everybody.
 */
import { MaintError, type ErrorCode } from '../errors.ts';
import { borrowedDescriptor } from '../sqlite/descriptor.ts';
import type { KeptAttributes } from '../host/attributes.ts';
import type { GuardContext } from './guard-context.ts';
import type { PlannedSizes } from './planning.ts';
import { proofOfNobody } from './proof.ts';

export type VacuumMode = 'rebuild' | 'in-place';

export type ChosenMode =
  /** With what the new file keeps of the old one's attributes. */
  | { readonly kind: 'rebuild'; readonly attributes: KeptAttributes }
  /** `because` is null where nothing stands against a rebuild but that it was not asked for. */
  | { readonly kind: 'in-place'; readonly because: string | null };

export const IN_PLACE: ChosenMode = { kind: 'in-place', because: null };

export interface Obstacle {
  readonly code: ErrorCode;
  readonly because: string;
}

/**
 * Takes the rebuild where it can be proved safe. Throws where exactly that was asked for and cannot. The connection that
 * the plan is made on is open meanwhile.
 */
export function chooseMode(requested: VacuumMode | 'auto', sizes: PlannedSizes, context: GuardContext): ChosenMode {
  if (requested === 'in-place') return IN_PLACE;
  const obstacle = obstacleToRebuild(sizes, context);
  if (obstacle === null) return { kind: 'rebuild', attributes: context.host.attributesKept() };
  if (requested === 'auto') return { kind: 'in-place', because: obstacle.because };
  throw new MaintError(obstacle.code, {
    message: `${sizes.dir.given} cannot be rebuilt into a new file`,
    details: [obstacle.because],
    hint: 'let it be rewritten in place: --mode in-place',
  });
}

/** Why no new file can be put in the place of the old one, null where that is safe. */
export function obstacleToRebuild(sizes: PlannedSizes, context: GuardContext): Obstacle | null {
  const { dir, host } = context;
  if (host.fileSystemOf(dir.path).isNetwork) {
    return { code: 'UNSAFE_PLACE', because: 'the directory is on a network file system' };
  }
  if (sizes.obstacleToCopy !== null) return { code: 'UNSUPPORTED_SCHEMA', because: sizes.obstacleToCopy };
  const stranger = whoseFile(context);
  if (stranger !== null) {
    return { code: 'NOT_WRITABLE', because: `the database belongs to ${stranger}, which a new file would not` };
  }
  const proof = proofOfNobody(context, borrowedDescriptor(dir.databasePath));
  return proof.isProved ? null : { code: 'IN_USE', because: proof.because };
}

/** To whom a new file of this user could not be given, though the old one is theirs. */
function whoseFile({ dir, host }: GuardContext): string | null {
  if (host.userId() === 0) return null;
  if (host.userId() !== dir.database.owner) return 'another user';
  return host.groupIds().includes(dir.database.group) ? null : 'a group that this user is not in';
}
