/**
 * What there is to find about the place: the files and what lies beside them, who owns and who uses them.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { PersistDir } from '../../chroma/persist-dir.ts';
import { DATABASE_NAME } from '../../chroma/persist-dir.ts';
import type { SegmentDir } from '../../chroma/segment-dirs.ts';
import type { Host, HolderScan } from '../../host/host.ts';
import { listQuarantines } from '../../repository/quarantine.ts';
import { counted, formatBytes } from '../../units.ts';
import { finding, type Finding } from '../findings/findings.ts';
import { uncertainty } from '../in-use.ts';

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
export function ownFileFindings({ path }: PersistDir, rebuiltBytes: number | null): readonly Finding[] {
  const rebuilt = `${formatBytes(rebuiltBytes ?? 0)} of a vacuum that was cut off, or is running`;
  return [
    ...(rebuiltBytes === null ? [] : [finding('unfinished-rebuild', DATABASE, rebuilt)]),
    ...listQuarantines(path).map(({ id, directories, bytes }) => {
      const what = counted(directories.length, 'directory', 'directories');
      return finding('quarantine', id, `${what} of deleted collections (${formatBytes(bytes)}), put aside by clean`);
    }),
  ];
}

/**
 * Files that do not belong to the owner of the database, or that this owner may not write: Chroma, which runs as one
 * user, fails on them in the middle of its work.
 */
export function ownerFindings(
  { path, databasePath, database }: PersistDir,
  dirs: readonly SegmentDir[],
): readonly Finding[] {
  const places = [path, databasePath, ...dirs.flatMap(({ id }) => [join(path, id), ...filesIn(join(path, id))])];
  const foreign = places.filter((each) => {
    const stat = lstatSync(each, { throwIfNoEntry: false });
    return stat !== undefined && (stat.uid !== database.owner || (stat.mode & OWNER_WRITES) === 0);
  });
  const [first = '', ...others] = foreign;
  if (foreign.length === 0) return [];
  const more = others.length === 0 ? '' : ` and ${counted(others.length, 'more file')}`;
  const message = `${relativeTo(path, first)}${more}: not of user ${database.owner}, who owns the database, or not to be written by that user`;
  return [finding('foreign-owner', path, message)];
}

const OWNER_WRITES = 0o200;

function filesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).map((name) => join(directory, name));
  } catch {
    // Not to be listed: then it is told by its own owner and mode.
    return [];
  }
}

function relativeTo(root: string, path: string): string {
  return path === root ? 'the directory itself' : path.slice(root.length + 1);
}
