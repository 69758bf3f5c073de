/**
 * Which way a vacuum takes: a rebuild reads and writes every live byte once, but renames a file, which is safe only where
 * nobody has the old one open; SQLite's own VACUUM is safe beside everybody, but keeps them waiting. To give pages back
 * step by step has to be asked for, and takes a file that is made for it.
 */
import { MaintError, type ErrorCode } from '../errors.ts';
import { shellWord } from '../shell-word.ts';
import type { AutoVacuum } from '../sqlite/auto-vacuum.ts';
import { borrowedDescriptor } from '../sqlite/descriptor.ts';
import type { KeptAttributes } from '../host/attributes.ts';
import type { GuardContext } from './guard-context.ts';
import type { PlannedSizes } from './planning.ts';
import { proofOfNobody } from './proof.ts';

export type VacuumMode = 'rebuild' | 'in-place' | 'incremental';

export type ChosenMode =
  /** With what the new file keeps of the old one's attributes. */
  | { readonly kind: 'rebuild'; readonly attributes: KeptAttributes }
  /** `because` is null where nothing stands against a rebuild but that it was not asked for. */
  | { readonly kind: 'in-place'; readonly because: string | null }
  | { readonly kind: 'incremental' };

const IN_PLACE: ChosenMode = { kind: 'in-place', because: null };
const INCREMENTAL: ChosenMode = { kind: 'incremental' };

/** The mode of a vacuum that is not worth it, for which none is looked for. */
export function unchosenMode(requested: VacuumMode | 'auto'): ChosenMode {
  return requested === 'incremental' ? INCREMENTAL : IN_PLACE;
}

const GIVES_BACK: Readonly<Record<Exclude<AutoVacuum, 'incremental'>, string>> = {
  none: 'its auto-vacuum is none, as Chroma creates it: pages are given back only where the file is rewritten',
  full: 'its auto-vacuum is full: SQLite gives pages back at every commit, and none is left to be given back',
};

/** Throws USAGE where the file is not one of which pages can be given back step by step. */
export function verifyIncremental({ dir, autoVacuum }: Pick<PlannedSizes, 'dir' | 'autoVacuum'>): void {
  if (autoVacuum === 'incremental') return;
  const prepare = `chroma-maint vacuum ${shellWord(dir.given)} --mode rebuild --auto-vacuum incremental`;
  throw new MaintError('USAGE', {
    message: `the database is not one that gives pages back step by step: ${dir.databasePath}`,
    details: [GIVES_BACK[autoVacuum]],
    hint: `make it one, once, with Chroma stopped: ${prepare}`,
  });
}

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
  if (requested === 'incremental') return INCREMENTAL;
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
