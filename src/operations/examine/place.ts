/**
 * What there is to find about the place: the files and what lies beside them, who owns and who uses them.
 */
import { accessSync, constants, lstatSync, readdirSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import type { PersistDir } from '../../chroma/persist-dir.ts';
import { DATABASE_NAME } from '../../chroma/persist-dir.ts';
import type { SegmentDir } from '../../chroma/segment-dirs.ts';
import { systemErrorCode } from '../../errors.ts';
import type { Host, HolderScan } from '../../host/host.ts';
import { formatBytes, formatCount } from '../../units.ts';
import { finding, type Finding } from '../findings/findings.ts';
import { uncertainty } from '../in-use.ts';
import { NOT_FOR_THIS_USER, quarantineFindings } from './quarantines.ts';

export const DATABASE = DATABASE_NAME;

interface Place {
  readonly dir: PersistDir;
  readonly host: Host;
  readonly holders: HolderScan;
}

/** What is odd about the database file, its file system and who has it open. */
export function placeFindings({ dir, host, holders }: Place): readonly Finding[] {
  const found: Finding[] = [];
  const { isSymlink, links } = dir.database;
  if (isSymlink || links > 1) {
    const what = isSymlink ? `it is a symbolic link to ${dir.databasePath}` : `it has ${links} names (hard links)`;
    found.push(finding('not-one-regular-file', DATABASE, what));
  }
  const { name, isNetwork } = host.fileSystemOf(dir.path);
  if (isNetwork) found.push(finding('network-file-system', dir.path, `it is on a network file system (${name})`));
  if (dir.journal === 'cold')
    found.push(finding('cold-journal', `${DATABASE}-journal`, 'a finished journal is lying beside the database'));
  for (const { pid, command } of holders.holders) found.push(finding('in-use', `pid ${pid}`, command));
  const unknown = uncertainty(holders);
  if (unknown !== null) found.push(finding('processes-not-readable', dir.path, unknown));
  return found;
}

/** What is left of our own work: a new file that was not put in place, and directories that were put aside. */
export function ownFileFindings({ path }: PersistDir, rebuiltBytes: number | null, now: Date): readonly Finding[] {
  const rebuilt = `${formatBytes(rebuiltBytes ?? 0)} of a vacuum that was cut off, or is running`;
  return [
    ...(rebuiltBytes === null ? [] : [finding('unfinished-rebuild', DATABASE, rebuilt)]),
    ...quarantineFindings(path, now),
  ];
}

/**
 * Files that do not belong to the owner of the database, or that this owner may not write: Chroma, which runs as one
 * user, fails on them in the middle of its work. And files that whoever runs this may not read: what is said of them is
 * said of a look that was not taken.
 */
export function ownerFindings(
  { path, databasePath, database }: PersistDir,
  dirs: readonly SegmentDir[],
): readonly Finding[] {
  const names = [path, databasePath, ...dirs.flatMap(({ id }) => [join(path, id), ...filesIn(join(path, id))])];
  const places = names.flatMap(placeAt);
  const told = (isStrange: (place: FilePlace) => boolean, what: string): readonly Finding[] =>
    strange(path, places.filter(isStrange), what);
  return [
    ...told(({ stat }) => stat.uid !== database.owner, `not of user ${database.owner}, who owns the database`),
    ...told(({ stat }) => (stat.mode & OWNER_WRITES) === 0, 'not to be written by its owner'),
    ...told((place) => !isReadable(place), 'not to be read by the user who runs this'),
  ];
}

interface FilePlace {
  readonly path: string;
  readonly stat: Stats;
}

function placeAt(path: string): readonly FilePlace[] {
  try {
    return [{ path, stat: lstatSync(path) }];
  } catch {
    // Removed meanwhile, or in a directory that this user may not enter, which is told by that.
    return [];
  }
}

const OWNER_WRITES = 0o200;

function strange(root: string, [first, ...others]: readonly FilePlace[], what: string): readonly Finding[] {
  if (first === undefined) return [];
  const more = others.length === 0 ? '' : ` and ${formatCount(others.length)} more`;
  return [finding('foreign-owner', root, `${relativeTo(root, first.path)}${more}: ${what}`)];
}

function isReadable({ path, stat }: FilePlace): boolean {
  try {
    accessSync(path, constants.R_OK | (stat.isDirectory() ? constants.X_OK : 0));
    return true;
  } catch (error) {
    return !NOT_FOR_THIS_USER.includes(systemErrorCode(error) ?? '');
  }
}

function filesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).map((name) => join(directory, name));
  } catch {
    // Not to be listed: then it is told by its own owner and mode.
    return [];
  }
}

/** A database that is a link to elsewhere keeps its whole path. */
function relativeTo(root: string, path: string): string {
  if (path === root) return 'the directory itself';
  return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path;
}
