/**
 * A snapshot restored into a temporary directory, read there, and removed again.
 */
import { join } from 'node:path';
import { DATABASE_NAME } from '../../chroma/persist-dir.ts';
import { MaintError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { beginUnfinished, discard, type Repository } from '../../repository/repository.ts';
import type { Snapshot } from '../../repository/snapshots.ts';
import { copyOut, type Problem } from '../../repository/stored-files.ts';
import { checkFullText } from '../../sqlite/full-text-check.ts';
import { withWritable } from '../../sqlite/open.ts';
import type { Finding } from '../findings/findings.ts';
import { check } from '../check/check.ts';
import type { Observer } from '../observer.ts';
import { verifyRoom } from '../space.ts';
import { counter } from './counter.ts';
import { describeCopy } from './describe.ts';
import { totalsOf } from './totals.ts';

export interface Tried {
  readonly problems: readonly Problem[];
  readonly findings: readonly Finding[];
}

const WHEN_SHORT = 'name a directory on another disk with --temp-dir <dir>, or verify the hashes alone, without --full';

/** Name of the temporary directory of the process `pid`, which has one at a time. */
export function triedName(pid: number): string {
  return `verify-${pid}`;
}

/** Restores, compares with what the manifest tells, runs quick_check and FTS5's own check, and checks the copy. */
export async function tryRestore(
  repository: Repository,
  snapshot: Snapshot,
  { host, tempDir }: { readonly host: Host; readonly tempDir: string | null },
  observer: Observer,
): Promise<Tried> {
  const place = { given: repository.given, path: tempDir ?? repository.path };
  const need = { directory: place.path, bytes: totalsOf(snapshot).allocatedBytes, purpose: 'a restored copy' };
  await verifyRoom(repository, need, WHEN_SHORT, host);
  const unfinished = beginUnfinished(place, triedName(process.pid));
  try {
    observer.onStage('copying');
    const directory = join(unfinished, 'restored');
    await copyOut(snapshot, directory, host, counter(snapshot.manifest, observer));
    observer.onStage('examining');
    return await examine(snapshot, directory, host, observer);
  } finally {
    discard(unfinished);
  }
}

function problem(what: string): Problem {
  return { path: DATABASE_NAME, what };
}

async function examine({ manifest }: Snapshot, directory: string, host: Host, observer: Observer): Promise<Tried> {
  try {
    const { contents } = describeCopy(directory, DATABASE_NAME);
    const fullText = withWritable(join(directory, DATABASE_NAME), 0, checkFullText);
    // Not a deep one: pages and full text were just read, and the rows are compared by their hash.
    const request = {
      path: directory,
      source: manifest.source.path,
      isDeep: false,
      isWhileRunning: false,
      redact: false,
    };
    const machine = { host, ownProcesses: [process.pid] };
    const { findings } = await check(request, machine, { ...observer, onStage: () => undefined });
    const isSame = contents.contentSha256 === manifest.contents.contentSha256;
    return {
      problems: [
        ...fullText.map(problem),
        ...(isSame ? [] : [problem('it does not hold what the manifest tells (hash over the rows)')]),
      ],
      // What is odd about the place of the copy, who owns it or how much room there is, is none.
      findings: findings.filter(({ severity }) => severity === 'error'),
    };
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    return { problems: [problem([error.message, ...error.details].join('; '))], findings: [] };
  }
}
