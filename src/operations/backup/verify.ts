/**
 * backup verify: does a snapshot still hold what was stored, and can it be restored and read?
 */
import type { Host } from '../../host/host.ts';
import { inWords } from '../../repository/failures.ts';
import { openRepository, reading, type Repository } from '../../repository/repository.ts';
import {
  findSnapshot,
  latestOfEach,
  readSnapshots,
  recordVerification,
  type Snapshot,
  type UnreadableSnapshot,
} from '../../repository/snapshots.ts';
import { verifyFiles, type Problem } from '../../repository/stored-files.ts';
import type { Finding } from '../findings/findings.ts';
import type { Observer } from '../observer.ts';
import type { Machine } from '../guard-context.ts';
import { counter } from './counter.ts';
import { tryRestore } from './try-restore.ts';

export interface VerifyRequest {
  readonly repository: string;
  readonly which:
    | { readonly kind: 'latest' }
    | { readonly kind: 'all' }
    | { readonly kind: 'one'; readonly selector: string };
  /** Restores each into a temporary directory and reads it. */
  readonly isFull: boolean;
  /** Where that directory is made, null for the repository. */
  readonly tempDir: string | null;
  /** How long to wait for another run, in milliseconds. */
  readonly waitMs: number;
}

export interface VerifyReport {
  readonly request: VerifyRequest;
  readonly results: readonly VerifiedSnapshot[];
}

export type VerifiedSnapshot =
  | { readonly kind: 'unreadable'; readonly snapshot: UnreadableSnapshot }
  | {
      readonly kind: 'read';
      readonly snapshot: Snapshot;
      /** Nothing where it is sound. */
      readonly problems: readonly Problem[];
      /** Errors that a check finds, which the source had as well; null where it was not restored. */
      readonly findings: readonly Finding[] | null;
      /** False where the result could not be kept beside the snapshot. */
      readonly isRecorded: boolean;
    };

/** Verifies snapshots and keeps the result beside each. Damage is a result, not a failure. */
export function verifyBackups(request: VerifyRequest, { host }: Machine, observer: Observer): Promise<VerifyReport> {
  return inWords(request.repository, async () => {
    const repository = openRepository(request.repository);
    return reading(repository, { host, waitMs: request.waitMs }, async () => {
      const results: VerifiedSnapshot[] = [];
      for (const snapshot of chosen(repository, request)) {
        if ('because' in snapshot) results.push({ kind: 'unreadable', snapshot });
        else results.push(await verifyOne(repository, snapshot, request, host, observer));
      }
      return { request, results };
    });
  });
}

async function verifyOne(
  repository: Repository,
  snapshot: Snapshot,
  { isFull, tempDir }: VerifyRequest,
  host: Host,
  observer: Observer,
): Promise<VerifiedSnapshot> {
  observer.onStage('hashing');
  const damage = await verifyFiles(snapshot, counter(snapshot.manifest, observer));
  // What cannot be copied out is not read either.
  const restored =
    isFull && damage.length === 0 ? await tryRestore(repository, snapshot, { host, tempDir }, observer) : null;
  const problems = [...damage, ...(restored?.problems ?? [])];
  const verification = {
    time: host.now().toISOString(),
    extent: isFull ? 'full' : 'hashes',
    problems: problems.length,
  } as const;
  const isRecorded = recordVerification(snapshot, verification, host);
  return { kind: 'read', snapshot, problems, findings: restored?.findings ?? null, isRecorded };
}

function chosen(repository: Repository, { which }: VerifyRequest): readonly (Snapshot | UnreadableSnapshot)[] {
  const list = readSnapshots(repository);
  switch (which.kind) {
    case 'all':
      return [...list.snapshots, ...list.unreadable];
    case 'one':
      return [findSnapshot(repository, list, which.selector)];
    case 'latest':
      return latestOfEach(repository, list);
  }
}
