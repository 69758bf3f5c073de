/**
 * The files of a persist directory, all of one moment: copied while nobody can commit to its database, and copied again
 * where one of them changed meanwhile, as Chroma saves its indexes outside of SQLite's transactions.
 */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { readCatalog } from '../../chroma/catalog.ts';
import { DATABASE_NAME, type PersistDir } from '../../chroma/persist-dir.ts';
import { readSchema } from '../../chroma/schema.ts';
import { MaintError, messageOf, systemErrorCode } from '../../errors.ts';
import { mayWrite } from '../../repository/permission.ts';
import { isRestoreFile } from '../../repository/placing.ts';
import { isQuarantine } from '../../repository/quarantine.ts';
import type { Source } from '../../repository/store.ts';
import { changedPath, readTree, type Tree } from '../../repository/tree.ts';
import { borrowedDescriptor } from '../../sqlite/descriptor.ts';
import { withLock, type Database } from '../../sqlite/open.ts';
import { isRebuiltFile } from '../../sqlite/rebuilt-file.ts';
import type { GuardContext } from '../guard-context.ts';
import { inUse, namingHolders } from '../in-use.ts';
import type { Observer } from '../observer.ts';
import { describeCopy, type Description } from './describe.ts';

/** So many times it is tried. A server saves an index in less time than it takes to fill the next batch. */
const ATTEMPTS = 5;

export interface Copied<T> {
  readonly tree: Tree;
  readonly stored: T;
  readonly description: Description;
  /** True where another process had the directory open. */
  readonly wasInUse: boolean;
}

/** Puts every file of a tree into a directory, and says where that is. */
export type Copy<T> = (source: Source, tree: Tree) => Promise<{ readonly path: string; readonly stored: T }>;

/** Has `copy` copy the directory until it got a consistent copy. Throws IN_USE where it never did. */
export async function copyConsistently<T>(
  context: GuardContext,
  { onStage }: Pick<Observer, 'onStage'>,
  copy: Copy<T>,
): Promise<Copied<T>> {
  const { dir, host, ownProcesses, waitMs } = context;
  const { holders } = host.holdersOf(dir.path, ownProcesses);
  const wasInUse = holders.length > 0;
  const isWritable = mayWrite(dir.databasePath);
  if (!isWritable && wasInUse) throw inUse(dir.given, holders);
  for (let attempt = 1; ; attempt += 1) {
    const { tree, path, stored, changed } = await namingHolders(context, () =>
      withLock(dir.databasePath, isWritable ? 'reserved' : 'shared', waitMs, (db) => copyOnce(db, dir, copy)),
    );
    if (changed === null) {
      onStage('examining');
      const description = describeCopy(path, dir.given);
      // A server may be in the middle of saving an index, and stand still there while the lock keeps it waiting.
      const isDone = !wasInUse || attempt === ATTEMPTS || damagedIndexes(description).length === 0;
      if (isDone) return { tree, stored, description, wasInUse };
    } else if (attempt === ATTEMPTS) throw neverStill(dir, changed);
  }
}

/** Vector segments whose files cannot be read, by id. */
export function damagedIndexes({ reading }: Description): readonly string[] {
  const segments = reading.collections.flatMap((collection) => collection.segments);
  return segments
    .filter(({ kind, position }) => kind === 'vector' && position.kind === 'unreadable')
    .map(({ id }) => id);
}

async function copyOnce<T>(
  db: Database,
  dir: PersistDir,
  copy: Copy<T>,
): Promise<{ readonly tree: Tree; readonly path: string; readonly stored: T; readonly changed: string | null }> {
  const catalog = readCatalog(db, readSchema(db, dir.databasePath));
  const descriptor = borrowedDescriptor(dir.databasePath);
  if (descriptor === null) throw notShown(dir);
  const tree = readSource(dir);
  verifyNoLinks(dir, tree, new Set(catalog.segments.map(({ id }) => id)));
  const copied = await copy({ root: dir.path, borrowed: { path: DATABASE_NAME, descriptor } }, tree);
  return { ...copied, tree, changed: changedPath(tree, readSource(dir)) };
}

/** The files that a snapshot of the directory would have. Throws FAILED where this user may not read one of them. */
export function readSource({ path }: PersistDir): Tree {
  try {
    const tree = readTree(path, isTemporary);
    for (const file of tree.files) accessSync(join(path, file.path), constants.R_OK);
    return tree;
  } catch (error) {
    throw systemErrorCode(error) === 'EACCES' ? notReadable(error) : error;
  }
}

/** A journal that is not hot holds nothing (guards have seen to that), and neither do our own files hold live data. */
function isTemporary(path: string): boolean {
  return path === `${DATABASE_NAME}-journal` || isRebuiltFile(path) || isRestoreFile(path) || isQuarantine(path);
}

/** A link may lead anywhere; what stands behind it is neither in the lock nor in the comparison. */
function verifyNoLinks(dir: PersistDir, { leftOut }: Tree, segments: ReadonlySet<string>): void {
  const link = leftOut.find(({ path, kind }) => kind === 'symbolic link' && segments.has(path.split('/')[0] ?? ''));
  if (link === undefined) return;
  throw new MaintError('UNSAFE_PLACE', {
    message: `an index of ${dir.given} is behind a symbolic link: ${link.path}`,
    details: ['a snapshot without it would lose vectors'],
    hint: 'stop Chroma and put the real directory in its place',
  });
}

function neverStill(dir: PersistDir, path: string): MaintError {
  return new MaintError('IN_USE', {
    message: `${dir.given} changes while it is copied`,
    details: [`${ATTEMPTS} times it was begun, and each time a file had changed at the end, the last time ${path}`],
    hint: 'try again when less is written to it, or stop Chroma first',
  });
}

function notReadable(cause: unknown): MaintError {
  return new MaintError('FAILED', {
    message: 'this user may not read everything in the directory',
    details: [messageOf(cause)],
    hint: 'run this as the user that owns it: a snapshot without a file would not be whole',
    cause,
  });
}

function notShown(dir: PersistDir): MaintError {
  return new MaintError('FAILED', {
    message: `this system does not let a program read a database that it has locked: ${dir.given}`,
    hint: 'stop Chroma and copy the whole directory: cp -a',
  });
}
