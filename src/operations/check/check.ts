/**
 * check: everything that is wrong or wasteful in a directory, as findings. Reads only, to the byte; what stops one look
 * is a finding itself, and the others go on.
 */
import { existsSync, statSync } from 'node:fs';
import type { PersistDir } from '../../chroma/persist-dir.ts';
import { listSegmentDirs } from '../../chroma/segment-dirs.ts';
import { MaintError } from '../../errors.ts';
import type { HolderScan } from '../../host/host.ts';
import { shellWord } from '../../shell-word.ts';
import { withReadOnly } from '../../sqlite/open.ts';
import { rebuiltBytes } from '../../sqlite/rebuilt-file.ts';
import { DATABASE, ownerFindings, ownFileFindings, placeFindings } from '../examine/place.ts';
import { finding, presented, type Finding } from '../findings/findings.ts';
import type { FindingKind } from '../findings/kinds.ts';
import type { Severity } from '../findings/texts.ts';
import { READ_WAIT_MS, type Machine } from '../guard-context.ts';
import { LOOK_AGAIN } from '../looking.ts';
import { verifyNotHalfSwapped } from '../half-swap.ts';
import { inUse, namingHolders } from '../in-use.ts';
import { locateSettled } from '../journal.ts';
import type { Observer } from '../observer.ts';
import { examineDatabase } from './database.ts';
import type { CheckReport, CheckRequest } from './report.ts';

/**
 * Looks at everything. Throws NOT_A_PERSIST_DIR where there is no directory at all, and IN_USE where `isDeep` would keep
 * a server from committing and that was not allowed.
 */
export async function check(request: CheckRequest, machine: Machine, observer: Observer): Promise<CheckReport> {
  observer.onStage('checking');
  verifyNotHalfSwapped(request.path);
  try {
    const dir = await locateSettled(request.path, READ_WAIT_MS, machine);
    return await checkLocated(dir, request, machine, observer);
  } catch (error) {
    const found = isDirectory(request.path) ? findingOf(error) : null;
    if (found === null) throw error;
    return reportOn(request, request.path, [found], false);
  }
}

async function checkLocated(
  dir: PersistDir,
  request: CheckRequest,
  machine: Machine,
  observer: Observer,
): Promise<CheckReport> {
  const { host, ownProcesses } = machine;
  const { holders, unknown } = holdersOf(dir, machine);
  verifyMayBlock(dir, holders, request);
  const report = (found: readonly Finding[], isDatabaseRead: boolean): CheckReport => {
    const place = placeFindings({ dir: { ...dir, journal: journalSince(dir, holders) }, host, holders });
    const owners = ownerFindings(dir, listSegmentDirs(dir.path));
    const own = ownFileFindings(dir, rebuiltBytes(dir.databasePath), host.now());
    return reportOn(request, dir.path, [...found, ...place, ...unknown, ...owners, ...own], isDatabaseRead);
  };
  const obstacle = journalFinding(dir);
  if (obstacle !== null) return report([obstacle], false);
  const context = { dir, holders, request, observer };
  try {
    const { found, isRead, later } = await namingHolders(
      { dir, host, ownProcesses },
      () => withReadOnly(dir.databasePath, READ_WAIT_MS, (db) => examineDatabase(db, context, host)),
      LOOK_AGAIN,
    );
    return report([...found, ...(await later())], isRead);
  } catch (error) {
    const found = findingOf(error);
    if (found === null) throw error;
    return report([found], false);
  }
}

/** The journal of a transaction that is under way looks like one that was finished and left. */
function journalSince({ journal, databasePath }: PersistDir, { holders }: HolderScan): PersistDir['journal'] {
  const isLeft = holders.length === 0 && existsSync(`${databasePath}-journal`);
  return journal === 'cold' && !isLeft ? 'none' : journal;
}

/** Who has the directory open. Where not all of it may be looked at, as in somebody else's quarantine, that is a finding. */
function holdersOf(
  { path }: PersistDir,
  { host, ownProcesses }: Machine,
): { readonly holders: HolderScan; readonly unknown: readonly Finding[] } {
  try {
    return { holders: host.holdersOf(path, ownProcesses), unknown: [] };
  } catch (error) {
    if (!(error instanceof MaintError) || error.code !== 'FAILED') throw error;
    const message = `who has it open could not be told: ${[error.message, ...error.details].join('; ')}`;
    const holders = { holders: [], unreadable: 0, isSupported: true, isWholeMachine: false };
    return { holders, unknown: [finding('processes-not-readable', path, message)] };
  }
}

function reportOn(
  request: CheckRequest,
  path: string,
  found: readonly Finding[],
  isDatabaseRead: boolean,
): CheckReport {
  const findings = presented(found, request.source ?? request.path);
  const count = (severity: Severity): number => findings.filter((each) => each.severity === severity).length;
  const counts = { error: count('error'), warning: count('warning'), info: count('info') };
  return { request, path, findings, counts, isDatabaseRead };
}

/** An open read keeps Chroma from committing, and a deep check reads for as long as it takes to read everything. */
function verifyMayBlock(dir: PersistDir, { holders }: HolderScan, { isDeep, isWhileRunning }: CheckRequest): void {
  if (!isDeep || isWhileRunning || holders.length === 0) return;
  const { message, details } = inUse(dir.given, holders);
  throw new MaintError('IN_USE', {
    message,
    details: [...details, 'a deep check would keep it from saving anything for as long as it reads'],
    hint: `stop Chroma; or leave out --deep; or let it wait: chroma-maint check ${shellWord(dir.given)} --deep --while-running`,
  });
}

/** What keeps the database from being opened without a change. */
function journalFinding({ walMode, walFiles, journal }: PersistDir): Finding | null {
  const opening = 'it was not opened, because that would create files';
  if (walMode) {
    const message = `it is in SQLite's WAL mode, which Chroma never switches on; ${opening}`;
    return finding('write-ahead-file', DATABASE, message);
  }
  if (walFiles.length > 0) {
    const message = `files of SQLite's WAL mode stand beside it (${walFiles.join(', ')}); ${opening}`;
    return finding('write-ahead-file', DATABASE, message);
  }
  if (journal !== 'hot') return null;
  const message = 'a transaction was cut off; until it is played back the database file alone is not consistent';
  return finding('hot-journal', `${DATABASE}-journal`, message);
}

const KIND_OF: Readonly<Partial<Record<MaintError['code'], FindingKind>>> = {
  NOT_A_PERSIST_DIR: 'not-a-persist-dir',
  CORRUPT: 'database-damaged',
  HOT_JOURNAL: 'hot-journal',
};

/** The finding that a failure stands for; null for one that says nothing about the directory. */
function findingOf(error: unknown): Finding | null {
  if (!(error instanceof MaintError)) return null;
  const id = KIND_OF[error.code];
  return id === undefined ? null : finding(id, DATABASE, [error.message, ...error.details].join('; '));
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
